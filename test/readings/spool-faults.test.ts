import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Clock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import { openSpool, type Spool } from '../../src/readings/spool.ts';
import { randomOf } from '../helpers/random.ts';
import { type Fault, type Kind, SimDisk } from '../helpers/sim-disk.ts';
import { spoolOptions } from '../helpers/spool.ts';

/** What the spool keeps when the disk fails, the process is killed or the power is cut, at every single step. */

const SEEDS = Number(process.env['HEARTHGATE_TEST_SEEDS'] ?? 2_000);
const FOLDER = '/spool';
const log = createLog('silent');
/** Commits come at once, the checks of every second never. */
const clock: Clock = {
  now: () => 0,
  ticks: () => 0,
  after(ms, task) {
    const soon = ms < 100 ? setImmediate(task) : undefined;
    return { [Symbol.dispose]: () => clearImmediate(soon) };
  },
};
const open = (disk: SimDisk, segmentBytes = 400) =>
  openSpool(spoolOptions(FOLDER, { segmentBytes, minFreeBytes: 1 }), { clock, log, disk });

/** What one life of the spool was told and said. */
interface Life {
  acknowledged: Set<number>;
  asked: number;
  /** The store has all records up to here, and has been given these. */
  position: number;
  stored: number[];
}

const tick = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Appends, reads and releases like the gateway does, until it is done or the disk freezes. */
async function live(spool: Spool, life: Life, random: () => number, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    for (let n = Math.floor(random() * 4); n >= 0; n -= 1) {
      life.asked += 1;
      const number = life.asked;
      spool.append([{ terminalId: 'A', time: number, values: { room_c: number } }]).then(
        () => life.acknowledged.add(number),
        () => undefined,
      );
    }
    for (let n = 0; n < 12; n += 1) await tick();
    if (random() < 0.3) await store(spool, life);
  }
}

/** The store takes some more records. It keeps one of each, as all stores do. */
async function store(spool: Spool, life: Life): Promise<void> {
  const records = await spool.read(life.position, 5);
  life.position = records.at(-1)?.sequence ?? life.position;
  life.stored.push(...records.map(({ time }) => time));
  void spool.release(life.position).catch(() => undefined);
  await tick();
}

/** Opens what is left and lets the store have it all: every acknowledged reading must be there, and nothing made up. */
async function check(disk: SimDisk, life: Life): Promise<void> {
  await using spool = await open(disk);
  await spool.append([{ terminalId: 'A', time: life.asked + 1, values: { room_c: life.asked + 1 } }]);
  life.acknowledged.add(life.asked + 1);
  const rest = await spool.read(life.position, 100_000);
  const found = [...life.stored, ...rest.map(({ time }) => time)];
  expect([...life.acknowledged].filter((number) => !found.includes(number))).toEqual([]);
  expect(new Set(found).size).toBe(found.length);
  expect(rest.every(({ time, values }) => values['room_c'] === time && time <= life.asked + 1)).toBe(true);
  expect(rest.every(({ sequence }, index) => index === 0 || sequence > (rest[index - 1]?.sequence ?? 0))).toBe(true);
}

const newLife = (): Life => ({ acknowledged: new Set(), asked: 0, position: 0, stored: [] });

async function liveWith(disk: SimDisk, life: Life, random: () => number, rounds: number, segmentBytes = 400) {
  // A disk that freezes while the spool opens or reads keeps it waiting for ever.
  const living = open(disk, segmentBytes).then(
    (spool) => live(spool, life, random, rounds),
    () => undefined,
  );
  let waited = 0;
  const frozen = (async () => {
    for (; waited < rounds * 40; waited += 1) await tick();
  })();
  await Promise.race([living, frozen]);
}

test(`of what was acknowledged nothing is lost or doubled by a power cut, whatever of the unsynced survives: ${SEEDS} seeds`, async () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const random = randomOf(seed);
    const life = newLife();
    let disk = new SimDisk();
    for (let lives = 0; lives < 2; lives += 1) {
      const kinds: Kind[] = ['open', 'write', 'datasync', 'rename', 'remove', 'syncFolder'];
      if (random() < 0.7) {
        disk.faults = Array.from(
          { length: 3 },
          (): Fault => ({
            kind: kinds[Math.floor(random() * kinds.length)] ?? 'write',
            nth: 1 + Math.floor(random() * 12),
            effect: random() < 0.5 ? 'fail' : 'fail in part',
          }),
        );
      }
      await liveWith(disk, life, random, 3 + Math.floor(random() * 8));
      disk = disk.afterPowerCut(random);
    }
    await check(disk, life).catch((error: unknown) => {
      throw new Error(`seed ${seed}`, { cause: error });
    });
  }
}, 240_000);

/** Only its name is ever renamed, once. */
const STEPS: Kind[] = ['write', 'datasync', 'rename', 'open', 'remove', 'syncFolder'];

test.each(STEPS)(
  'killed before, in and after its k-th %s, for k from 1 to 100, it has lost and doubled nothing',
  async (kind) => {
    let reached = 0;
    for (let nth = 1; nth <= 100; nth += 1) {
      for (const effect of ['freeze before', 'freeze in part', 'freeze after'] as const) {
        const disk = new SimDisk();
        disk.faults = [{ kind, nth, effect }];
        const life = newLife();
        // Every commit in a segment of its own.
        await liveWith(disk, life, randomOf(nth), kind === 'rename' ? 2 : nth + 60, 1);
        if (disk.count(kind) < nth) continue;
        reached = nth;
        await check(disk.afterKill(), life);
      }
    }
    expect(reached).toBe(kind === 'rename' ? 1 : 100);
  },
  240_000,
);

test('one failed write, sync or new file costs the readings of that commit, which are not acknowledged, and no other', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom<Kind>('write', 'datasync', 'open', 'syncFolder'),
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom('fail' as const, 'fail in part' as const),
      async (kind, nth, effect) => {
        const disk = new SimDisk();
        await using spool = await open(disk);
        disk.faults = [{ kind, nth: disk.count(kind) + nth, effect }];
        const refused: number[] = [];
        for (let number = 1; number <= 60; number += 1) {
          const taken = spool.append([{ terminalId: 'A', time: number, values: { room_c: number } }]);
          await taken.catch(() => refused.push(number));
        }
        expect(refused.length).toBeLessThanOrEqual(1);
        expect(spool.state().trouble).toBeUndefined();
        const times = (await spool.read(0, 100)).map(({ time }) => time);
        const life = { ...newLife(), asked: 60, acknowledged: new Set(times) };
        expect(times).toEqual(Array.from({ length: 60 }, (_, n) => n + 1).filter((n) => !refused.includes(n)));
        await check(disk.afterPowerCut(Math.random), life);
      },
    ),
    { numRuns: 200 },
  );
});
