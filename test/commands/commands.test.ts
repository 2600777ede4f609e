import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Caller } from '../../src/areas/scope.ts';
import { createAudit } from '../../src/audit/audit.ts';
import { type Command, openCommands } from '../../src/commands/commands.ts';
import type { Judgement } from '../../src/commands/judge.ts';
import type { JudgedRequest } from '../../src/commands/writing.ts';
import { openDatabase } from '../../src/db/database.ts';
import { newId } from '../../src/lib/ids.ts';
import { createLog } from '../../src/lib/log.ts';
import { loadProfiles } from '../../src/terminals/profile.ts';
import { openRegistry } from '../../src/terminals/registry.ts';
import { openSealedSecrets } from '../../src/terminals/sealed-secrets.ts';
import { heldClock } from '../helpers/clock.ts';
import { testDatabase } from '../helpers/database.ts';
import { tempFolder } from '../helpers/temp.ts';

/** As it is judged when no rule speaks of it. */
const ALLOWED: Pick<JudgedRequest, 'via' | 'judgement' | 'ttlMs' | 'holdMs'> = {
  via: 'request',
  judgement: { decision: 'allowed', rules: [], policyVersion: 'test' },
  ttlMs: 120_000,
  holdMs: 900_000,
};
const HELD: Judgement = { decision: 'held', rules: [], policyVersion: null };
const ADMIN: Caller = { id: 'a', name: 'admin', role: 'admin', companyId: null, areaCode: null, householdId: null };

async function open() {
  const clock = heldClock();
  const log = createLog('silent');
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder());
  const db = stack.use(await openDatabase((await testDatabase(newId('db'))) || ':memory:', log));
  const profiles = loadProfiles('config/profiles');
  const sealedSecrets = await openSealedSecrets(join(folder.path, 'secrets.key'), { db, log });
  const registry = await openRegistry({
    db,
    clock,
    profiles,
    audit: createAudit({ db, clock }),
    sealedSecrets,
    onChange: () => undefined,
  });
  const connection = { type: 'mqtt' } as const;
  const { terminal } = await registry.create(ADMIN, { id: 'A', profile: 'gas-boiler', connection });
  const seen: Command[] = [];
  const audit = createAudit({ db, clock });
  const parts = { db, clock, audit, gateway: 'G' };
  const commands = await openCommands({ ...parts, onChange: (command) => seen.push(command) });
  const request = { command: 'power', value: 'off', ...ALLOWED };
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
  const request = { command: 'power', value: 'on', ...ALLOWED };
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
  const request = { command: 'setpoint', value: 20, ...ALLOWED };
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

const stepsOf = ({ history }: Command) => history.map(({ state, cause }) => `${state} ${cause}`);

async function ask(at: Awaited<ReturnType<typeof open>>, request: Partial<JudgedRequest>): Promise<Command> {
  const whole = { command: 'power', value: 'on', ...ALLOWED, ...request };
  const command = await at.db.transaction().execute((trx) => at.commands.create(trx, at.terminal, ADMIN, whole));
  await at.commands.announce(command);
  return command;
}

const read = (at: Awaited<ReturnType<typeof open>>, id: string) => at.commands.get(ADMIN, id);

test('a newer command of its kind takes the place of one that was not sent, and of no other', async () => {
  await using at = await open();
  const setpoint = await ask(at, { command: 'setpoint', value: 20 });
  const newer = await ask(at, {});
  expect(stepsOf(await read(at, at.command.id))).toEqual(['queued requested', 'cancelled superseded']);
  expect((await read(at, at.command.id)).history.at(-1)?.detail).toBe(newer.id);
  expect(at.commands.openOf('A').map(({ id }) => id)).toEqual([setpoint.id, newer.id]);
  await at.commands.step(setpoint, 'send', 'sent', 'mqtt');
  await ask(at, { command: 'setpoint', value: 21 });
  expect((await read(at, setpoint.id)).state).toBe('sent');
});

test('one that is approved goes behind those that went out while it was held', async () => {
  await using at = await open();
  const held = await ask(at, { command: 'setpoint', value: 20, judgement: HELD });
  const other = await ask(at, {});
  expect([held.sequence, other.sequence]).toEqual([2, 3]);
  const approved = await at.commands.step(held, 'approve', 'requested', null, { by: 'second' });
  expect(approved?.sequence).toBe(4);
  expect(await read(at, held.id)).toEqual(approved);
  expect(at.commands.openOf('A').map(({ sequence }) => sequence)).toEqual([3, 4]);
});

test('one that is held takes nobody’s place until it is approved, and loses its own to a newer one', async () => {
  await using at = await open();
  const held = await ask(at, { judgement: HELD });
  expect((await read(at, at.command.id)).state).toBe('queued');
  expect((await at.commands.step(held, 'approve', 'requested', null, { by: 'second' }))?.state).toBe('queued');
  expect(stepsOf(await read(at, at.command.id)).at(-1)).toBe('cancelled superseded');
  const waits = await ask(at, { judgement: HELD, value: 'off' });
  await ask(at, {});
  expect(stepsOf(await read(at, waits.id)).at(-1)).toBe('cancelled superseded');
});

test('of a newer command and the sending of an older one at once, the older is sent or goes, never both', async () => {
  await using at = await open();
  // A race is only one where several write at the same time.
  const rounds = process.env['TEST_DATABASE'] ? 20 : 1;
  let older = at.command;
  for (let n = 0; n < rounds; n += 1) {
    const other = await openCommands({ ...at.parts, shared: true, onChange: () => undefined });
    const [sent, newer] = await Promise.all([other.step(older, 'send', 'sent', 'mqtt'), ask(at, {})]);
    const ended = await read(at, older.id);
    expect(ended.state).toBe(sent ? 'sent' : 'cancelled');
    expect(stepsOf(ended)).toHaveLength(2);
    expect((await read(at, newer.id)).state).toBe('queued');
    if (sent) await other.step(sent, 'reject', 'refused_by_terminal');
    older = newer;
  }
});

