import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import type { SpoolRecord } from '../../src/readings/segments.ts';
import type { StoreParts } from '../../src/readings/store.ts';
import { openEmbeddedStore } from '../../src/readings/store-embedded.ts';
import { heldClock } from '../helpers/clock.ts';
import { storeParts } from '../helpers/store.ts';
import { tempFolder } from '../helpers/temp.ts';

/** What only the embedded store has: its files. */

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Midnight of 24 November 2026 in Shanghai. */
const MIDNIGHT = Date.UTC(2026, 10, 23, 16);
/** Midnight of 10 September 2026. */
const SEPTEMBER = Date.UTC(2026, 8, 9, 16);

let sequence = 0;
const record = (time: number, values: Record<string, number>, terminalId = 'A'): SpoolRecord => ({
  sequence: ++sequence,
  terminalId,
  time,
  values,
});
const room = (from: number, to: number) => ({ terminalId: 'A', metric: 'room_c', from, to });

const partsOf = (changes: Partial<StoreParts> = {}) => storeParts({ clock: heldClock(MIDNIGHT), ...changes });

test('a month whose raw values are too old shrinks, keeps its position, and takes nothing any more', async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, 'readings-2026-09.duckdb');
  {
    await using store = await openEmbeddedStore(folder.path, partsOf());
    await store.write(
      Array.from({ length: 200_000 }, (_, i) =>
        record(SEPTEMBER + i * 5_000, { room_c: Math.sin(i), supply_c: Math.cos(i) }),
      ),
    );
  }
  const before = (await stat(file)).size;
  {
    await using store = await openEmbeddedStore(folder.path, partsOf({ keepRawDays: 30 }));
    await store.tend();
    await store.tend();
    expect(await store.position()).toBe(sequence);
  }
  expect((await stat(file)).size).toBeLessThan(before / 2);
  const parts = partsOf();
  await using store = await openEmbeddedStore(folder.path, parts);
  expect(await store.position()).toBe(sequence);
  await store.write([record(SEPTEMBER + HOUR, { room_c: 99 }), record(MIDNIGHT, { room_c: 1 })]);
  expect(parts.refused.map(({ time, reason }) => [time, reason])).toEqual([[SEPTEMBER + HOUR, 'too_old']]);
  const windows = await store.windows(room(SEPTEMBER, SEPTEMBER + 20 * DAY), DAY);
  expect(windows.map(({ count }) => count).reduce((a, b) => a + b)).toBe(200_000);
  expect(await readdir(folder.path)).toEqual(
    expect.not.arrayContaining([expect.stringMatching(/\.new/), expect.stringMatching(/09\.duckdb\.wal/)]),
  );
});

test('a month that is older than roll-ups are kept is deleted; the position that it held is kept', async () => {
  await using folder = await tempFolder();
  {
    await using store = await openEmbeddedStore(folder.path, partsOf());
    await store.write([record(SEPTEMBER, { room_c: 1 })]);
  }
  {
    await using store = await openEmbeddedStore(folder.path, partsOf({ keepRawDays: 10, keepRollupDays: 40 }));
    await store.tend();
    expect(await store.windows(room(0, MIDNIGHT), DAY)).toEqual([]);
    expect((await readdir(folder.path)).filter((name) => name.includes('09'))).toEqual([]);
  }
  await using store = await openEmbeddedStore(folder.path, partsOf());
  expect(await store.position()).toBe(sequence);
});

test('the position is that of the last write, whichever month it went to, even when it went back', async () => {
  await using folder = await tempFolder();
  const at = (time: number, position: number) => ({ ...record(time, { room_c: position }), sequence: position });
  const writes = [at(MIDNIGHT, 5), at(SEPTEMBER, 9), at(MIDNIGHT + 1, 7), at(SEPTEMBER + 1, 8)];
  for (const write of writes) {
    {
      await using other = await openEmbeddedStore(folder.path, partsOf({ spoolId: 'other' }));
      await other.write([at(write.time + 10, 100)]);
      await other.tend();
    }
    {
      await using store = await openEmbeddedStore(folder.path, partsOf());
      await store.write([write]);
    }
    await using store = await openEmbeddedStore(folder.path, partsOf());
    expect(await store.position()).toBe(write.sequence);
  }
});

test('roll-ups are kept as long as raw values, whatever is configured', async () => {
  await using folder = await tempFolder();
  for (const changes of [
    { keepRawDays: 0, keepRollupDays: 1 },
    { keepRawDays: 100, keepRollupDays: 1 },
  ]) {
    await using store = await openEmbeddedStore(folder.path, partsOf(changes));
    await store.write([record(SEPTEMBER, { room_c: 1 })]);
    await store.tend();
    expect(await store.points(room(0, MIDNIGHT), 10)).toHaveLength(1);
  }
});

