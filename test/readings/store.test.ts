import { describe, expect, test } from 'vitest';
import { freePort } from '../../src/demo/free-port.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { newId } from '../../src/lib/ids.ts';
import type { SpoolRecord } from '../../src/readings/segments.ts';
import type { ReadingStore } from '../../src/readings/store.ts';
import { openEmbeddedStore } from '../../src/readings/store-embedded.ts';
import { openInflux1Store } from '../../src/readings/store-influx1.ts';
import { openInflux2Store } from '../../src/readings/store-influx2.ts';
import { noInflux1, startInflux1 } from '../helpers/servers.ts';
import { tempFolder } from '../helpers/temp.ts';

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
  open(spoolId?: string): Promise<ReadingStore>;
}

const refuse = async (refused: SpoolRecord, reason: string) => {
  throw new Error(`refused ${JSON.stringify(refused)}: ${reason}`);
};
const { TEST_INFLUX2_URL: url, TEST_INFLUX2_TOKEN: token = '', TEST_INFLUX2_ORG: org = '' } = process.env;

/** Each kind of store, why it cannot be tested here, and how to make a place for it. */
const KINDS: [string, string | undefined, () => Promise<Place>][] = [
  [
    'the embedded store',
    undefined,
    async () => {
      const folder = await tempFolder();
      return {
        open: (spoolId = 's') => openEmbeddedStore(folder.path, spoolId),
        [Symbol.asyncDispose]: folder[Symbol.asyncDispose],
      };
    },
  ],
  [
    'InfluxDB 1.x',
    noInflux1,
    async () => {
      const folder = await tempFolder();
      const server = await startInflux1(folder.path, await freePort());
      const options = { url: server.url, database: 'test', username: '', password: '' };
      return {
        open: (spoolId = 's') => openInflux1Store(options, { clock: systemClock, refuse, spoolId }),
        async [Symbol.asyncDispose]() {
          await server[Symbol.asyncDispose]();
          await folder[Symbol.asyncDispose]();
        },
      };
    },
  ],
  [
    'InfluxDB 2.x',
    url ? undefined : 'no InfluxDB 2 is packaged for Debian; name one by TEST_INFLUX2_URL, _TOKEN and _ORG',
    async () => {
      const options = { url: url ?? '', token, org, bucket: newId('test') };
      return {
        open: (spoolId = 's') => openInflux2Store(options, { clock: systemClock, refuse, spoolId }),
        [Symbol.asyncDispose]: async () => undefined,
      };
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
      await using store = await place.open('old');
      await store.write([record(MIDNIGHT, { room_c: 1 })]);
    }
    await using store = await place.open('new');
    expect(await store.position()).toBe(0);
  });

  promise('the same time with another value keeps the first, also within one batch', async (place) => {
    {
      await using store = await place.open();
      await store.write([record(MIDNIGHT, { room_c: 20 }), record(MIDNIGHT, { room_c: 21, supply_c: 50 })]);
      await store.write([record(MIDNIGHT, { room_c: 22 })]);
    }
    await using store = await place.open();
    await store.write([record(MIDNIGHT, { room_c: 23 })]);
    expect(await store.points(room(MIDNIGHT, MIDNIGHT + 1), 10)).toEqual([{ time: MIDNIGHT, value: 20 }]);
    const supply = { ...room(MIDNIGHT, MIDNIGHT + 1), metric: 'supply_c' };
    expect(await store.points(supply, 10)).toEqual([{ time: MIDNIGHT, value: 50 }]);
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
  });
});
