import { appendFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import { type Disk, realDisk } from '../../src/readings/disk.ts';
import { type NewRecord, openSpool, type SpoolOptions } from '../../src/readings/spool.ts';
import { spoolOptions } from '../helpers/spool.ts';
import { tempFolder } from '../helpers/temp.ts';

const log = createLog('silent');
const open = (folder: string, options: Partial<SpoolOptions> = {}) =>
  openSpool(spoolOptions(folder, options), { clock: systemClock, log });

const reading = (n: number): NewRecord => ({ terminalId: `T${n}`, time: 1_795_500_000_000 + n, values: { room_c: n } });
const numbers = (records: { time: number }[]) => records.map(({ time }) => time - 1_795_500_000_000);
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

async function fill(folder: string, count: number, options: Partial<SpoolOptions> = {}): Promise<void> {
  await using spool = await open(folder, options);
  for (const n of range(0, count)) await spool.append([reading(n)]);
}

const segmentsOf = async (folder: string) => (await readdir(folder)).filter((name) => name.endsWith('.log'));

async function onlySegment(folder: string): Promise<string> {
  const [name = ''] = await segmentsOf(folder);
  return join(folder, name);
}

test('a full spool takes no more, says so, and keeps what it has', async () => {
  await using folder = await tempFolder();
  await using spool = await open(folder.path, { segmentBytes: 300, maxBytes: 600 });
  let taken = 0;
  await expect(
    (async () => {
      for (;;) {
        await spool.append([reading(taken)]);
        taken += 1;
      }
    })(),
  ).rejects.toThrow('the spool is full');
  expect(spool.state().trouble).toContain('full');
  expect(numbers(await spool.read(0, 1000))).toEqual(range(0, taken));
  await spool.release(spool.state().last);
  await spool.append([reading(taken)]);
  expect(spool.state().trouble).toBeUndefined();
});

/** The same readings as a gateway of before wrote them. */
const linesOfBefore = (count: number): Buffer =>
  Buffer.from(
    range(0, count)
      .map((n) => JSON.stringify([n + 1, `T${n}`, reading(n).time, reading(n).values]))
      .map((body) => `${crc32(body).toString(16).padStart(8, '0')} ${body}\n`)
      .join(''),
  );

async function recordsOfNow(count: number): Promise<Buffer> {
  await using folder = await tempFolder();
  await fill(folder.path, count);
  return readFile(await onlySegment(folder.path));
}

/** A spool whose only segment has these bytes. */
async function openOn(path: string, bytes: Buffer) {
  await mkdir(path);
  await writeFile(join(path, '0000000000000001.log'), bytes);
  return open(path);
}

describe.each([
  ['records', recordsOfNow],
  ['lines of before', async (count: number) => linesOfBefore(count)],
])('%s', (_form, write) => {
  test('whatever byte a power cut tears it at, every record before it is there and appending goes on', async () => {
    await using folder = await tempFolder();
    const bytes = await write(5);
    for (let cut = 0; cut < bytes.length; cut += 3) {
      // All five are of one length.
      const complete = Math.floor(cut / (bytes.length / 5));
      await using spool = await openOn(join(folder.path, `torn-${cut}`), bytes.subarray(0, cut));
      await spool.append([reading(99)]);
      expect(numbers(await spool.read(0, 100))).toEqual([...range(0, complete), 99]);
    }
  });

  test('one flipped bit costs at most the records that it touches', async () => {
    await using folder = await tempFolder();
    const bytes = await write(20);
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: bytes.length * 8 - 1 }), async (bit) => {
        const damaged = Buffer.from(bytes);
        damaged.writeUInt8(damaged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        await using spool = await openOn(join(folder.path, `flip-${++round}`), damaged);
        const found = await spool.read(0, 100);
        // A line feed that is lost or made joins or splits two lines.
        expect(found.length).toBeGreaterThanOrEqual(18);
        for (const { sequence, ...rest } of found) expect(rest).toEqual(reading(sequence - 1));
        expect(new Set(numbers(found)).size).toBe(found.length);
      }),
      { numRuns: 60 },
    );
  });

  test('some bytes of noise, wherever they lie, cost at most the records that they touch', async () => {
    await using folder = await tempFolder();
    const bytes = await write(20);
    let round = 0;
    const noise = fc.uint8Array({ minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: bytes.length - 40 }), noise, async (at, noisy) => {
        const damaged = Buffer.from(bytes);
        damaged.set(noisy, at);
        await using spool = await openOn(join(folder.path, `noise-${++round}`), damaged);
        const found = await spool.read(0, 100);
        expect(found.length).toBeGreaterThanOrEqual(17);
        for (const { sequence, ...rest } of found) expect(rest).toEqual(reading(sequence - 1));
      }),
      { numRuns: 60 },
    );
  });
});