test('what a crash left of rewriting a month is removed, and the month is whole', async () => {
  await using folder = await tempFolder();
  {
    await using store = await openEmbeddedStore(folder.path, partsOf());
    await store.write([record(SEPTEMBER, { room_c: 1 })]);
  }
  await writeFile(join(folder.path, 'readings-2026-09.duckdb.new'), 'half a file');
  await writeFile(join(folder.path, 'readings-2026-09.duckdb.new.wal'), 'half a log');
  await using store = await openEmbeddedStore(folder.path, partsOf());
  expect((await readdir(folder.path)).filter((name) => name.includes('.new'))).toEqual([]);
  expect(await store.points(room(0, MIDNIGHT), 10)).toEqual([{ time: SEPTEMBER, value: 1 }]);
});

test('a file in the form of an earlier version is refused by name, with what to do', async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, 'readings-2026-09.duckdb');
  const old = await DuckDBInstance.create(file);
  const connection = await old.connect();
  await connection.run('create table readings (terminal varchar, metric varchar, time bigint, value double)');
  connection.closeSync();
  old.closeSync();
  await expect(openEmbeddedStore(folder.path, partsOf())).rejects.toThrow(/readings-2026-09\.duckdb.*move it away/);
});

test('settling hundreds of thousands of rows loses none of them', async () => {
  await using folder = await tempFolder();
  const clock = heldClock(SEPTEMBER);
  await using store = await openEmbeddedStore(folder.path, partsOf({ clock }), { settleRows: 300_000 });
  const terminalIds = Array.from({ length: 5_000 }, (_, i) => `T${i}`);
  const hours = 150;
  for (let hour = 0; hour < hours; hour += 1) {
    const time = SEPTEMBER + hour * HOUR;
    await clock.advance(HOUR);
    await store.write(terminalIds.map((id, i) => record(time + i, { room_c: hour }, id)));
  }
  const group = { terminalIds, metric: 'room_c', from: SEPTEMBER, to: SEPTEMBER + 10 * DAY };
  for (const everyMs of [DAY, HOUR, HOUR / 2]) {
    const windows = await store.together(group, everyMs, 'count');
    expect(windows.reduce((all, { sum }) => all + sum, 0)).toBe(hours * terminalIds.length);
  }
}, 60_000);

test('many who ask at once while rows are written and settled all get exact answers', async () => {
  await using folder = await tempFolder();
  await using store = await openEmbeddedStore(folder.path, partsOf(), { settleRows: 300 });
  let written = 0;
  let writing = true;
  const ask = async () => {
    while (writing) {
      const least = written;
      const windows = await store.windows(room(MIDNIGHT, MIDNIGHT + DAY), DAY);
      const count = windows.reduce((sum, window) => sum + window.count, 0);
      expect(count).toBeGreaterThanOrEqual(least);
      expect(windows.reduce((sum, window) => sum + window.sum, 0)).toBe((count * Math.max(0, count - 1)) / 2);
    }
  };
  const asking = Promise.all(Array.from({ length: 6 }, ask));
  for (; written < 6_000; written += 100) {
    await store.write(
      Array.from({ length: 100 }, (_, i) => record(MIDNIGHT + (written + i) * 10_000, { room_c: written + i })),
    );
  }
  writing = false;
  await asking;
});

test('killed at any moment, the store has every batch that it said it has, once', async () => {
  await using folder = await tempFolder();
  const series = { terminalId: 'T1', metric: 'room_c', from: MIDNIGHT, to: MIDNIGHT + 30 * DAY };
  for (let round = 1; round <= 6; round += 1) {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'embedded-child.ts'), folder.path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = 0;
    for await (const line of createInterface(child.stdout)) {
      const [batches, position] = line.split(' ').map(Number);
      said = position ?? 0;
      if ((batches ?? 0) >= 5 * round) break;
    }
    child.kill('SIGKILL');
    if (child.signalCode === null) await once(child, 'exit');
    await using store = await openEmbeddedStore(folder.path, partsOf());
    const position = await store.position();
    expect(said).toBeGreaterThan(0);
    expect(position).toBeGreaterThanOrEqual(said);
    const points = await store.points(series, 1_000_000);
    expect(points.map(({ value }) => value)).toEqual(Array.from({ length: position / 10 }, (_, i) => i * 10 + 1));
    const windows = await store.windows(series, HOUR);
    expect(windows.reduce((sum, { count }) => sum + count, 0)).toBe(points.length);
  }
}, 60_000);

test('a month file without a byte, as a full disk leaves it, is begun anew', async () => {
  await using folder = await tempFolder();
  await writeFile(join(folder.path, 'readings-2026-11.duckdb'), '');
  await using store = await openEmbeddedStore(folder.path, storeParts());
  const time = Date.UTC(2026, 10, 20);
  await store.write([{ sequence: 1, terminalId: 'A', time, values: { room_c: 20 } }]);
  const series = { terminalId: 'A', metric: 'room_c', from: time, to: time + 1 };
  expect(await store.points(series, 10)).toEqual([{ time, value: 20 }]);
});
