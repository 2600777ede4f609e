import { expect, test } from 'vitest';
import { createLog } from '../../src/lib/log.ts';
import { openSpool, type SpoolOptions } from '../../src/readings/spool.ts';
import { heldClock } from '../helpers/clock.ts';
import { SimDisk } from '../helpers/sim-disk.ts';
import { spoolOptions } from '../helpers/spool.ts';

const HOUR = 3_600_000;

/** A spool on a disk and a clock that are played. */
async function open(options: Partial<SpoolOptions>) {
  const [disk, clock] = [new SimDisk(), heldClock()];
  const wanted = spoolOptions('/s', { commitWaitMs: 1, maxAgeMs: 1 << 30, minFreeBytes: 1, ...options });
  const spool = await openSpool(wanted, { clock, log: createLog('silent'), disk });
  return {
    disk,
    clock,
    spool,
    /** Why it was not taken; undefined when it was. */
    async append(): Promise<string | undefined> {
      let done = false;
      const taken = spool.append([{ terminalId: 'A', time: clock.now(), values: { room_c: 1 } }]).then(
        () => undefined,
        (error: unknown) => String(error),
      );
      void taken.then(() => {
        done = true;
      });
      while (!done) await clock.advance(1);
      return taken;
    },
    [Symbol.asyncDispose]: () => spool[Symbol.asyncDispose](),
  };
}

test('with too little space on the disk it says so within a second, refuses, and takes readings again by itself', async () => {
  await using at = await open({});
  expect(await at.append()).toBeUndefined();
  at.disk.full = true;
  await at.clock.advance(1_000);
  expect(at.spool.state().trouble).toContain('the disk is full');
  expect(await at.append()).toContain('the disk is full');
  at.disk.full = false;
  // Nobody sends anything meanwhile.
  await at.clock.advance(2_000);
  expect(at.spool.state().trouble).toBeUndefined();
  expect(await at.append()).toBeUndefined();
});

test('after a failed commit it tries by itself whether the disk works again', async () => {
  await using at = await open({});
  at.disk.faults = [{ kind: 'datasync', nth: at.disk.count('datasync') + 1, effect: 'fail' }];
  expect(await at.append()).toContain('EIO');
  expect(at.spool.state().trouble).toContain('EIO');
  await at.clock.advance(2_000);
  expect(at.spool.state().trouble).toBeUndefined();
});

test('when readings have waited for the store as long as they may, it takes no more until the store has them', async () => {
  await using at = await open({ maxAgeMs: 10 * HOUR });
  await at.append();
  await at.clock.advance(HOUR);
  await at.append();
  await at.clock.advance(9 * HOUR - 1_000);
  expect(at.spool.state().trouble).toBeUndefined();
  await at.clock.advance(1_000);
  expect(at.spool.state().trouble).toContain('readings have waited 10 hours for the store');
  expect(await at.append()).toContain('have waited');
  await at.spool.release(1);
  await at.clock.advance(1_000);
  expect(await at.append()).toBeUndefined();
});

test('readings that the store has have waited for nothing, also when the segment after them is still empty', async () => {
  await using at = await open({ maxAgeMs: 10 * HOUR });
  await at.append();
  await at.spool.release(1);
  await at.clock.advance(HOUR);
  at.disk.faults = [{ kind: 'datasync', nth: at.disk.count('datasync') + 1, effect: 'fail' }];
  expect(await at.append()).toContain('EIO');
  // It is tried without readings, in a new segment; then nobody sends anything, as in summer.
  await at.clock.advance(2_000);
  await at.clock.advance(20 * HOUR);
  expect(at.spool.state().trouble).toBeUndefined();
  expect(await at.append()).toBeUndefined();
});

test('a spool that is smaller than a segment can be full, and goes on when the store has its readings', async () => {
  await using at = await open({ maxBytes: 2_000 });
  while ((await at.append()) === undefined);
  expect(at.spool.state().trouble).toContain('the spool is full');
  await at.spool.release(at.spool.state().last);
  await at.clock.advance(1_000);
  expect(at.spool.state().trouble).toBeUndefined();
  expect(await at.append()).toBeUndefined();
});
