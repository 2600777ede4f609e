import { expect } from 'vitest';
import { windowStart } from '../../src/lib/calendar.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { ReadingStore } from '../../src/readings/store.ts';
import { eventually } from '../helpers/temp.ts';
import { DAY, eachStore, HOUR, MIDNIGHT, MINUTE, record, room } from './stage.ts';

/** What every store answers. */

eachStore((promise) => {
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
      const each = await store.windowsOfEach({ ...group, from: MIDNIGHT + HOUR }, HOUR);
      for (const terminalId of group.terminalIds) {
        const own = each.filter((window) => window.terminalId === terminalId);
        const series = { terminalId, metric: group.metric, from: MIDNIGHT + HOUR, to: group.to };
        const alone = await store.windows(series, HOUR);
        expect(own.map(({ terminalId: _, ...window }) => window)).toEqual(alone);
      }
      expect(each.length).toBeGreaterThan(2);
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