test('readings of any numbers, names and terminals come back from disk as they were', async () => {
  await using folder = await tempFolder();
  const written = fc.record({
    terminalId: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 64 }),
    time: fc.integer({ min: 0, max: 8.64e15 }),
    values: fc.dictionary(
      fc.stringMatching(/^[a-z][a-z0-9_]{0,40}$/),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
      { minKeys: 1, maxKeys: 60 },
    ),
  });
  let round = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(written, { minLength: 1, maxLength: 20 }), async (records) => {
      const path = join(folder.path, `round-${++round}`);
      await using writer = await open(path);
      await writer.append(records);
      await using spool = await open(path);
      const found = (await spool.read(0, 100)).map(({ sequence: _, ...rest }) => rest);
      expect(found).toEqual(records.map((record) => ({ ...record, values: { ...record.values } })));
    }),
    { numRuns: 60 },
  );
});

test('a gateway that is brought up to date goes on after what the one before left', async () => {
  await using folder = await tempFolder();
  await using spool = await openOn(join(folder.path, 'spool'), linesOfBefore(3));
  await spool.append([reading(3)]);
  await using again = await open(join(folder.path, 'spool'));
  const found = await again.read(0, 100);
  expect(found).toEqual(range(0, 4).map((n) => ({ sequence: n + 1, ...reading(n) })));
});

test('garbage behind the records is passed over, and new records are read after it', async () => {
  await using folder = await tempFolder();
  await fill(folder.path, 3);
  await appendFile(await onlySegment(folder.path), Buffer.alloc(500));
  await using spool = await open(folder.path);
  await spool.append([reading(3)]);
  expect(numbers(await spool.read(0, 100))).toEqual([0, 1, 2, 3]);
});

test('what was appended is there after opening again, in order and with growing sequences', async () => {
  await using folder = await tempFolder();
  await fill(folder.path, 50, { segmentBytes: 500 });
  await using spool = await open(folder.path, { segmentBytes: 500 });
  await spool.append(range(50, 60).map(reading));
  const records = await spool.read(0, 1000);
  expect(numbers(records)).toEqual(range(0, 60));
  expect(records.map(({ sequence }) => sequence)).toEqual(range(1, 61));
  expect(records[7]).toEqual({ sequence: 8, ...reading(7) });
});

test('when the newest segment cannot be read any more, its sequences are not given again', async () => {
  await using folder = await tempFolder();
  await fill(folder.path, 50);
  const segment = await onlySegment(folder.path);
  await writeFile(segment, Buffer.alloc((await stat(segment)).size));
  await using spool = await open(folder.path);
  await spool.append([reading(99)]);
  // A store that has all fifty goes on after them.
  expect(numbers(await spool.read(50, 100))).toEqual([99]);
});

test('reading goes on where it ended, in pieces of any size', async () => {
  await using folder = await tempFolder();
  await fill(folder.path, 40, { segmentBytes: 400 });
  await using spool = await open(folder.path, { segmentBytes: 400 });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 17 }), async (limit) => {
      const found: number[] = [];
      let position = 0;
      for (let records = await spool.read(0, limit); records.length > 0; records = await spool.read(position, limit)) {
        found.push(...numbers(records));
        position = records.at(-1)?.sequence ?? position;
      }
      expect(found).toEqual(range(0, 40));
    }),
  );
});

