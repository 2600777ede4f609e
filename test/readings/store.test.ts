import { expect, test } from 'vitest';
import type { SpoolRecord } from '../../src/readings/segments.ts';
import { openEmbeddedStore } from '../../src/readings/store-embedded.ts';
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

test('a replay after a crash writes nothing twice, and the position says where to go on', async () => {
  await using folder = await tempFolder();
  const batch = Array.from({ length: 1000 }, (_, i) => record(MIDNIGHT + i * MINUTE, { room_c: i, supply_c: 40 }));
  {
    await using store = await openEmbeddedStore(folder.path);
    await store.write(batch.slice(0, 600));
    expect(store.position()).toBe(batch[599]?.sequence);
  }
  await using store = await openEmbeddedStore(folder.path);
  expect(store.position()).toBe(batch[599]?.sequence);
  await store.write(batch);
  await store.write(batch);
  const points = await store.points(room(MIDNIGHT, MIDNIGHT + DAY), 10_000);
  expect(points.map(({ value }) => value)).toEqual(batch.map((_, i) => i));
  expect(store.position()).toBe(batch.at(-1)?.sequence);
});

test('the same time with another value keeps the first, also within one batch', async () => {
  await using folder = await tempFolder();
  await using store = await openEmbeddedStore(folder.path);
  await store.write([record(MIDNIGHT, { room_c: 20 }), record(MIDNIGHT, { room_c: 21, supply_c: 50 })]);
  await store.write([record(MIDNIGHT, { room_c: 22 })]);
  expect(await store.points(room(MIDNIGHT, MIDNIGHT + 1), 10)).toEqual([{ time: MIDNIGHT, value: 20 }]);
  expect(await store.points({ ...room(MIDNIGHT, MIDNIGHT + 1), metric: 'supply_c' }, 10)).toHaveLength(1);
});

test('a batch that spans months is found as one series', async () => {
  await using folder = await tempFolder();
  const december = Date.UTC(2026, 10, 30, 16);
  {
    await using store = await openEmbeddedStore(folder.path);
    await store.write([
      record(december + 1, { room_c: 2 }),
      record(december - 1, { room_c: 1 }),
      record(december + HOUR, { room_c: 3 }),
    ]);
  }
  await using store = await openEmbeddedStore(folder.path);
  expect((await store.points(room(december - DAY, december + DAY), 10)).map(({ value }) => value)).toEqual([1, 2, 3]);
  expect((await store.newest()).map(({ value }) => value)).toEqual([3]);
});

test('windows hold every aggregate, days begin at midnight in Shanghai, and empty windows are left out', async () => {
  await using folder = await tempFolder();
  await using store = await openEmbeddedStore(folder.path);
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
});

test('a terminal’s name is data, never part of a query', async () => {
  await using folder = await tempFolder();
  await using store = await openEmbeddedStore(folder.path);
  const evil = `x'; drop table m2026_11.readings; --`;
  await store.write([record(MIDNIGHT, { room_c: 20 }, evil)]);
  expect(await store.points({ ...room(MIDNIGHT, MIDNIGHT + 1), terminalId: evil }, 10)).toHaveLength(1);
  expect(await store.points(room(MIDNIGHT, MIDNIGHT + 1), 10)).toEqual([]);
});

test('nothing is found where nothing was stored', async () => {
  await using folder = await tempFolder();
  await using store = await openEmbeddedStore(folder.path);
  expect(store.position()).toBe(0);
  expect(await store.points(room(0, MIDNIGHT), 10)).toEqual([]);
  expect(await store.windows(room(0, MIDNIGHT), DAY)).toEqual([]);
  expect(await store.newest()).toEqual([]);
});
