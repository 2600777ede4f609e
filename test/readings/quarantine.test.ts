import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Caller } from '../../src/areas/scope.ts';
import { openDatabase } from '../../src/db/database.ts';
import { quarantineCheck } from '../../src/health/checks.ts';
import { createLog } from '../../src/lib/log.ts';
import { openQuarantine } from '../../src/readings/quarantine.ts';
import { heldClock } from '../helpers/clock.ts';
import { noPostgres, startPostgres } from '../helpers/servers.ts';
import { tempFolder } from '../helpers/temp.ts';

const ADMIN: Caller = { id: 'a', name: 'a', role: 'admin', companyId: null, areaCode: null, householdId: null };
const log = createLog('silent');
const DAY = 86_400_000;

const wrong = (detail = 'no', metric = 'room_c') => [{ reason: 'wrong_type' as const, metric, detail }];

describe.each(['SQLite', 'PostgreSQL'])('the quarantine on %s', (kind) => {
  const missing = kind === 'PostgreSQL' ? noPostgres : undefined;
  const server = new AsyncDisposableStack();
  let postgres = '';
  let stack: AsyncDisposableStack;
  let clock: ReturnType<typeof heldClock>;
  let db: Awaited<ReturnType<typeof openDatabase>>;
  /** What gathers is committed at once; without it, time stands. */
  let going: ReturnType<typeof setInterval> | undefined;

  beforeAll(async () => {
    if (kind === 'PostgreSQL' && !missing) postgres = server.use(await startPostgres()).url;
  });
  afterAll(() => server.disposeAsync());

  beforeEach(async () => {
    stack = new AsyncDisposableStack();
    clock = heldClock();
    if (missing) return;
    const folder = stack.use(await tempFolder());
    db = stack.use(await openDatabase(postgres || `${folder.path}/db.sqlite`, log));
    for (const table of ['quarantine', 'quarantineCounts', 'terminals'] as const) await db.deleteFrom(table).execute();
    for (const id of ['A', 'B', 'C']) {
      const none = { householdId: null, companyId: null, areaCode: null, secretHash: null, removedAt: null };
      const more = { commandSequence: 0, householdSince: null, installedAt: null, createdAt: 1 };
      await db
        .insertInto('terminals')
        .values({ id, profile: 'gas-boiler', connection: '{"type":"mqtt"}', ...none, ...more })
        .execute();
    }
  });
  afterEach(async () => {
    clearInterval(going);
    await stack.disposeAsync();
  });

  async function open(
    limits: { rows?: number; rowsPerTerminal?: number; bytes?: number; bytesPerTerminal?: number } = {},
  ) {
    const each = { rowsPerTerminal: 100, bytesPerTerminal: 1e9 };
    const options = { rows: 1_000, bytes: 1e9, commitWaitMs: 20, ...each, ...limits };
    return stack.use(await openQuarantine(options, { db, clock, log }));
  }
  const letTimeGo = () => {
    going = setInterval(() => void clock.advance(20), 1);
  };
  type Quarantine = Awaited<ReturnType<typeof open>>;
  const details = async (quarantine: Quarantine, terminalId?: string) =>
    (await quarantine.list(ADMIN, { limit: 500, terminalId })).items.map(({ detail }) => detail);

  test('takes nothing as kept before it is on disk, and then all that gathered at once', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const quarantine = await open();
    let kept = 0;
    const adding = Array.from({ length: 50 }, (_, n) =>
      quarantine.add('A', wrong(`${n}`), '{}').then(() => {
        kept += 1;
      }),
    );
    await clock.advance(19);
    expect([kept, await details(quarantine)]).toEqual([0, []]);
    await clock.advance(1);
    await Promise.all(adding);
    expect(await details(quarantine)).toEqual(Array.from({ length: 50 }, (_, n) => `${49 - n}`));
  });

  test('keeps what gathered when it is closed, and takes nothing more', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const quarantine = await open();
    const adding = quarantine.add('A', wrong(), '{}');
    await quarantine[Symbol.asyncDispose]();
    await adding;
    await expect(quarantine.add('A', wrong(), '{}')).rejects.toThrow('takes no more');
    expect(await details(await open())).toHaveLength(1);
  });

  test('refuses what is too much to wait, whose terminals then keep it themselves', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const quarantine = await open({ rows: 100_000, rowsPerTerminal: 100_000 });
    const large = 'x'.repeat(16_000_000);
    const adding = Array.from({ length: 4 }, () => quarantine.add('A', wrong(), large));
    await expect(quarantine.add('B', wrong(), '{}')).rejects.toThrow('no more now');
    letTimeGo();
    await Promise.all(adding);
    await quarantine.add('B', wrong(), '{}');
    expect(await details(quarantine, 'B')).toHaveLength(1);
  });

  test('of a terminal that only sends nonsense keeps the newest, and all of the others', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const quarantine = await open();
    letTimeGo();
    await quarantine.add('B', wrong('of B'), '{}');
    for (let n = 0; n < 300; n += 1) {
      const adding = quarantine.add('A', wrong(`${n}`), '{}');
      if (n % 50 === 49) await adding;
    }
    const left = await details(quarantine, 'A');
    expect(left.length).toBeGreaterThanOrEqual(98);
    expect(left.length).toBeLessThanOrEqual(100);
    expect(left).toEqual(Array.from({ length: left.length }, (_, n) => `${299 - n}`));
    expect(await details(quarantine, 'B')).toEqual(['of B']);
    const counts = await quarantine.counts(ADMIN, { limit: 10 });
    expect(counts.map(({ terminalId, reason, metric, count }) => [terminalId, reason, metric, count])).toEqual([
      ['A', 'wrong_type', 'room_c', 300],
      ['B', 'wrong_type', 'room_c', 1],
    ]);
  });

  test('of a terminal whose refused messages are large keeps its share of the bytes, also after it was opened again', async ({
    skip,
  }) => {
    skip(missing !== undefined, missing);
    letTimeGo();
    const limits = { bytes: 100_000, bytesPerTerminal: 10_000 };
    for (const round of [1, 2]) {
      const quarantine = await open(limits);
      await quarantine.add('B', wrong('of B'), 'x'.repeat(2_000));
      for (let n = 0; n < 30; n += 1) await quarantine.add('A', wrong(`${n}`), 'x'.repeat(1_000));
      expect(await details(quarantine, 'A')).toEqual(range(10).map((n) => `${29 - n}`));
      expect(await details(quarantine, 'B')).toHaveLength(round);
      await quarantine[Symbol.asyncDispose]();
    }
  });

  test('keeps no more in all than its limit, also after it was opened again', async ({ skip }) => {
    skip(missing !== undefined, missing);
    letTimeGo();
    for (const round of [1, 2]) {
      const quarantine = await open({ rows: 100 });
      await Promise.all(['A', 'B', 'C'].flatMap((id) => range(40).map(() => quarantine.add(id, wrong(id), '{}'))));
      const left = await details(quarantine);
      expect(left.length, `round ${round}`).toBeLessThanOrEqual(100);
      expect(left.filter((id) => id === 'C')).toHaveLength(40);
      await quarantine[Symbol.asyncDispose]();
    }
  });

  test('keeps no more bytes than its limit, the newest of them, whatever comes and goes and also after it was opened again', async ({
    skip,
  }) => {
    skip(missing !== undefined, missing);
    letTimeGo();
    const size = fc.integer({ min: 1, max: 400 });
    const step = fc.oneof(
      { weight: 8, arbitrary: fc.record({ what: fc.constant('add'), size }) },
      { weight: 1, arbitrary: fc.record({ what: fc.constant('add'), size: fc.constant(5_000) }) },
      { weight: 1, arbitrary: fc.record({ what: fc.constantFrom('purge', 'replace', 'open'), size }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
        await db.deleteFrom('quarantine').execute();
        const bytes = 10_000;
        let quarantine = await open({ bytes });
        for (const [n, { what, size }] of steps.entries()) {
          const frame = '暖'.repeat(size);
          if (what === 'add') await quarantine.add(n % 2 ? 'A' : 'B', wrong(`${n}`), frame, true);
          if (what === 'purge') await quarantine.purge(clock.now() - 200);
          if (what === 'replace') {
            const [row] = (await quarantine.list(ADMIN, { limit: 1 })).items;
            if (row) await quarantine.replace([{ frame: row, rejects: [...wrong('again'), ...wrong('twice')] }]);
          }
          if (what === 'open') {
            await quarantine[Symbol.asyncDispose]();
            quarantine = await open({ bytes });
          }
          const { items } = await quarantine.list(ADMIN, { limit: 500 });
          const kept = items.reduce((sum, row) => sum + Buffer.byteLength(row.frame), 0);
          expect(quarantine.state().bytes).toBe(kept);
          if (what !== 'add') continue;
          expect(kept).toBeLessThanOrEqual(bytes);
          // One that is larger than all that may be kept cannot stay.
          if (size * 3 < bytes) expect(items[0]?.detail).toBe(`${n}`);
        }
        await quarantine[Symbol.asyncDispose]();
      }),
      { numRuns: 15 },
    );
  });

  test('lets go no more than it must for the bytes that come', async ({ skip }) => {
    skip(missing !== undefined, missing);
    letTimeGo();
    const quarantine = await open({ bytes: 10_000 });
    for (let n = 0; n < 30; n += 1) await quarantine.add('A', wrong(`${n}`), 'x'.repeat(1_000));
    expect(await details(quarantine)).toEqual(range(10).map((n) => `${29 - n}`));
  });

  test('says that commits fail, until one is well again or nothing was refused for ten minutes', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const quarantine = await open();
    const { look } = quarantineCheck(quarantine);
    const add = async () => {
      const adding = quarantine.add('A', wrong(), '{}');
      const settled = Promise.allSettled([adding]);
      await clock.advance(20);
      return (await settled)[0].status;
    };
    const rename = (from: string, to: string) => sql.raw(`alter table ${from} rename to ${to}`).execute(db);
    expect(look?.()).toEqual({ state: 'ok' });
    await rename('quarantine', 'elsewhere');
    expect([await add(), await add()]).toEqual(['rejected', 'rejected']);
    await clock.advance(5_000);
    const detail = {
      zh: expect.any(String),
      en: expect.stringMatching(/^2 commits failed in a row, the last 5 s ago; /),
    };
    expect(look?.()).toEqual({ state: 'degraded', detail });
    await clock.advance(600_000);
    expect(look?.()).toEqual({ state: 'ok' });
    expect([await add(), look?.().state]).toEqual(['rejected', 'degraded']);
    await rename('elsewhere', 'quarantine');
    expect([await add(), look?.()]).toEqual(['fulfilled', { state: 'ok' }]);
    expect(quarantine.state().failed).toBe(3);
  });

  test('says how often, first and last, by terminal, reason and metric, also of what was purged', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const quarantine = await open();
    letTimeGo();
    const [first] = await Promise.all([clock.now(), quarantine.add('A', [...wrong(), ...wrong('', 'gas_m3')], '{}')]);
    await quarantine.add('A', [{ reason: 'bad_json', detail: '' }], '{');
    await quarantine.add('A', [{ reason: 'bad_json', detail: '' }], '{');
    clearInterval(going);
    await clock.advance(DAY);
    const last = clock.now();
    const adding = quarantine.add('A', wrong(), '{}');
    await clock.advance(20);
    await adding;
    letTimeGo();
    expect(await quarantine.purge(last)).toBe(4);
    expect(await quarantine.purge(last)).toBe(0);
    expect(await details(quarantine)).toHaveLength(1);
    const counts = await quarantine.counts(ADMIN, { limit: 10, terminalId: 'A' });
    expect(counts.map(({ reason, metric, count }) => [reason, metric, count])).toEqual(
      expect.arrayContaining([
        ['wrong_type', 'room_c', 2],
        ['bad_json', '', 2],
        ['wrong_type', 'gas_m3', 1],
      ]),
    );
    const twice = counts.find(({ reason, metric }) => reason === 'wrong_type' && metric === 'room_c');
    expect([twice?.firstAt, twice?.lastAt]).toEqual([first, last]);
    expect(await quarantine.counts(ADMIN, { limit: 10, reason: 'bad_json' })).toHaveLength(1);
    expect(await quarantine.counts(ADMIN, { limit: 1 })).toHaveLength(1);
  });

  test('counts no more than some hundreds of the metrics that a terminal invents', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const quarantine = await open();
    letTimeGo();
    await quarantine.add('A', wrong(), '{}');
    for (let n = 0; n < 40; n += 1) {
      const invented = range(20).map((m) => ({ reason: 'unknown_metric' as const, metric: `m${n}_${m}`, detail: '' }));
      await quarantine.add('A', invented, '{}');
    }
    const counts = await quarantine.counts(ADMIN, { limit: 5_000 });
    expect(counts.length).toBeLessThan(400);
    expect(counts.map(({ metric }) => metric)).toEqual(expect.arrayContaining(['room_c', 'm39_19']));
  });

  test('keeps messages with zeroes in them', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const quarantine = await open();
    letTimeGo();
    await quarantine.add('A', [{ reason: 'unknown_metric', metric: 'a\0b', detail: '\0' }], '{"a\0b":1}');
    const { items } = await quarantine.list(ADMIN, { limit: 10 });
    expect(items).toMatchObject([{ metric: 'a\ufffdb', frame: '{"a\ufffdb":1}' }]);
  });

  test('lets others have their turn while many rows are written', async ({ skip }) => {
    skip(missing !== undefined || kind !== 'SQLite', missing ?? 'PostgreSQL writes elsewhere');
    const quarantine = await open({ rows: 100_000, rowsPerTerminal: 100_000 });
    const adding = range(10_000).map(() => quarantine.add('A', wrong(), '{}'));
    let turns = 0;
    let all = false;
    const done = Promise.all(adding).then(() => {
      all = true;
    });
    await clock.advance(20);
    while (!all) {
      turns += 1;
      await nextTurn();
    }
    await done;
    expect(turns).toBeGreaterThan(5);
  });
});

function range(length: number): number[] {
  return Array.from({ length }, (_, n) => n);
}
