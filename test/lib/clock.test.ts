import { expect, test } from 'vitest';
import { every, pause } from '../../src/lib/clock.ts';
import { heldClock } from '../helpers/clock.ts';

test('a turn that fails is told, and the next one comes all the same', async () => {
  const clock = heldClock();
  const seen: string[] = [];
  let turn = 0;
  using _turns = every(
    clock,
    1_000,
    async () => {
      turn += 1;
      if (turn === 2) throw new Error('the second');
      seen.push(`turn ${turn}`);
    },
    (error) => seen.push(String(error)),
  );
  await clock.advance(3_000);
  expect(seen).toEqual(['turn 1', 'Error: the second', 'turn 3']);
});

test('what was disposed comes no more', async () => {
  const clock = heldClock();
  let turns = 0;
  const running = every(
    clock,
    1_000,
    () => {
      turns += 1;
    },
    () => undefined,
  );
  await clock.advance(1_500);
  running[Symbol.dispose]();
  await clock.advance(10_000);
  expect(turns).toBe(1);
});

test('a pause ends at its time, or when what it is cut short by happens before', async () => {
  const clock = heldClock();
  const ended: string[] = [];
  const stopping = Promise.withResolvers<void>();
  pause(clock, 1_000).then(() => ended.push('short'));
  pause(clock, 60_000, stopping.promise).then(() => ended.push('long'));
  await clock.advance(999);
  expect(ended).toEqual([]);
  await clock.advance(1);
  expect(ended).toEqual(['short']);
  stopping.resolve();
  await clock.advance(0);
  expect(ended).toEqual(['short', 'long']);
});
