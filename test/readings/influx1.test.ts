import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { freePort } from '../../src/demo/free-port.ts';
import { windowStart } from '../../src/lib/calendar.ts';
import { AGGREGATES, type ReadingStore } from '../../src/readings/store.ts';
import { inspectInflux1 } from '../../src/readings/store-influx1.ts';
import { noInflux1 } from '../helpers/servers.ts';
import { DAY, HOUR, MINUTE, record, startStage } from './influx-stage.ts';

/** What only a real InfluxDB 1.x can show: its retention policies, its refusals, its way with names and numbers. */

const hourOf = (time: number) => windowStart(time, HOUR);
const valuesOf = async (store: ReadingStore, terminalId: string, metric = 'room_c') =>
  (await store.points({ terminalId, metric, from: 0, to: Date.now() + DAY }, 100_000)).map(({ value }) => value);

beforeEach(({ skip }) => skip(noInflux1 !== undefined, noInflux1));

describe('InfluxDB 1.x', () => {
  test('any names and any numbers come back as they went, and touch nothing else', async () => {
    await using stage = await startStage();
    await using store = await stage.open();
    const now = Date.now();
    await store.write([record(now, { room_c: 1 }, 'untouched')]);
    const name = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
      fc.string({ unit: fc.constantFrom('\\', '"', "'", ',', '=', ' ', '\n', '/', '$', '%', ';', 'a'), minLength: 1 }),
      fc.constantFrom(
        'time',
        'terminal',
        '_field',
        '__proto__',
        'A\nreadings,terminal=untouched room_c=2 1',
        "x' or '1'='1",
      ),
    );
    const value = fc.double({ noNaN: true, noDefaultInfinity: true });
    let time = now - HOUR;
    await fc.assert(
      fc.asyncProperty(name, fc.dictionary(name, value, { minKeys: 1, maxKeys: 4 }), async (terminalId, values) => {
        time += 1;
        await store.write([record(time, values, terminalId)]);
        const rows = await store.rows({ terminalId, from: time, to: time + 1 }, 10);
        const came = Object.fromEntries(rows.map((row) => [row.metric, row.value + 0]));
        const went = Object.fromEntries(Object.entries(values).map(([metric, one]) => [metric, one + 0]));
        expect(came).toEqual(went);
        // What came back is the same value again, not another one.
        await store.write([record(time, values, terminalId)]);
        expect(stage.refused).toEqual([]);
      }),
      { numRuns: 100 },
    );
    expect(await valuesOf(store, 'untouched')).toEqual([1]);
  });

  test('another value for the same time is refused with both values, the same again is passed over, also after a restart', async () => {
    await using stage = await startStage();
    const time = Date.now();
    {
      await using store = await stage.open();
      await store.write([record(time, { room_c: 0.1 + 0.2, supply_c: 50 })]);
    }
    await using store = await stage.open();
    await store.write([record(time, { room_c: 0.1 + 0.2, supply_c: 50 })]);
    expect(stage.refused).toEqual([]);
    await store.write([record(time, { room_c: 21, supply_c: 50, return_c: 40 })]);
    expect(stage.refused).toEqual([
      {
        terminalId: 'A',
        time,
        values: { room_c: 21 },
        reason: 'conflict',
        detail: 'room_c: 0.30000000000000004 is kept, 21 came',
      },
    ]);
    expect(await valuesOf(store, 'A')).toEqual([0.1 + 0.2]);
    expect(await valuesOf(store, 'A', 'return_c')).toEqual([40]);
  });

  test('readings from long before all that is known are looked up too', async () => {
    await using stage = await startStage();
    const old = Date.now() - 200 * DAY;
    {
      await using store = await stage.open();
      await store.write([record(old, { room_c: 20 })]);
    }
    await using store = await stage.open();
    await store.write([record(old, { room_c: 21 })]);
    expect(stage.refused).toMatchObject([{ reason: 'conflict', values: { room_c: 21 } }]);
    expect(await valuesOf(store, 'A')).toEqual([20]);
  });

  test('of a batch with a field of another type only that value is refused, and all others are stored', async () => {
    await using stage = await startStage();
    await using store = await stage.open();
    const time = Date.now();
    await stage.writeByHand(`readings,terminal=other room_c=1i,note="a word" ${time}`);
    const records = Array.from({ length: 2_000 }, (_, i) => record(time + i, { room_c: i, supply_c: i }));
    await store.write([...records, record(time, { return_c: 1 }, 'B')]);
    expect(stage.refused).toHaveLength(2_000);
    expect(new Set(stage.refused.map(({ values }) => Object.keys(values).join()))).toEqual(new Set(['room_c']));
    expect(stage.refused[0]).toMatchObject({ reason: 'store_refused', detail: expect.stringContaining('type') });
    expect(await valuesOf(store, 'A', 'supply_c')).toHaveLength(2_000);
    expect(await valuesOf(store, 'B', 'return_c')).toEqual([1]);
    expect(await store.position()).toBeGreaterThan(0);
  });

  test('one reading at an impossible time is refused alone', async () => {
    await using stage = await startStage();
    await using store = await stage.open();
    const now = Date.now();
    const bad = record(9e15, { room_c: -1, supply_c: -1 }, 'bad');
    const good = Array.from({ length: 9 }, (_, i) => record(now + i, { room_c: i }));
    await store.write([...good.slice(0, 4), bad, ...good.slice(4)]);
    expect(stage.refused.map(({ terminalId, reason }) => `${terminalId} ${reason}`)).toEqual([
      'bad store_refused',
      'bad store_refused',
    ]);
    expect(await valuesOf(store, 'A')).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('when somebody drops the database it is made again, and the readings that were to come are stored', async () => {
    await using stage = await startStage();
    await using store = await stage.open();
    const time = Date.now();
    await store.write([record(time, { room_c: 1 })]);
    await stage.ask('drop database "heat \\"&\\" gas"');
    const next = record(time + 1, { room_c: 2 });
    await expect(store.write([next])).rejects.toMatchObject({ code: 'degraded' });
    await store.write([next]);
    expect(await valuesOf(store, 'A')).toEqual([2]);
    await using again = await stage.open();
    expect(await again.position()).toBe(next.sequence);
  });

  test('rows are by time and then metric, and end at the limit', async () => {
    await using stage = await startStage();
    await using store = await stage.open();
    const time = Date.now();
    await store.write([record(time + 1, { b: 3, a: 4 }), record(time, { c: 1, a: 2 }), record(time, { a: 9 }, 'B')]);
    const rows = await store.rows({ terminalId: 'A', from: time, to: time + 2 }, 3);
    expect(rows).toEqual([
      { time, metric: 'a', value: 2 },
      { time, metric: 'c', value: 1 },
      { time: time + 1, metric: 'a', value: 4 },
    ]);
  });

  test('1,200 terminals together give each aggregate summed up over them', async () => {
    await using stage = await startStage();
    await using store = await stage.open();
    const start = hourOf(Date.now()) - 3 * HOUR;
    const ids = Array.from({ length: 1_200 }, (_, i) => `T${i}`);
    for (const minute of [0, 30, 60]) {
      await store.write(ids.map((id, i) => record(start + minute * MINUTE, { power_kw: i + minute / 60 }, id)));
    }
    await store.write([record(start, { power_kw: 1e9 }, 'stranger')]);
    const group = { terminalIds: [...ids, 'T0', 'nobody'], metric: 'power_kw', from: start, to: start + 2 * HOUR };
    const sum = (1_199 * 1_200) / 2;
    expect(await store.together(group, HOUR, 'mean')).toEqual([
      { time: start, sum: sum + 300, min: 0.25, max: 1199.25, terminals: 1_200 },
      { time: start + HOUR, sum: sum + 1_200, min: 1, max: 1_200, terminals: 1_200 },
    ]);
    expect(await store.together(group, HOUR, 'count')).toMatchObject([{ sum: 2_400, min: 2 }, { sum: 1_200 }]);
    expect(await store.together({ ...group, terminalIds: [] }, HOUR, 'sum')).toEqual([]);
  });

  test('an inspection tells of no server, no database, no policy and another retention, and makes nothing', async () => {
    await using stage = await startStage();
    const kept = { keepRawDays: 30, keepRollupDays: 0 };
    const bad = async (options = stage.options, days = kept) =>
      (await inspectInflux1(options, days, Date.now)).troubles;
    const closed = `http://127.0.0.1:${await freePort()}`;
    expect(await bad({ ...stage.options, url: closed })).toMatchObject([{ code: 'unreachable' }]);
    expect(await bad()).toEqual([{ code: 'missing', names: ['heat "&" gas'] }]);
    expect(await stage.ask('show databases')).not.toContainEqual([stage.options.database]);
    {
      await using _store = await stage.open(kept);
    }
    const well = await inspectInflux1(stage.options, kept, Date.now);
    expect(well).toMatchObject({ version: expect.stringMatching(/^1\./), troubles: [] });
    expect(Math.abs(well.aheadMs ?? Number.NaN)).toBeLessThan(1_500);
    expect(await bad(stage.options, { keepRawDays: 90, keepRollupDays: 400 })).toEqual([
      {
        code: 'retention',
        differing: [
          { name: 'heat "&" gas.autogen', keptMs: 30 * DAY, wantedMs: 90 * DAY },
          { name: 'heat "&" gas.rollup', keptMs: Number.POSITIVE_INFINITY, wantedMs: 400 * DAY },
        ],
      },
    ]);
    await stage.ask('drop retention policy state on "heat \\"&\\" gas"');
    expect(await bad()).toEqual([{ code: 'missing', names: ['heat "&" gas.state'] }]);
  });

  test('a server that takes no more terminals is full, which is no fault of the readings: they wait', async () => {
    await using stage = await startStage({ INFLUXDB_DATA_MAX_VALUES_PER_TAG: '2' });
    await using store = await stage.open();
    const time = Date.now();
    const known = ['A', 'B'].map((id) => record(time, { room_c: 1 }, id));
    await store.write(known);
    await expect(store.write([record(time, { room_c: 1 }, 'C')])).rejects.toThrow('max-values-per-tag');
    expect(stage.refused).toEqual([]);
    expect(await store.position()).toBe(known.at(-1)?.sequence);
  });

  test('a user who may only use the database is enough when all is made; another is told what is missing', async () => {
    await using stage = await startStage({ INFLUXDB_HTTP_AUTH_ENABLED: 'true' });
    await stage.ask("create user root with password 'root' with all privileges");
    const admin = { username: 'root', password: 'root' };
    const [writer, reader] = ['writer', 'reader'].map((username) => ({ username, password: 'p' }));
    {
      await using _store = await stage.open({}, admin);
    }
    for (const [user, right] of [
      ['writer', 'all'],
      ['reader', 'read'],
    ]) {
      await stage.ask(`create user ${user} with password 'p'`);
      await stage.ask(`grant ${right} on "heat \\"&\\" gas" to ${user}`);
    }
    await using store = await stage.open({}, writer);
    await store.write([record(Date.now(), { room_c: 1 })]);
    await store.tend();
    expect(await valuesOf(store, 'A')).toEqual([1]);

    await using reading = await stage.open({}, reader);
    await expect(reading.write([record(Date.now(), { room_c: 2 })])).rejects.toThrow(/403/);
    expect(stage.refused).toEqual([]);
    await expect(stage.open({}, { username: 'writer', password: 'wrong' })).rejects.toThrow(/401/);
    const kept = { keepRawDays: 0, keepRollupDays: 0 };
    const bad = async (user: object) => (await inspectInflux1({ ...stage.options, ...user }, kept, Date.now)).troubles;
    expect(await bad({ ...writer })).toEqual([]);
    expect(await bad({ ...reader })).toMatchObject([
      { code: 'unwritable', error: { message: expect.stringContaining('403') } },
    ]);
    expect(await bad({ username: 'nobody' })).toMatchObject([
      { code: 'unreadable', error: { message: expect.stringContaining('401') } },
    ]);
  });

  test('a ping says why the server does not answer', async () => {
    await using stage = await startStage();
    await using store = await stage.open();
    await store.ping();
    await stage[Symbol.asyncDispose]();
    await expect(store.ping()).rejects.toThrow('ECONNREFUSED');
  });
});

describe('InfluxDB 1.x with a limited retention', () => {
  const kept = { keepRawDays: 2, keepRollupDays: 400 };
  const room = (from: number, to: number) => ({ terminalId: 'A', metric: 'room_c', from, to });
  const policies = async (stage: Awaited<ReturnType<typeof startStage>>) =>
    Object.fromEntries((await stage.ask('show retention policies')).map(([name, duration]) => [name, duration]));

  test('opening makes the retention policies, changes them with the configuration, and leaves the position for ever', async () => {
    await using stage = await startStage();
    {
      await using _store = await stage.open();
      expect(await policies(stage)).toEqual({ autogen: '0s', state: '0s' });
    }
    {
      await using _store = await stage.open(kept);
      expect(await policies(stage)).toEqual({ autogen: '48h0m0s', rollup: '9600h0m0s', state: '0s' });
    }
    {
      await using _store = await stage.open({ keepRawDays: 1, keepRollupDays: 0 });
      expect(await policies(stage)).toEqual({ autogen: '24h0m0s', rollup: '0s', state: '0s' });
    }
    await using _store = await stage.open({ keepRawDays: 90, keepRollupDays: 1 });
    expect(await policies(stage)).toEqual({ autogen: '2160h0m0s', rollup: '2160h0m0s', state: '0s' });
  });

  test('a reading that is older than the retention is refused, by us or by the server, and the rest is stored', async () => {
    await using stage = await startStage();
    await using store = await stage.open(kept);
    const now = Date.now();
    await store.write([record(now - 3 * DAY, { room_c: 1, supply_c: 2 }), record(now, { room_c: 3 })]);
    expect(stage.refused).toMatchObject([{ reason: 'too_old', values: { room_c: 1, supply_c: 2 } }]);
    // Our clock is a day behind, so only the server knows.
    stage.clock.moveMs = -DAY;
    await store.write([record(now - 2.5 * DAY, { room_c: 4 }, 'B'), record(now - DAY, { room_c: 5 }, 'B')]);
    expect(stage.refused).toMatchObject([{}, { terminalId: 'B', reason: 'too_old', values: { room_c: 4 } }]);
    expect(await valuesOf(store, 'A')).toEqual([3]);
    expect(await valuesOf(store, 'B')).toEqual([5]);
  });

  test('when raw readings are gone their hours answer, together with raw readings in one day, and late data is in them', async () => {
    await using stage = await startStage();
    const { clock } = stage;
    const start = windowStart(Date.now(), DAY) - DAY;
    const random = (i: number) => ((i * 7919) % 1009) / 8;
    const all = ['A', 'B', 'C'].flatMap((id, n) =>
      Array.from({ length: 36 * 6 }, (_, i) => record(start + i * 10 * MINUTE, { room_c: random(i + n * 50) }, id)),
    );
    const [late, onTime] = [all.filter((_, i) => i % 17 === 3), all.filter((_, i) => i % 17 !== 3)];
    await using store = await stage.open({ keepRawDays: 3, keepRollupDays: 400 });
    clock.moveMs = start - Date.now();
    await store.write(onTime);
    clock.moveMs = start + 40 * HOUR - Date.now();
    await store.tend();
    await store.write(late);
    const group = { terminalIds: ['A', 'B', 'C'], metric: 'room_c', from: start, to: start + 2 * DAY };
    const answers = async () => ({
      hours: await store.windows(room(start, start + 2 * DAY), HOUR),
      days: await store.windows(room(start, start + 2 * DAY), DAY),
      part: await store.windows(room(start + 90 * MINUTE, start + 5 * HOUR), HOUR),
      together: await Promise.all(AGGREGATES.map((aggregate) => store.together(group, DAY, aggregate))),
      hourly: await store.together(group, HOUR, 'mean'),
    });
    const before = await answers();
    await store.tend();
    expect((await stage.ask('select count(due) from "state"."due"')).flat()).toEqual([]);
    // A third of the first day is gone: the server drops whole shards, days of UTC, which is done by hand here.
    const gone = start + 8 * HOUR;
    clock.moveMs = gone + 3 * DAY - Date.now();
    await dropShards(stage, gone);
    expect(await store.points(room(start, gone), 10)).toEqual([]);
    const after = await answers();
    const close = (value: unknown) =>
      JSON.parse(JSON.stringify(value), (_, one) => (typeof one === 'number' ? Number(one.toPrecision(12)) : one));
    expect(close({ ...after, part: [] })).toEqual(close({ ...before, part: [] }));
    // A range that begins within an hour shows nothing from before it.
    expect(after.part.map(({ time }) => (time - start) / HOUR)).toEqual([2, 3, 4]);
  });

  /** The server drops shards by itself, every half hour; here it is done by hand. */
  async function dropShards(stage: Awaited<ReturnType<typeof startStage>>, until: number): Promise<void> {
    for (const [id, , policy, , , end] of await stage.ask('show shards')) {
      if (policy === 'autogen' && Date.parse(String(end)) <= until) await stage.ask(`drop shard ${id}`);
    }
  }

  test('what was stored before a retention was configured has its roll-ups before it goes, and keeps them when the retention grows again', async () => {
    await using stage = await startStage();
    const now = Date.now();
    const old = windowStart(now, DAY) - 20 * DAY;
    const days = (store: ReadingStore) => store.windows(room(old, old + DAY), DAY);
    {
      await using store = await stage.open();
      await store.write([
        record(old, { room_c: 10 }),
        record(old + 3 * HOUR, { room_c: 20 }),
        record(now, { room_c: 1 }),
      ]);
    }
    const whole = [{ time: old, first: 10, last: 20, min: 10, max: 20, mean: 15, sum: 30, count: 2 }];
    {
      await using store = await stage.open({ keepRawDays: 3 });
      // Until roll-ups are there, raw readings stay and answer.
      expect(await policies(stage)).toMatchObject({ autogen: '0s' });
      expect(await days(store)).toEqual(whole);
      await store.tend();
      expect(await policies(stage)).toMatchObject({ autogen: '72h0m0s' });
      await dropShards(stage, now - 4 * DAY);
      expect(await store.points(room(old, old + DAY), 10)).toEqual([]);
      expect(await days(store)).toEqual(whole);
    }
    for (const keepRawDays of [30, 0]) {
      await using store = await stage.open({ keepRawDays });
      expect(await days(store)).toEqual(whole);
      await store.write([record(old + HOUR, { room_c: 99 })]);
      expect(stage.refused.at(-1)).toMatchObject({ reason: 'too_old', values: { room_c: 99 } });
    }
    expect(stage.refused).toHaveLength(2);
  });
});
