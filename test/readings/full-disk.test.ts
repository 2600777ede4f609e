import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import type { SpoolRecord } from '../../src/readings/segments.ts';
import { openSpool } from '../../src/readings/spool.ts';
import { openEmbeddedStore } from '../../src/readings/store-embedded.ts';
import { NO_SMALL_DISK, smallDisk } from '../helpers/small-disk.ts';
import { spoolOptions } from '../helpers/spool.ts';
import { storeParts } from '../helpers/store.ts';

const NOW = Date.UTC(2026, 10, 24, 4);

test('on a full disk the spool takes nothing, keeps what it has, and takes readings again when there is space', async ({
  skip,
}) => {
  await using disk = await smallDisk(4);
  if (!disk) return skip(NO_SMALL_DISK);
  await using spool = await openSpool(spoolOptions(join(disk.path, 'spool')), {
    clock: systemClock,
    log: createLog('silent'),
  });
  const append = (n: number) => spool.append([{ terminalId: 'A', time: NOW + n, values: { room_c: n } }]);
  await append(0);
  disk.fill(20_000);
  let taken = 1;
  await expect(
    (async () => {
      for (; ; taken += 1) await append(taken);
    })(),
  ).rejects.toThrow('ENOSPC');
  expect(spool.state().trouble).toContain('ENOSPC');
  disk.free();
  await append(taken);
  expect(spool.state().trouble).toBeUndefined();
  const times = (await spool.read(0, 100_000)).map(({ time }) => time - NOW);
  expect(times).toEqual(Array.from({ length: taken + 1 }, (_, n) => n));
});

test('after a full disk the embedded store goes on by itself, has every reading once, and refused each bad one once', async ({
  skip,
}) => {
  await using disk = await smallDisk(60);
  if (!disk) return skip(NO_SMALL_DISK);
  const parts = storeParts();
  await using store = await openEmbeddedStore(join(disk.path, 'readings'), parts, { settleRows: 60_000 });
  let sequence = 0;
  let batches = 0;
  const batch = (): SpoolRecord[] => {
    batches += 1;
    return Array.from({ length: 5_000 }, (_, n) => {
      sequence += 1;
      const values = { room_c: Math.sin(sequence) * 30, supply_c: Math.cos(sequence) * 60 };
      if (n === 4_999) return { sequence, terminalId: 'T1', time: NOW + 1_000, values: { room_c: batches } };
      return { sequence, terminalId: `T${sequence % 97}`, time: NOW + sequence * 1_000, values };
    });
  };
  await store.write(batch());
  disk.fill(22_000_000);
  let failed: SpoolRecord[] | undefined;
  while (!failed) {
    const next = batch();
    await store.write(next).catch(() => {
      failed = next;
    });
  }
  disk.free();
  await store.write(failed);
  expect(parts.refused.map(({ values }) => values['room_c'])).toEqual(Array.from({ length: batches }, (_, n) => n + 1));
  await store.write(failed);
  expect(await store.position()).toBe(sequence);
  const series = { terminalId: 'T1', metric: 'room_c', from: NOW, to: NOW + 86_400_000 * 30 };
  const points = await store.points(series, 1_000_000);
  const expected = Array.from({ length: sequence }, (_, n) => n + 1).filter((n) => n % 97 === 1 && n % 5_000 > 0);
  expect(points.map(({ time }) => (time - NOW) / 1_000)).toEqual(expected);
}, 60_000);

test('a month that begins on a full disk is begun again when there is space', async ({ skip }) => {
  await using disk = await smallDisk(20);
  if (!disk) return skip(NO_SMALL_DISK);
  await using store = await openEmbeddedStore(join(disk.path, 'readings'), storeParts());
  const records: SpoolRecord[] = [{ sequence: 1, terminalId: 'A', time: NOW, values: { room_c: 20 } }];
  disk.fill(0);
  await expect(store.write(records)).rejects.toThrow('No space left');
  await expect(store.write(records)).rejects.toThrow('No space left');
  disk.free();
  await store.write(records);
  const series = { terminalId: 'A', metric: 'room_c', from: NOW, to: NOW + 1 };
  expect(await store.points(series, 10)).toEqual([{ time: NOW, value: 20 }]);
});
