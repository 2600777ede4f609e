import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Caller } from '../../src/areas/scope.ts';
import { createAudit } from '../../src/audit/audit.ts';
import { type Command, openCommands } from '../../src/commands/commands.ts';
import { openDatabase } from '../../src/db/database.ts';
import { newId } from '../../src/lib/ids.ts';
import { createLog } from '../../src/lib/log.ts';
import { loadProfiles } from '../../src/terminals/profile.ts';
import { openRegistry } from '../../src/terminals/registry.ts';
import { openSealedSecrets } from '../../src/terminals/sealed-secrets.ts';
import { heldClock } from '../helpers/clock.ts';
import { testDatabase } from '../helpers/database.ts';
import { tempFolder } from '../helpers/temp.ts';

const ADMIN: Caller = { id: 'a', name: 'admin', role: 'admin', companyId: null, areaCode: null, householdId: null };

async function open() {
  const clock = heldClock();
  const log = createLog('silent');
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder());
  const db = stack.use(await openDatabase((await testDatabase(newId('db'))) || ':memory:', log));
  const profiles = loadProfiles('config/profiles');
  const sealedSecrets = await openSealedSecrets(join(folder.path, 'secrets.key'), { db, log });
  const registry = await openRegistry({ db, clock, profiles, sealedSecrets, onChange: () => undefined });
  const connection = { type: 'mqtt' } as const;
  const { terminal } = await registry.create(ADMIN, { id: 'A', profile: 'gas-boiler', connection });
  const seen: Command[] = [];
  const audit = createAudit({ db, clock });
  const parts = { db, clock, audit, gateway: 'G' };
  const commands = await openCommands({ ...parts, onChange: (command) => seen.push(command) });
  const request = { command: 'power', value: 'off', expiresInS: 120 };
  const command = await db.transaction().execute((trx) => commands.create(trx, terminal, ADMIN, request));
  await commands.announce(command);
  const opened = stack.move();
  return {
    clock,
    db,
    parts,
    audit,
    terminal,
    commands,
    command,
    seen,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

test('of two steps at once only one is taken', async () => {
  await using at = await open();
  const taken = await Promise.all([
    at.commands.step(at.command, 'send', 'sent', 'mqtt'),
    at.commands.step(at.command, 'cancel', 'cancelled', 'admin'),
  ]);
  expect(taken.filter((step) => step !== undefined)).toHaveLength(1);
  const { history, state } = await at.commands.get(ADMIN, at.command.id);
  expect(history).toHaveLength(2);
  expect(state).toBe(history.at(-1)?.state);
  expect(at.seen).toHaveLength(2);
});

test('a reading that shows a command in the moment of its answer, or of its time-out, confirms it', async () => {
  for (const other of ['answer', 'time-out'] as const) {
    await using at = await open();
    const sent = await at.commands.step(at.command, 'send', 'sent', 'mqtt');
    if (!sent) throw new Error('not sent');
    await at.clock.advance(1_000);
    await Promise.all([
      other === 'answer'
        ? at.commands.answer('A', sent.id, true, undefined)
        : at.commands.step(sent, 'time_out', 'unknown'),
      at.commands.confirm(at.terminal, at.clock.now(), { power_on: 0 }),
    ]);
    const { history, state } = await at.commands.get(ADMIN, sent.id);
    expect([state, history.at(-1)?.state]).toEqual(['confirmed', 'confirmed']);
  }
});

test('an answer counts for an hour after the time-out, and not after that', async () => {
  await using at = await open();
  const sent = await at.commands.step(at.command, 'send', 'sent', 'mqtt');
  if (!sent) throw new Error('not sent');
  await at.commands.step(sent, 'time_out', 'unknown');
  await at.clock.advance(3_600_000 - 1);
  expect(at.commands.openOf('A')).toHaveLength(1);
  await at.clock.advance(2);
  const confirmed = await at.commands.confirm(at.terminal, at.clock.now(), { power_on: 0 });
  expect(confirmed).toEqual([]);
});

test('a command that timed out is not confirmed by what a newer one did', async () => {
  await using at = await open();
  const sent = await at.commands.step(at.command, 'send', 'sent', 'mqtt');
  if (sent) await at.commands.step(sent, 'time_out', 'unknown');
  const request = { command: 'power', value: 'on', expiresInS: 120 };
  const newer = await at.db.transaction().execute((trx) => at.commands.create(trx, at.terminal, ADMIN, request));
  await at.commands.announce(newer);
  await at.commands.step(newer, 'send', 'sent', 'mqtt');
  await at.clock.advance(1_000);
  expect(await at.commands.confirm(at.terminal, at.clock.now(), { power_on: 0 })).toEqual([]);
  // Nor after a restart.
  const again = await openCommands({ ...at.parts, onChange: () => undefined });
  expect(again.openOf('A').map(({ sequence }) => sequence)).toEqual([2]);
  expect((await at.commands.get(ADMIN, at.command.id)).state).toBe('timed_out');
});

test('what was not sent is taken back when its terminal moves, and what was sent is not', async () => {
  await using at = await open();
  await at.commands.withdraw('A');
  const { state, history } = await at.commands.get(ADMIN, at.command.id);
  expect([state, history.at(-1)?.cause]).toEqual(['cancelled', 'moved']);
  await using other = await open();
  await other.commands.step(other.command, 'send', 'sent', 'mqtt');
  await other.commands.withdraw('A');
  expect((await other.commands.get(ADMIN, other.command.id)).state).toBe('sent');
});

test('a terminal answers only for its own commands', async () => {
  await using at = await open();
  await at.commands.step(at.command, 'send', 'sent', 'mqtt');
  expect(await at.commands.answer('B', at.command.id, true, undefined)).toBeUndefined();
  expect(await at.commands.answer('A', 'cmd_of_somebody', true, undefined)).toBeUndefined();
  expect((await at.commands.answer('A', at.command.id, true, undefined))?.state).toBe('acknowledged');
});

test('another gateway that has not heard of a command sends none past it, and none beside it', async () => {
  await using at = await open();
  const request = { command: 'setpoint', value: 20, expiresInS: 120 };
  const second = await at.db.transaction().execute((trx) => at.commands.create(trx, at.terminal, ADMIN, request));
  const other = await openCommands({ ...at.parts, shared: true, onChange: () => undefined });
  expect(await other.step(second, 'send', 'sent', 'mqtt')).toBeUndefined();
  const sent = await at.commands.step(at.command, 'send', 'sent', 'mqtt');
  expect(sent?.state).toBe('sent');
  expect(await other.step(second, 'send', 'sent', 'mqtt')).toBeUndefined();
  expect(await other.step(at.command, 'send', 'sent', 'mqtt')).toBeUndefined();
  // The answer comes to the gateway that still believes it to be queued, or knows nothing of it.
  const answered = await other.answer('A', at.command.id, false, 'busy');
  expect(answered?.state).toBe('rejected');
  expect((await other.step(second, 'send', 'sent', 'mqtt'))?.state).toBe('sent');
});