test('what comes back unsent does not go out after a newer one of its kind', async () => {
  await using at = await open();
  const sent = await at.commands.step(at.command, 'send', 'sent', 'mqtt');
  await ask(at, {});
  const back = sent && (await at.commands.step(sent, 'return', 'not_listening'));
  expect(back && stepsOf(back)).toEqual([
    'queued requested',
    'sent sent',
    'queued not_listening',
    'cancelled superseded',
  ]);
  expect(await read(at, at.command.id)).toEqual(back);
});

test('a newer reading that shows something else is in the history once, and changes nothing', async () => {
  await using at = await open();
  const sent = await at.commands.step(at.command, 'send', 'sent', 'mqtt');
  await at.commands.confirm(at.terminal, at.clock.now(), { power_on: 1 });
  expect(stepsOf(await read(at, at.command.id))).toHaveLength(2);
  await at.commands.answer('A', at.command.id, true, undefined);
  for (let n = 0; n < 3; n += 1) {
    await at.clock.advance(1_000);
    await at.commands.confirm(at.terminal, at.clock.now(), { power_on: 1 });
  }
  const contradicted = await read(at, at.command.id);
  expect(contradicted.history.at(-1)).toMatchObject({
    state: 'acknowledged',
    cause: 'contradicted',
    detail: 'power_on = 1',
  });
  expect(stepsOf(contradicted)).toHaveLength(4);
  expect(at.seen.at(-1)).toEqual(contradicted);
  expect(sent && (await at.commands.confirm(at.terminal, at.clock.now(), { power_on: 0 }))[0]?.state).toBe('confirmed');
});

test('an answer that comes twice counts once, and not again after the time-out', async () => {
  await using at = await open();
  await at.commands.step(at.command, 'send', 'sent', 'mqtt');
  const taken = await at.commands.answer('A', at.command.id, true, undefined);
  expect(await at.commands.answer('A', at.command.id, true, undefined)).toBeUndefined();
  if (taken) await at.commands.step(taken, 'time_out', 'not_shown');
  expect(await at.commands.answer('A', at.command.id, true, undefined)).toBeUndefined();
  expect((await read(at, at.command.id)).state).toBe('timed_out');
});

test('every step is in the audit with who took it, and nothing happens that cannot be written there', async () => {
  await using at = await open();
  await at.commands.step(at.command, 'send', 'sent', 'mqtt');
  await at.commands.answer('A', at.command.id, true, undefined);
  await at.clock.advance(1_000);
  await at.commands.confirm(at.terminal, at.clock.now(), { power_on: 0 });
  const { items } = await at.audit.list(undefined, { limit: 10, terminalId: 'A' });
  expect(items.reverse().map(({ actor, action }) => `${actor} ${action}`)).toEqual([
    'admin command_requested',
    'gateway:G command_sent',
    'terminal:A command_acknowledged',
    'terminal:A command_confirmed',
  ]);
  const queued = await ask(at, {});
  await at.db.schema.alterTable('audit').renameTo('audit_away').execute();
  await expect(at.commands.step(queued, 'send', 'sent', 'mqtt')).rejects.toThrow(/audit cannot be written/);
  await expect(ask(at, { value: 'off' })).rejects.toThrow(/audit cannot be written/);
  expect(stepsOf(await read(at, queued.id))).toEqual(['queued requested']);
  expect((await at.commands.list(ADMIN, { limit: 10 })).items).toHaveLength(2);
});

const YEAR_MS = 31_536_000_000;
const HOUR_MS = 3_600_000;

test.each([YEAR_MS, HOUR_MS, -HOUR_MS, -YEAR_MS])(
  'a clock that is set by %i ms sends nothing that is over, and leaves nothing open',
  async (jump) => {
    await using at = await open();
    const began = at.clock.now();
    const sent = await at.commands.step(at.command, 'send', 'sent', 'mqtt');
    const queued = await ask(at, { command: 'setpoint', value: 20 });
    if (!sent) throw new Error('not sent');
    await at.clock.advance(10_000);
    at.clock.set(began + 10_000 + jump);
    expect(at.commands.sinceSentMs(sent)).toBe(10_000);
    // Forward, its terminal would find it too late as well.
    expect(at.commands.isExpired(queued)).toBe(jump > 0);
    // What was read before the command was sent, by whichever clock, does not confirm it.
    expect(await at.commands.confirm(at.terminal, at.clock.now() - 11_000, { power_on: 0 })).toEqual([]);
    await at.clock.advance(110_000);
    expect(at.commands.isExpired(queued)).toBe(true);
    expect((await at.commands.confirm(at.terminal, at.clock.now() - 60_000, { power_on: 0 }))[0]?.id).toBe(sent.id);
  },
);

test('what was asked for in the future, as the clock says after a restart, is over: nobody knows how old it is', async () => {
  await using at = await open();
  at.clock.set(at.clock.now() - HOUR_MS);
  const again = await openCommands({ ...at.parts, onChange: () => undefined });
  expect(again.openOf('A').map(again.isExpired)).toEqual([true]);
  // Clocks of several gateways are not that far apart.
  at.clock.set(at.clock.now() + HOUR_MS - 5_000);
  const other = await openCommands({ ...at.parts, onChange: () => undefined });
  expect(other.openOf('A').map(other.isExpired)).toEqual([false]);
});
