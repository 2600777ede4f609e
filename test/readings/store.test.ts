import { describe, expect, test } from 'vitest';
import { freePort } from '../../src/demo/free-port.ts';
import { windowStart } from '../../src/lib/calendar.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { newId } from '../../src/lib/ids.ts';
import type { SpoolRecord } from '../../src/readings/segments.ts';
import type { ReadingStore, Refusal, StoreParts } from '../../src/readings/store.ts';
import { openEmbeddedStore } from '../../src/readings/store-embedded.ts';
import { openInflux1Store } from '../../src/readings/store-influx1.ts';
import { openInflux2Store } from '../../src/readings/store-influx2.ts';
import { heldClock } from '../helpers/clock.ts';
import { noInflux1, startInflux1 } from '../helpers/servers.ts';
import { storeParts } from '../helpers/store.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Midnight of 24 November 2026 in Shanghai. */
const MIDNIGHT = Date.UTC(2026, 10, 23, 16);

let sequence = 0;
const record = (time: number, values: Record<string, number>, terminalId = 'A'): SpoolRecord => ({
  sequence: ++sequence,
  terminalId,
  time,
  values,
});
const room = (from: number, to: number) => ({ terminalId: 'A', metric: 'room_c', from, to });

/** A place that keeps its data while stores are opened and closed on it. */
interface Place extends AsyncDisposable {
  open(parts?: Partial<StoreParts>): Promise<ReadingStore>;
  /** What its stores refused so far. */
  refused: Refusal[];
}

/** A place out of how a store is opened there, and what to close in the end. */
function placeOf(open: (parts: StoreParts) => Promise<ReadingStore>, close: () => PromiseLike<void>): Place {
  const parts = storeParts();
  return {
    open: (changes) => open({ ...parts, ...changes }),
    refused: parts.refused,
    [Symbol.asyncDispose]: close,
  };
}

const { TEST_INFLUX2_URL: url, TEST_INFLUX2_TOKEN: token = '', TEST_INFLUX2_ORG: org = '' } = process.env;

/** Each kind of store, why it cannot be tested here, and how to make a place for it. */
const KINDS: [string, string | undefined, () => Promise<Place>][] = [
  [
    'the embedded store',
    undefined,
    async () => {
      const folder = await tempFolder();
      return placeOf((parts) => openEmbeddedStore(folder.path, parts), folder[Symbol.asyncDispose]);
    },
  ],
  [
    'InfluxDB 1.x',
    noInflux1,
    async () => {
      const folder = await tempFolder();
      const server = await startInflux1(folder.path, await freePort());
      const options = { url: server.url, database: 'test', username: '', password: '' };
      return placeOf(
        (parts) => openInflux1Store(options, parts),
        async () => {
          await server[Symbol.asyncDispose]();
          await folder[Symbol.asyncDispose]();
        },
      );
    },
  ],
  [
    'InfluxDB 2.x',
    url ? undefined : 'no InfluxDB 2 is packaged for Debian; name one by TEST_INFLUX2_URL, _TOKEN and _ORG',
    async () => {
      const options = { url: url ?? '', token, org, bucket: newId('test') };
      return placeOf(
        (parts) => openInflux2Store(options, parts),
        async () => undefined,
      );
    },
  ],
];

