import { expect, test } from 'vitest';
import { startClockWatch } from '../../src/commands/clock-watch.ts';
import { clockCheck } from '../../src/health/checks.ts';
import { type Check, startWatch } from '../../src/health/watch.ts';
import { createLog } from '../../src/lib/log.ts';
import { heldClock } from '../helpers/clock.ts';

const log = createLog('silent');

/** A part that answers, refuses or hangs as it is told to. */
function part(name = 'store') {
  let asked = 0;
  let answer: () => Promise<unknown> = async () => undefined;
  const check: Check = {
    name,
    vital: true,
    ask: () => {
      asked += 1;
      return answer();
    },
  };
  const answers = (by: () => Promise<unknown>) => {
    answer = by;
  };
  return { check, asked: () => asked, answers };
}

test('a part that rejects is away at the next look, with the kind of error and nothing of its message', async () => {
  const clock = heldClock();
  const { check, answers } = part();
  using watch = await startWatch([check], { clock, log });
  const began = clock.now();
  expect(watch.parts()).toEqual([
    { name: 'store', vital: true, state: 'ok', since: began, latencyMs: 0, detail: null },
  ]);
  answers(async () => {
    throw Object.assign(new Error('connect ECONNREFUSED postgres://u:secret@10.1.1.1/x'), { code: 'ECONNREFUSED' });
  });
  await clock.advance(2_000);
  expect(watch.parts()).toEqual([
    {
      name: 'store',
      vital: true,
      state: 'away',
      since: began + 2_000,
      latencyMs: null,
      detail: { zh: '没有应答：ECONNREFUSED', en: 'does not answer: ECONNREFUSED' },
    },
  ]);
  answers(async () => undefined);
  await clock.advance(2_000);
  expect(watch.parts()[0]).toMatchObject({ state: 'ok', since: began + 4_000, detail: null });
});

test('a part that hangs is away after two seconds, is not asked again meanwhile, and does not hold up the others', async () => {
  const clock = heldClock();
  const hanging = part('database');
  const other = part('store');
  using watch = await startWatch([hanging.check, other.check], { clock, log });
  const hang = Promise.withResolvers<void>();
  hanging.answers(() => hang.promise);
  await clock.advance(2_000);
  expect(watch.parts().map(({ state }) => state)).toEqual(['ok', 'ok']);
  await clock.advance(2_000);
  expect(watch.parts()).toMatchObject([{ state: 'away', detail: { en: 'no answer within 2 s' } }, { state: 'ok' }]);
  await clock.advance(60_000);
  expect(hanging.asked()).toBe(2);
  expect(other.asked()).toBeGreaterThan(10);
  hang.resolve();
  hanging.answers(async () => undefined);
  await clock.advance(4_000);
  expect(watch.parts()[0]).toMatchObject({ state: 'ok' });
});

test('after dispose nobody is asked any more', async () => {
  const clock = heldClock();
  const { check, asked } = part();
  const watch = await startWatch([check], { clock, log });
  watch[Symbol.dispose]();
  await clock.advance(60_000);
  expect(asked()).toBe(1);
});

test('a clock that somebody sets is degraded for a minute, and one that only goes is well', async () => {
  const clock = heldClock();
  using clockWatch = startClockWatch(clock);
  const check = clockCheck(clockWatch, clock);
  using watch = await startWatch([check], { clock, log });
  await clock.advance(86_400_000);
  expect([watch.parts()[0]?.state, clockWatch.state().jumps]).toEqual(['ok', 0]);
  clock.set(clock.now() + 3_600_000);
  await clock.advance(2_000);
  expect(watch.parts()[0]).toMatchObject({
    state: 'degraded',
    detail: expect.objectContaining({ en: expect.stringMatching(/^jumped by \+3600 s; /) }),
  });
  await clock.advance(62_000);
  expect(watch.parts()[0]).toMatchObject({ state: 'ok', detail: null });
  clock.set(Date.UTC(1970, 0, 2));
  await clock.advance(2_000);
  expect(watch.parts()[0]).toMatchObject({
    state: 'degraded',
    detail: expect.objectContaining({ zh: expect.stringMatching(/^时钟显示 1970 年/) }),
  });
  expect(clockWatch.state().jumps).toBe(2);
});
