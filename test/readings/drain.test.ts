import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import { createAhead } from '../../src/readings/ahead.ts';
import { startDrain } from '../../src/readings/drain.ts';
import { openSpool } from '../../src/readings/spool.ts';
import { openEmbeddedStore } from '../../src/readings/store-embedded.ts';
import { heldClock } from '../helpers/clock.ts';
import { spoolOptions } from '../helpers/spool.ts';
import { storeParts } from '../helpers/store.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';

const log = createLog('silent');
const NOW = Date.UTC(2026, 10, 24, 4);

/** A spool, its store and what carries readings from one to the other, on one folder. */
async function open(folder: string, segmentBytes = 200) {
  const stack = new AsyncDisposableStack();
  const spool = stack.use(
    await openSpool(spoolOptions(join(folder, 'spool'), { segmentBytes }), { clock: systemClock, log }),
  );
  const store = stack.use(await openEmbeddedStore(join(folder, 'readings'), storeParts({ spoolId: spool.id })));
  const drain = stack.use(startDrain({ spool, store, ahead: createAhead(), clock: systemClock, log, waitMs: 1 }));
  const series = { terminalId: 'A', metric: 'room_c', from: NOW, to: NOW + 1_000_000 };
  return {
    spool,
    drain,
    append: (n: number) => spool.append([{ terminalId: 'A', time: NOW + n, values: { room_c: n } }]),
    stored: async () => (await store.points(series, 100_000)).map(({ value }) => value),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test('through hundreds of segments that come and go, every reading reaches the store, once and in order', async () => {
  await using folder = await tempFolder();
  await using at = await open(folder.path);
  for (let n = 0; n < 600; n += 1) await at.append(n);
  await eventually(() => at.drain.state().waiting === 0);
  expect(await at.stored()).toEqual(Array.from({ length: 600 }, (_, n) => n));
  expect((await readdir(join(folder.path, 'spool'))).length).toBeLessThan(5);
});

test('when segments were deleted by hand, what comes after is stored all the same', async () => {
  await using folder = await tempFolder();
  {
    await using at = await open(folder.path);
    for (let n = 0; n < 50; n += 1) await at.append(n);
    await eventually(() => at.drain.state().waiting === 0);
  }
  const spool = join(folder.path, 'spool');
  for (const name of await readdir(spool)) if (name.endsWith('.log')) await rm(join(spool, name));
  await using at = await open(folder.path);
  for (let n = 50; n < 60; n += 1) await at.append(n);
  await eventually(async () => (await at.stored()).length === 60);
  expect(await at.stored()).toEqual(Array.from({ length: 60 }, (_, n) => n));
});

test('what comes after a quiet hour has not waited for an hour', async () => {
  await using folder = await tempFolder();
  const clock = heldClock();
  const options = spoolOptions(join(folder.path, 'spool'));
  await using spool = await openSpool(options, { clock, log });
  await using store = await openEmbeddedStore(join(folder.path, 'readings'), storeParts({ spoolId: spool.id }));
  await using drain = startDrain({ spool, store, ahead: createAhead(), clock, log, waitMs: 500 });
  await clock.advance(3_600_000);
  const taken = spool.append([{ terminalId: 'A', time: NOW, values: { room_c: 1 } }]);
  await clock.advance(1);
  await taken;
  await clock.advance(1);
  expect(drain.state().waiting).toBe(1);
  expect(drain.state().stillMs).toBeLessThan(1_000);
  await clock.advance(500);
});
