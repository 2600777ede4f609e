import { expect } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import type { ReadingStore } from '../../src/readings/store.ts';
import { heldClock } from '../helpers/clock.ts';
import { DAY, eachStore, HOUR, MIDNIGHT, MINUTE, record, room } from './stage.ts';

/** What every store keeps of what is written to it. */

eachStore((promise) => {
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

  promise(
    'what goes ahead of its turn is found at once by every question, and counts once when it comes in its turn',
    async (place) => {
      const backlog = Array.from({ length: 300 }, (_, i) => record(MIDNIGHT + i * MINUTE, { room_c: i, supply_c: 40 }));
      const fresh = Array.from({ length: 60 }, (_, i) => record(MIDNIGHT + (600 + i) * MINUTE, { room_c: 1_000 + i }));
      const other = record(fresh[0]?.time ?? 0, { room_c: 5 });
      const hours = async (store: ReadingStore) =>
        (await store.windows(room(MIDNIGHT, MIDNIGHT + DAY), HOUR)).map(({ count, sum }) => [count, sum]);
      const hour = [60, 60 * 1_000 + 1_770];
      const group = { terminalIds: ['A', 'B'], metric: 'room_c', from: MIDNIGHT, to: MIDNIGHT + DAY };
      {
        await using store = await place.open();
        await store.write(backlog.slice(0, 60));
        await store.writeAhead(fresh);
        expect(await store.position()).toBe(backlog[59]?.sequence);
        expect(await hours(store)).toEqual([[60, 1_770], hour]);
        expect((await store.points(room(fresh[0]?.time ?? 0, MIDNIGHT + DAY), 100)).map(({ value }) => value)).toEqual(
          fresh.map((_, i) => 1_000 + i),
        );
        expect(await store.together(group, DAY, 'last')).toMatchObject([{ sum: 1_059, terminals: 1 }]);
        expect((await store.newest()).find(({ metric }) => metric === 'room_c')?.value).toBe(1_059);
        await store.writeAhead([...fresh.slice(30), record(MIDNIGHT + DAY, { room_c: 1 }), other]);
      }
      // The process ended in the middle, and its successor knows nothing of what went ahead.
      await using store = await place.open();
      expect(await store.position()).toBe(backlog[59]?.sequence);
      expect(place.refused).toEqual([]);
      await store.tend();
      await store.write(backlog.slice(60, 200));
      await store.write([...backlog.slice(200), ...fresh, other]);
      const day = [60, 120, 180, 240].map((first) => [60, first * 60 + 1_770]);
      expect(await hours(store)).toEqual([[60, 1_770], ...day, hour]);
      expect(place.refused).toMatchObject([{ reason: 'conflict', values: { room_c: 5 } }]);
      expect(await store.position()).toBe(other.sequence);
    },
  );

  promise(
    'in a time without readings of a terminal another value for a time is refused all the same',
    async (place) => {
      await using store = await place.open();
      await store.write([record(MIDNIGHT + 20 * HOUR, { room_c: 9 }), record(MIDNIGHT + 3 * HOUR, { room_c: 3 })]);
      for (const hour of [1, 2, 5, 4, 1, 3, 2, 4, 19, 20])
        await store.write([record(MIDNIGHT + hour * HOUR, { room_c: hour })]);
      for (const hour of [1, 2, 5, 4, 19]) await store.write([record(MIDNIGHT + hour * HOUR, { room_c: -hour })]);
      const points = await store.points(room(MIDNIGHT, MIDNIGHT + DAY), 100);
      expect(points.map(({ value }) => value)).toEqual([1, 2, 3, 4, 5, 19, 9]);
      expect(place.refused.map(({ values }) => values['room_c'])).toEqual([20, -1, -2, -5, -4, -19]);
    },
  );

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

  promise('what is older than raw values are kept is refused', async (place) => {
    // A server has a clock of its own, which tells the same time.
    const now = systemClock.now();
    const clock = heldClock(now);
    await using store = await place.open({ clock, keepRawDays: 10 });
    const old = record(now - 10 * DAY - 1, { room_c: 1, supply_c: 2 });
    const kept = record(now - 10 * DAY + HOUR, { room_c: 3 });
    await store.write([old, kept]);
    expect(await store.position()).toBe(kept.sequence);
    const points = await store.points(room(now - 20 * DAY, now), 10);
    expect(points).toEqual([{ time: kept.time, value: 3 }]);
    const { sequence: _, ...refused } = old;
    expect(place.refused).toMatchObject([{ ...refused, reason: 'too_old' }]);
    const older = record(now - 300 * DAY, { room_c: 1 });
    await store.write([older]);
    expect(await store.position()).toBe(older.sequence);
    expect(place.refused).toHaveLength(2);
  });
});
