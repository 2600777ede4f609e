import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createCompanies, createHouseholds } from '../../src/areas/households.ts';
import type { Caller } from '../../src/areas/scope.ts';
import { createAudit } from '../../src/audit/audit.ts';
import { openControl } from '../../src/commands/control.ts';
import type { CommandRequest } from '../../src/commands/requests.ts';
import { openDatabase } from '../../src/db/database.ts';
import { type Carrier, startDownlink } from '../../src/downlink.ts';
import { newId } from '../../src/lib/ids.ts';
import { createLog } from '../../src/lib/log.ts';
import { loadProfiles } from '../../src/terminals/profile.ts';
import { openRegistry } from '../../src/terminals/registry.ts';
import { openSealedSecrets } from '../../src/terminals/sealed-secrets.ts';
import { heldClock } from '../helpers/clock.ts';
import { testDatabase } from '../helpers/database.ts';
import { VILLAGE } from '../helpers/gateway.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';

/** Control with a clock that the test holds, and with a wire that takes whatever it is given. */

const personOf = (name: string): Caller => ({
  id: name,
  personId: name,
  name,
  role: 'admin',
  companyId: null,
  areaCode: null,
  householdId: null,
});
const LI = personOf('li');
const WANG = personOf('wang');
const DAY = 86_400_000;