describe.each(KINDS)('%s', (_kind, missing, makePlace) => {
  function promise(sentence: string, check: (place: Place) => Promise<void>): void {
    test(sentence, async ({ skip }) => {
      skip(missing !== undefined, missing);
      await using place = await makePlace();
      await check(place);
    });
  }

  promise('a replay after a crash writes nothing twice, and the position says where to go on', async (place) => {
    const batch = Array.from({ length: 1000 }, (_, i) => record(MIDNIGHT + i * MINUTE, { room_c: i, supply_c: 40 }));
    {
      await using store = await place.open();
      await store.write(batch.slice(0, 600));
      expect(await store.position()).toBe(batch[599]?.sequence);
    }
    await using store = await place.open();
    expect(await store.position()).toBe(batch[599]?.sequence);
    await store.write(batch);
    await store.write(batch);
    const points = await store.points(room(MIDNIGHT, MIDNIGHT + DAY), 10_000);
    expect(points).toEqual(batch.map(({ time }, i) => ({ time, value: i })));
    expect(await store.position()).toBe(batch.at(-1)?.sequence);
  });

  promise('each spool has its own position, so a new one begins at the beginning', async (place) => {
    {
      await using store = await place.open({ spoolId: 'old' });
      await store.write([record(MIDNIGHT, { room_c: 1 })]);
    }
    await using store = await place.open({ spoolId: 'new' });
    expect(await store.position()).toBe(0);
  });

  promise(
    'of two values for the same time the first stays, also within one batch, and the other is refused',
    async (place) => {
      {
        await using store = await place.open();
        await store.write([record(MIDNIGHT, { room_c: 20 }), record(MIDNIGHT, { room_c: 21, supply_c: 50 })]);
        await store.write([record(MIDNIGHT, { room_c: 22 }), record(MIDNIGHT + HOUR, { room_c: 19 })]);
      }
      await using store = await place.open();
      await store.write([record(MIDNIGHT, { room_c: 23, supply_c: 51, pressure_bar: 1.5 })]);
      const rows = await store.rows({ terminalId: 'A', from: MIDNIGHT, to: MIDNIGHT + DAY }, 10);
      expect(rows).toEqual([
        { time: MIDNIGHT, metric: 'pressure_bar', value: 1.5 },
        { time: MIDNIGHT, metric: 'room_c', value: 20 },
        { time: MIDNIGHT, metric: 'supply_c', value: 50 },
        { time: MIDNIGHT + HOUR, metric: 'room_c', value: 19 },
      ]);
      const refused = { terminalId: 'A', time: MIDNIGHT, reason: 'conflict' };
      expect(place.refused).toEqual([
        { ...refused, values: { room_c: 21 }, detail: 'room_c: 20 is kept, 21 came' },
        { ...refused, values: { room_c: 22 }, detail: 'room_c: 20 is kept, 22 came' },
        {
          ...refused,
          values: { room_c: 23, supply_c: 51 },
          detail: 'room_c: 20 is kept, 23 came; supply_c: 50 is kept, 51 came',
        },
      ]);
    },
  );

  promise('what is refused is handed over before the position moves on', async (place) => {
    const first = record(MIDNIGHT, { room_c: 20 });
    const other = record(MIDNIGHT, { room_c: 21 });
    {
      const refuse = () => Promise.reject(new Error('no space'));
      await using store = await place.open({ refuse });
      await store.write([first]);
      await expect(store.write([other])).rejects.toThrow('no space');
      expect(await store.position()).toBe(first.sequence);
    }
    await using store = await place.open();
    expect(await store.position()).toBe(first.sequence);
    await store.write([other]);
    expect(place.refused).toHaveLength(1);
    expect(await store.position()).toBe(other.sequence);
  });

  promise('the same value again is passed over in silence, however late and mixed with new ones', async (place) => {
    const batch = Array.from({ length: 500 }, (_, i) => record(MIDNIGHT + i * MINUTE, { room_c: i, supply_c: 40 }));
    const again = batch.map(({ time, values }) => record(time, values));
    const between = batch.map(({ time }, i) => record(time + 1, { room_c: i }));
    {
      await using store = await place.open();
      await store.write(batch);
      await store.tend();
      await store.write([...again, ...between].sort((a, b) => (a.time % 7) - (b.time % 7)));
    }
    await using store = await place.open();
    await store.write(again);
    expect(place.refused).toEqual([]);
    const [day] = await store.windows(room(MIDNIGHT, MIDNIGHT + DAY), DAY);
    expect(day).toMatchObject({ count: 1000, sum: 499 * 500, first: 0, last: 499 });
  });

  promise('two terminals at the same time keep their own values', async (place) => {
    await using store = await place.open();
    await store.write([record(MIDNIGHT, { room_c: 20 }, 'A')]);
    await store.write([record(MIDNIGHT, { room_c: 25, supply_c: 50 }, 'B')]);
    const of = (terminalId: string) => store.points({ ...room(MIDNIGHT, MIDNIGHT + 1), terminalId }, 10);
    expect([await of('A'), await of('B')].map(([point]) => point?.value)).toEqual([20, 25]);
  });

  promise('a batch that spans months, out of order, is found as one series', async (place) => {
    const december = Date.UTC(2026, 10, 30, 16);
    {
      await using store = await place.open();
      await store.write([
        record(december + 1, { room_c: 2 }),
        record(december - 1, { room_c: 1 }),
        record(december + HOUR, { room_c: 3 }),
      ]);
    }
    await using store = await place.open();
    const points = await store.points(room(december - DAY, december + DAY), 10);
    expect(points.map(({ value }) => value)).toEqual([1, 2, 3]);
    expect(await store.points(room(december - DAY, december + DAY), 2)).toHaveLength(2);
    expect((await store.newest()).map(({ value }) => value)).toEqual([3]);
  });

  promise(
    'windows hold every aggregate, days begin at midnight in Shanghai, and empty windows are left out',
    async (place) => {
      await using store = await place.open();
      await store.write([
        record(MIDNIGHT - 1, { room_c: 10 }),
        record(MIDNIGHT, { room_c: 20 }),
        record(MIDNIGHT + 10 * HOUR, { room_c: 17 }),
        record(MIDNIGHT + 23 * HOUR, { room_c: 23 }),
        record(MIDNIGHT + 2 * DAY, { room_c: 30 }),
      ]);
      const windows = await store.windows(room(MIDNIGHT - DAY, MIDNIGHT + 3 * DAY), DAY);
      expect(windows.map(({ time }) => (time - MIDNIGHT) / DAY)).toEqual([-1, 0, 2]);
      expect(windows[1]).toEqual({
        time: MIDNIGHT,
        first: 20,
        last: 23,
        min: 17,
        max: 23,
        mean: 20,
        sum: 60,
        count: 3,
      });
    },
  );

  promise('readings that come days late are in their windows at once, and after a restart', async (place) => {
    const days = [0, 1, 2, 3, 4];
    const asked = async (store: ReadingStore, everyMs: number) =>
      (await store.windows(room(MIDNIGHT, MIDNIGHT + 6 * DAY), everyMs)).map(
        ({ time, first, last, min, max, sum, count }) => [
          (time - MIDNIGHT) / HOUR,
          ...[first, last, min, max, sum, count],
        ],
      );
    const late = [record(MIDNIGHT + DAY + HOUR, { room_c: 40 }), record(MIDNIGHT + DAY + 1, { room_c: 1 })];
    {
      await using store = await place.open();
      for (const day of days) await store.write([record(MIDNIGHT + day * DAY + HOUR / 2, { room_c: 20 + day })]);
      await store.tend();
      await store.write(late);
      expect((await asked(store, DAY))[1]).toEqual([24, 1, 40, 1, 40, 62, 3]);
      await store.tend();
    }
    await using store = await place.open();
    expect(await asked(store, DAY)).toEqual([
      [0, 20, 20, 20, 20, 20, 1],
      [24, 1, 40, 1, 40, 62, 3],
      ...[2, 3, 4].map((day) => [day * 24, ...Array<number>(5).fill(20 + day), 1]),
    ]);
    expect((await asked(store, HOUR)).slice(1, 3)).toEqual([
      [24, 1, 21, 1, 21, 22, 2],
      [25, 40, 40, 40, 40, 40, 1],
    ]);
    expect((await store.newest()).map(({ value }) => value)).toEqual([24]);
  });

  promise('a range that begins and ends inside an hour cuts the first and the last window', async (place) => {
    await using store = await place.open();
    await store.write(Array.from({ length: 48 * 60 }, (_, i) => record(MIDNIGHT + i * MINUTE, { room_c: i })));
    await store.tend();
    const counts = async (from: number, to: number, everyMs: number) =>
      (await store.windows(room(MIDNIGHT + from * MINUTE, MIDNIGHT + to * MINUTE), everyMs)).map(({ count }) => count);
    expect(await counts(90, 48 * 60, DAY)).toEqual([22.5 * 60, 24 * 60]);
    expect(await counts(70, 200, HOUR)).toEqual([50, 60, 20]);
    expect(await counts(70, 80, HOUR)).toEqual([10]);
    expect(await counts(70, 140, 15 * MINUTE)).toEqual([5, 15, 15, 15, 15, 5]);
    expect(await counts(0, 300, 90 * MINUTE)).toEqual([90, 90, 90, 30]);
  });

  promise(
    'several terminals together: each one’s value in a window, summed up over those that have one',
    async (place) => {
      {
        await using store = await place.open();
        await store.write([
          record(MIDNIGHT, { room_c: 10, supply_c: 99 }, 'A'),
          record(MIDNIGHT + HOUR, { room_c: 14 }, 'A'),
          record(MIDNIGHT + HOUR, { room_c: 20 }, 'B'),
          record(MIDNIGHT + HOUR, { room_c: 1000 }, 'not asked for'),
          record(MIDNIGHT + DAY, { room_c: 30 }, 'B'),
        ]);
        await store.tend();
        await store.write([record(MIDNIGHT + 2 * HOUR, { room_c: 60 }, 'A')]);
      }
      await using store = await place.open();
      const group = { terminalIds: ['A', 'B', 'no data'], metric: 'room_c', from: MIDNIGHT, to: MIDNIGHT + 2 * DAY };
      const day = { time: MIDNIGHT, terminals: 2 };
      const next = { time: MIDNIGHT + DAY, sum: 30, min: 30, max: 30, terminals: 1 };
      expect(await store.together(group, DAY, 'mean')).toEqual([{ ...day, sum: 48, min: 20, max: 28 }, next]);
      expect(await store.together(group, DAY, 'first')).toEqual([{ ...day, sum: 30, min: 10, max: 20 }, next]);
      expect(await store.together(group, DAY, 'last')).toEqual([{ ...day, sum: 80, min: 20, max: 60 }, next]);
      expect(await store.together(group, DAY, 'min')).toEqual([{ ...day, sum: 30, min: 10, max: 20 }, next]);
      expect(await store.together(group, DAY, 'max')).toEqual([{ ...day, sum: 80, min: 20, max: 60 }, next]);
      expect(await store.together(group, DAY, 'sum')).toEqual([{ ...day, sum: 104, min: 20, max: 84 }, next]);
      expect((await store.together(group, DAY, 'count')).map(({ sum, max }) => [sum, max])).toEqual([
        [4, 3],
        [1, 1],
      ]);
      expect((await store.together(group, HOUR, 'mean')).map(({ sum }) => sum)).toEqual([10, 34, 60, 30]);
      expect(await store.together({ ...group, from: MIDNIGHT + 1, to: MIDNIGHT + DAY }, DAY, 'first')).toEqual([
        { ...day, sum: 34, min: 14, max: 20 },
      ]);
      expect(await store.together({ ...group, terminalIds: [] }, DAY, 'mean')).toEqual([]);
      expect(await store.together({ ...group, terminalIds: ['no data'] }, DAY, 'mean')).toEqual([]);
      const many = Array.from({ length: 5_000 }, (_, i) => `T${i}`);
      expect(await store.together({ ...group, terminalIds: [...many, 'A', 'A'] }, DAY, 'max')).toEqual([
        { ...day, sum: 60, min: 60, max: 60, terminals: 1 },
      ]);
    },
  );

  promise('the rows of a terminal come by time and then metric, not more than asked for', async (place) => {
    const december = Date.UTC(2026, 10, 30, 16);
    await using store = await place.open();
    await store.write([
      record(december, { supply_c: 4, room_c: 3 }),
      record(december - 1, { supply_c: 2, pressure_bar: 1 }),
      record(december + 1, { room_c: 5 }),
      record(december, { room_c: 99 }, 'B'),
    ]);
    const range = { terminalId: 'A', from: december - 1, to: december + 1 };
    const values = async (limit: number) => (await store.rows(range, limit)).map(({ value }) => value);
    expect(await values(10)).toEqual([1, 2, 3, 4]);
    await store.tend();
    expect(await values(3)).toEqual([1, 2, 3]);
    expect(await store.rows({ ...range, terminalId: 'nobody' }, 10)).toEqual([]);
  });

  promise('what is older than raw values are kept is refused', async (place) => {
    const clock = heldClock(MIDNIGHT);
    await using store = await place.open({ clock, keepRawDays: 10 });
    const old = record(MIDNIGHT - 10 * DAY - 1, { room_c: 1, supply_c: 2 });
    const kept = record(MIDNIGHT - 10 * DAY + HOUR, { room_c: 3 });
    await store.write([old, kept]);
    expect(await store.position()).toBe(kept.sequence);
    const points = await store.points(room(MIDNIGHT - 20 * DAY, MIDNIGHT), 10);
    expect(points).toEqual([{ time: kept.time, value: 3 }]);
    const { sequence: _, ...refused } = old;
    expect(place.refused).toMatchObject([{ ...refused, reason: 'too_old' }]);
    const older = record(MIDNIGHT - 300 * DAY, { room_c: 1 });
    await store.write([older]);
    expect(await store.position()).toBe(older.sequence);
    expect(place.refused).toHaveLength(2);
  });

  promise('when raw values are too old they go, and roll-ups answer in windows of an hour or more', async (place) => {
    const now = systemClock.now();
    const midnight = windowStart(now - 80 * DAY, DAY);
    const range = { terminalId: 'A', metric: 'room_c', from: midnight - DAY, to: midnight + 3 * DAY };
    {
      await using store = await place.open();
      await store.write([
        ...Array.from({ length: 96 }, (_, i) => record(midnight + i * 30 * MINUTE, { room_c: i })),
        record(now - HOUR, { room_c: 7 }),
      ]);
      await store.tend();
    }
    await using store = await place.open({ keepRawDays: 20 });
    await eventually(async () => {
      await store.tend();
      return (await store.points(range, 1_000)).length === 0;
    });
    const days = await store.windows(range, DAY);
    const sums = [0, 1].map((day) => Array.from({ length: 48 }, (_, i) => day * 48 + i).reduce((a, b) => a + b, 0));
    expect(days).toEqual([
      { time: midnight, first: 0, last: 47, min: 0, max: 47, mean: 23.5, sum: sums[0], count: 48 },
      { time: midnight + DAY, first: 48, last: 95, min: 48, max: 95, mean: 71.5, sum: sums[1], count: 48 },
    ]);
    for (const everyMs of [HOUR, 10 * MINUTE]) {
      const hours = await store.windows(range, everyMs);
      expect(hours.map(({ time, count }) => [time, count])).toEqual(
        Array.from({ length: 48 }, (_, i) => [midnight + i * HOUR, 2]),
      );
    }
    const group = { ...range, terminalIds: ['A'] };
    expect((await store.together(group, DAY, 'max')).map(({ sum }) => sum)).toEqual([47, 95]);
    expect(await store.points({ ...range, to: now }, 10)).toEqual([{ time: now - HOUR, value: 7 }]);
    expect((await store.newest()).map(({ value }) => value)).toEqual([7]);
  });

  promise('a terminal’s name is data, never part of a query', async (place) => {
    await using store = await place.open();
    const evil = `x', y=z"; \\ drop table readings; --`;
    await store.write([record(MIDNIGHT, { room_c: 20 }, evil), record(MIDNIGHT, { room_c: 20 })]);
    await store.write([record(MIDNIGHT, { room_c: 21 }, evil)]);
    expect(await store.points({ ...room(MIDNIGHT, MIDNIGHT + 1), terminalId: evil }, 10)).toEqual([
      { time: MIDNIGHT, value: 20 },
    ]);
    expect(await store.points(room(MIDNIGHT, MIDNIGHT + 1), 10)).toHaveLength(1);
  });

  promise('nothing is found where nothing was stored', async (place) => {
    await using store = await place.open();
    expect(await store.position()).toBe(0);
    expect(await store.points(room(0, MIDNIGHT), 10)).toEqual([]);
    expect(await store.windows(room(0, MIDNIGHT), DAY)).toEqual([]);
    expect(await store.newest()).toEqual([]);
    expect(await store.rows({ terminalId: 'A', from: 0, to: MIDNIGHT }, 10)).toEqual([]);
    const group = { terminalIds: ['A'], metric: 'room_c', from: 0, to: MIDNIGHT };
    expect(await store.together(group, DAY, 'mean')).toEqual([]);
    await store.tend();
    await store.ping();
  });
});