test('reading goes on when the segment that was read last is gone', async () => {
  await using folder = await tempFolder();
  await using spool = await open(folder.path, { segmentBytes: 100 });
  await spool.append([reading(0)]);
  await spool.append([reading(1)]);
  expect(numbers(await spool.read(0, 100))).toEqual([0, 1]);
  // A commit opens the next segment while the store writes, and then the one that was read is released.
  await spool.append([reading(2)]);
  await spool.release(2);
  expect(numbers(await spool.read(2, 100))).toEqual([2]);
});

test('segments go when the store has them, and the newest stays so that sequences never begin again', async () => {
  await using folder = await tempFolder();
  await fill(folder.path, 40, { segmentBytes: 400 });
  await using spool = await open(folder.path, { segmentBytes: 400 });
  const before = (await segmentsOf(folder.path)).length;
  await spool.release(20);
  expect((await segmentsOf(folder.path)).length).toBeLessThan(before);
  expect(numbers(await spool.read(20, 100))).toEqual(range(20, 40));
  await spool.release(40);
  expect(await segmentsOf(folder.path)).toHaveLength(1);
  await spool.append([reading(40)]);
  expect((await spool.read(40, 10)).map(({ sequence }) => sequence)).toEqual([41]);
});

test('a spool keeps its name while it has a segment, so that no store takes a new one for the old one', async () => {
  await using folder = await tempFolder();
  const idOf = async (path: string) => {
    await using spool = await open(join(folder.path, path));
    await spool.append([reading(0)]);
    return spool.id;
  };
  const id = await idOf('a');
  expect(await idOf('a')).toBe(id);
  expect(await idOf('b')).not.toBe(id);
  for (const name of await segmentsOf(join(folder.path, 'a'))) await rm(join(folder.path, 'a', name));
  expect(await idOf('a')).not.toBe(id);
});

test('many appends at once share commits and each keeps its own order', async () => {
  await using folder = await tempFolder();
  await using spool = await open(folder.path, { commitWaitMs: 5 });
  await Promise.all(range(0, 500).map((n) => spool.append([reading(n)])));
  expect(numbers(await spool.read(0, 1000))).toEqual(range(0, 500));
  expect((await stat(await onlySegment(folder.path))).size).toBe(spool.state().bytes);
});

test('a reading that is committed while the store’s share is read from disk comes with the next share', async () => {
  await using folder = await tempFolder();
  let whileReading: (() => Promise<void>) | undefined;
  const disk: Disk = {
    ...realDisk,
    async open(path, flags) {
      const file = await realDisk.open(path, flags);
      if (flags === 'r') await whileReading?.();
      return file;
    },
  };
  await using spool = await openSpool(spoolOptions(folder.path, { segmentBytes: 1 << 24 }), {
    clock: systemClock,
    log,
    disk,
  });
  await spool.append([reading(0)]);
  // More than is kept in memory, so that the first is read from disk.
  const many = () => spool.append(range(1, 100_001).map(reading));
  await many();
  whileReading = async () => {
    whileReading = undefined;
    await spool.append([reading(7)]);
  };
  const share = await spool.read(0, 110_000);
  const lastOfShare = share.at(-1)?.sequence ?? 0;
  // While a slow store takes that share, so many more come that what was committed meanwhile is in memory no more.
  await many();
  expect((await spool.read(lastOfShare, 1))[0]?.sequence).toBe(lastOfShare + 1);
});

test('segments that go while the spool is read cost nothing that comes after them', async () => {
  await using folder = await tempFolder();
  await using spool = await open(folder.path, { segmentBytes: 200 });
  for (const n of range(0, 200)) await spool.append([reading(n)]);
  const read = spool.reader().read(60, 1_000);
  await spool.release(40);
  expect(numbers(await read)).toEqual(range(60, 200));
});