async function open(start?: number) {
  const clock = heldClock(start);
  const log = createLog('silent');
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder());
  const db = stack.use(await openDatabase((await testDatabase(newId('db'))) || ':memory:', log));
  const area = { code: VILLAGE, name: '北街村', level: 'village', parent: null } as const;
  await db
    .insertInto('areas')
    .values({ ...area, personName: null, personPhone: null })
    .execute();
  const companies = createCompanies({ db, clock });
  const company = await companies.create('燃气公司');
  const household = await createHouseholds({ db, clock, companies }).create(LI, {
    accountNo: '1',
    name: '王秀英',
    areaCode: VILLAGE,
    companyId: company.id,
  });
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
  const make = async (id: string, profile: string) =>
    (await registry.create(LI, { id, profile, householdId: household.id, connection: { type: 'mqtt' } })).terminal;
  const meter = await make('meter', 'gas-meter');
  const boiler = await make('boiler', 'gas-boiler');
  /** What the household owes and how often it was told, as billing would say. */
  const account = { owedFen: 0n, notices: [] as { step: number; at: number }[] };
  const control = stack.use(
    await openControl({
      db,
      clock,
      log,
      audit: createAudit({ db, clock }),
      gateway: 'G',
      registry,
      settings: {
        policies: 'config/policies',
        weather: { kind: 'none', file: '', url: '', everyS: 60, maxAgeS: 3_600 },
        batches: { terminals: 10, perCellPerMinute: 60, inFlight: 10, failurePercent: 10, failureAtLeast: 5 },
        schedules: { graceS: 300, most: 10 },
      },
      isOnline: () => true,
      owns: () => true,
      onBatch: () => undefined,
      onIssued: () => undefined,
      noticesOf: async () => account,
      latestOf: () => undefined,
      isOffline: () => false,
      onChange: () => undefined,
    }),
  );
  /** Those in `deaf` do not listen to the first that is given. */
  const wire = { isThere: true, deaf: new Set<string>(), given: [] as string[] };
  const carrier: Carrier = {
    async give(terminal, command, begin) {
      if (!wire.isThere || !(await begin())) return { result: 'not_given' };
      wire.given.push(`${terminal.id} ${command.value}`);
      return { result: wire.deaf.delete(terminal.id) ? 'not_listening' : 'given' };
    },
  };
  const downlink = stack.use(
    startDownlink({ control, registry, carriers: { mqtt: carrier, modbus: carrier, meter: carrier }, clock, log }),
  );
  const ask = async (terminal: typeof meter, request: Omit<CommandRequest, 'expiresInS'> & { expiresInS?: number }) => {
    const command = await db
      .transaction()
      .execute((trx) => control.request(trx, terminal, LI, { expiresInS: 120, ...request }));
    control.commands.announce(command);
    return command;
  };
  const opened = stack.move();
  return {
    clock,
    db,
    control,
    downlink,
    household,
    meter,
    boiler,
    account,
    wire,
    ask,
    get: (id: string) => control.commands.get(LI, id),
    /** Lets as much time go by, and what comes of it end. */
    async wait(ms: number) {
      for (let left = ms; left > 0; left -= 1_000) {
        await clock.advance(Math.min(1_000, left));
        await db.selectFrom('commands').select('id').execute();
      }
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

const CLOSE_FOR_ARREARS = { command: 'valve', value: 'close', purpose: 'arrears' } as const;

test('nothing is closed for arrears before the ladder of notices, and a payment takes back what waits', async () => {
  await using at = await open();
  at.wire.isThere = false;
  at.account.owedFen = 12_300n;
  expect(await at.ask(at.meter, CLOSE_FOR_ARREARS)).toMatchObject({
    state: 'refused',
    rules: [{ rule: 'arrears_notices' }],
  });
  at.account.notices = [17, 10, 3].map((days, i) => ({ step: i + 1, at: at.clock.now() - days * DAY }));
  const queued = await at.ask(at.meter, CLOSE_FOR_ARREARS);
  expect(queued.state).toBe('queued');
  const other = await at.ask(at.boiler, { command: 'power', value: 'off', purpose: 'maintenance' });
  await at.control.paid(at.household.id);
  expect((await at.get(queued.id)).history.at(-1)).toMatchObject({ state: 'cancelled', cause: 'paid' });
  expect((await at.get(other.id)).state).toBe('queued');
});

test('a payment takes back what waits for a second person too, and what it owed no more is not sent', async () => {
  await using at = await open();
  at.account.owedFen = 12_300n;
  at.account.notices = [17, 10, 3].map((days, i) => ({ step: i + 1, at: at.clock.now() - days * DAY }));
  await at.db.updateTable('households').set({ vulnerable: 1 }).execute();
  const held = await at.ask(at.meter, { ...CLOSE_FOR_ARREARS, reason: 'three notices' });
  expect(held.state).toBe('held');
  await at.control.paid(at.household.id);
  expect((await at.get(held.id)).state).toBe('cancelled');
  await expect(at.control.approve(WANG, held.id, {})).rejects.toThrow('The command is cancelled');
  // Word of a payment may come late: the account is asked again before anything leaves.
  await at.db.updateTable('households').set({ vulnerable: 0 }).execute();
  const queued = await at.ask(at.meter, CLOSE_FOR_ARREARS);
  at.account.owedFen = 0n;
  at.downlink.kick('meter');
  await eventually(async () => (await at.get(queued.id)).state === 'refused');
  expect((await at.get(queued.id)).history.at(-1)).toMatchObject({ cause: 'policy', detail: 'nothing_owed' });
  expect(at.wire.given).toEqual([]);
});

test('after somebody has set the clock nothing is switched off for a minute, and on goes on', async () => {
  await using at = await open();
  await at.wait(5_000);
  at.wire.isThere = false;
  const waits = await at.ask(at.boiler, { command: 'power', value: 'off' });
  at.clock.set(at.clock.now() + 30_000);
  at.wire.isThere = true;
  at.downlink.kick('boiler');
  await eventually(async () => (await at.get(waits.id)).state === 'refused');
  expect((await at.get(waits.id)).history.at(-1)).toMatchObject({ cause: 'policy', detail: 'clock_unsure' });
  expect(await at.ask(at.boiler, { command: 'power', value: 'off' })).toMatchObject({
    rules: [{ rule: 'clock_unsure' }],
  });
  expect((await at.ask(at.boiler, { command: 'power', value: 'on' })).state).toBe('queued');
  await at.wait(61_000);
  expect((await at.ask(at.boiler, { command: 'power', value: 'off' })).state).toBe('queued');
  expect(at.wire.given[0]).toBe('boiler on');
});

test('nobody approves, and the held command is over; who comes later can approve nothing', async () => {
  await using at = await open();
  await at.db.updateTable('households').set({ vulnerable: 1 }).execute();
  const held = await at.ask(at.boiler, { command: 'power', value: 'off', reason: 'moved out' });
  await at.wait(899_000);
  expect((await at.get(held.id)).state).toBe('held');
  await at.wait(2_000);
  await eventually(async () => (await at.get(held.id)).state === 'expired');
  expect((await at.get(held.id)).history.at(-1)).toMatchObject({ cause: 'not_approved' });
  await expect(at.control.approve(WANG, held.id, {})).rejects.toThrow('The command is expired');
});

test('a rule that has come to hold a command since must be seen before it is approved', async () => {
  await using at = await open(Date.parse('2026-11-24T19:55:00+08:00'));
  at.account.owedFen = 12_300n;
  at.account.notices = [17, 10, 3].map((days, i) => ({ step: i + 1, at: at.clock.now() - days * DAY }));
  await at.db.updateTable('households').set({ vulnerable: 1 }).execute();
  const held = await at.ask(at.meter, { ...CLOSE_FOR_ARREARS, reason: 'three notices' });
  expect(held.rules.map(({ rule }) => rule)).toEqual(['vulnerable_household']);
  await at.wait(6 * 60_000);
  await expect(at.control.approve(WANG, held.id, {})).rejects.toThrow('Another rule holds it now');
  const shown = await at.get(held.id);
  expect([shown.state, ...shown.rules.map(({ rule }) => rule)]).toEqual([
    'held',
    'quiet_hours',
    'vulnerable_household',
  ]);
  expect((await at.control.approve(WANG, held.id, {})).state).toBe('queued');
  at.downlink.kick('meter');
  await eventually(async () => at.wire.given.length === 1);
});

test('a batch’s command that has waited into the quiet hours is not sent, while a person’s own request is', async () => {
  await using at = await open(Date.parse('2026-11-24T19:55:00+08:00'));
  at.wire.isThere = false;
  const off = { command: 'power', value: 'off', reason: 'the main is being mended', expiresInS: 900 };
  const batch = { ...off, terminalIds: ['boiler'] };
  const plan = await at.control.batches.plan(LI, batch, 'batch');
  const made = await at.db.transaction().execute((trx) => at.control.batches.create(trx, LI, batch, plan));
  const own = await at.ask(at.meter, { command: 'valve', value: 'close', purpose: 'maintenance', expiresInS: 900 });
  const commandId = await eventually(async () => {
    await at.wait(1_000);
    return (await at.control.batches.items(made.id, { limit: 1 })).items[0]?.commandId ?? undefined;
  });
  expect((await at.get(commandId)).state).toBe('queued');
  await at.wait(6 * 60_000);
  at.wire.isThere = true;
  await at.wait(2_000);
  await eventually(async () => (await at.get(commandId)).state === 'refused');
  expect((await at.get(commandId)).history.at(-1)).toMatchObject({ cause: 'policy', detail: 'quiet_hours' });
  await eventually(async () => (await at.get(own.id)).state === 'sent');
  expect(at.wire.given).toEqual(['meter close']);
});

test('what held a command may be gone when a second person approves it', async () => {
  await using at = await open();
  await at.db.updateTable('households').set({ vulnerable: 1 }).execute();
  const held = await at.ask(at.boiler, { command: 'power', value: 'off', reason: 'moved out' });
  await at.db.updateTable('households').set({ vulnerable: 0 }).execute();
  expect((await at.control.approve(WANG, held.id, {})).state).toBe('queued');
});

test('after arming, nobody presses the key: the command is not done, and says so', async () => {
  await using at = await open();
  const armed = await at.ask(at.meter, { command: 'valve', value: 'arm' });
  at.downlink.kick('meter');
  await eventually(async () => (await at.get(armed.id)).state === 'sent');
  await at.control.commands.answer('meter', armed.id, true, undefined);
  await at.control.commands.confirm(at.meter, at.clock.now() + 1_000, { valve_open: 0 });
  await at.wait(599_000);
  expect((await at.get(armed.id)).state).toBe('acknowledged');
  await at.wait(2_000);
  await eventually(async () => (await at.get(armed.id)).state === 'timed_out');
  expect((await at.get(armed.id)).history.at(-1)).toMatchObject({ cause: 'not_opened' });
});

test('an arm that nobody listened to is over, where any other command is tried again', async () => {
  await using at = await open();
  at.wire.deaf = new Set(['meter', 'boiler']);
  const armed = await at.ask(at.meter, { command: 'valve', value: 'arm' });
  const on = await at.ask(at.boiler, { command: 'power', value: 'on' });
  at.downlink.kick('meter');
  at.downlink.kick('boiler');
  const causes = async (id: string) => (await at.get(id)).history.map(({ cause }) => cause);
  await eventually(
    async () => (await at.get(armed.id)).state === 'expired' && (await causes(on.id)).includes('not_listening'),
  );
  await at.clock.advance(2_000);
  await eventually(async () => (await at.get(on.id)).state === 'sent');
  expect((await at.get(armed.id)).history.map(({ state, cause }) => `${state} ${cause}`)).toEqual([
    'queued requested',
    'sent sent',
    'queued not_listening',
    'expired not_listening',
  ]);
  expect(at.wire.given.toSorted()).toEqual(['boiler on', 'boiler on', 'meter arm']);
});
