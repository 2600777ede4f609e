import { join } from 'node:path';
import type { Caller } from '../../src/areas/scope.ts';
import { type Audit, createAudit } from '../../src/audit/audit.ts';
import { verifyAudit } from '../../src/audit/verify.ts';
import { openCommands } from '../../src/commands/commands.ts';
import type { Judgement } from '../../src/commands/judge.ts';
import { projectRoot } from '../../src/config.ts';
import { openDatabase } from '../../src/db/database.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import { loadProfiles } from '../../src/terminals/profile.ts';
import { openRegistry } from '../../src/terminals/registry.ts';
import { openSealedSecrets } from '../../src/terminals/sealed-secrets.ts';
import { tempFolder } from '../helpers/temp.ts';

/** What the audit costs: a row of it in each step of a command on a disk, and a look through a million rows. */

const ADMIN: Caller = { id: 'a', name: 'a', role: 'admin', companyId: null, areaCode: null, householdId: null };
const COMMANDS = 500;
const ROWS = 1_000_000;
const AT_ONCE = 1_000;
const ALLOWED: Judgement = { decision: 'allowed', rules: [], policyVersion: null };

export async function benchAudit(): Promise<void> {
  await using folder = await tempFolder();
  const log = createLog('silent');
  await using db = await openDatabase(join(folder.path, 'rows.sqlite'), log);
  const profiles = loadProfiles(join(projectRoot, 'config/profiles'));
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
  const audit = createAudit({ db, clock });

  async function lives(name: string, recorder: Audit): Promise<void> {
    const commands = await openCommands({ db, clock, audit: recorder, gateway: 'G', onChange: () => undefined });
    const began = performance.now();
    for (let n = 0; n < COMMANDS; n += 1) {
      const asked = { command: 'setpoint', value: 20, via: 'request' } as const;
      const request = { ...asked, judgement: ALLOWED, ttlMs: 120_000, holdMs: 0 };
      const command = await db.transaction().execute((trx) => commands.create(trx, terminal, ADMIN, request));
      await commands.announce(command);
      await commands.step(command, 'send', 'sent', 'mqtt');
      await commands.answer('A', command.id, true, undefined);
      await commands.confirm(terminal, clock.now() + 1_000, { setpoint_c: 20 });
    }
    const ms = (performance.now() - began) / COMMANDS;
    console.log(`a command's four steps on SQLite, each a commit, ${name}: ${ms.toFixed(2)} ms`);
  }
  await lives('without the audit', { ...audit, record: async () => undefined });
  await lives('with it', audit);
  await lives('without the audit', { ...audit, record: async () => undefined });
  await lives('with it', audit);

  const entry = { actor: 'admin', action: 'command_sent', subject: 'cmd_1', terminalId: 'A', companyId: null } as const;
  const detail = { command: 'power', value: 'off', sequence: 1, cause: 'sent', detail: 'mqtt' };
  for (let rows = 0; rows < ROWS; rows += AT_ONCE)
    await audit.note(...Array.from({ length: AT_ONCE }, () => ({ ...entry, detail })));
  globalThis.gc?.();
  const [before, began] = [process.memoryUsage.rss(), performance.now()];
  const { rows, faults } = await verifyAudit(db, []);
  const seconds = (performance.now() - began) / 1_000;
  const grown = ((process.memoryUsage.rss() - before) / 1_048_576).toFixed(0);
  console.log(`a look through ${rows} rows: ${seconds.toFixed(1)} s, ${grown} MiB more, ${faults.length} faults`);
}
