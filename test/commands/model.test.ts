import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Act, type Evening, type Give, openModel } from './model.ts';
import type { Manner } from './model-wire.ts';

/**
 * A gateway with its real rows, and a terminal, with a wire between them that loses, doubles, delays and re-orders, while the gateway dies at
 * any step and its clock is set by an hour or a year.
 */

const RUNS = 10_000;
const HOUR_MS = 3_600_000;
const YEAR_MS = 8_760 * HOUR_MS;

const any = <T>(...values: T[]) => fc.constantFrom<T>(...values);
const ask = fc
  .record({
    what: any<Pick<Extract<Act, { act: 'ask' }>, 'command' | 'value'>>(
      { command: 'power', value: 'on' },
      { command: 'power', value: 'off' },
      { command: 'setpoint', value: 19 },
      { command: 'setpoint', value: 21 },
    ),
    expiresInS: any(2, 10, 30),
    held: any(false, false, false, true),
  })
  .map(({ what, expiresInS, held }): Act => ({ act: 'ask', ...what, expiresInS, held }));

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: ask },
  { weight: 6, arbitrary: any(10, 900, 1_500, 6_000, 25_000).map((ms): Act => ({ act: 'wait', ms })) },
  { weight: 3, arbitrary: any<Act>({ act: 'read' }) },
  { weight: 2, arbitrary: any<Act>({ act: 'restart' }) },
  { weight: 2, arbitrary: any<Act>({ act: 'away' }, { act: 'back' }) },
  { weight: 1, arbitrary: any<Act>({ act: 'approve' }, { act: 'cancel' }) },
  { weight: 1, arbitrary: any<Act>({ act: 'turn', value: 'on' }, { act: 'turn', value: 'off' }) },
  {
    weight: 1,
    arbitrary: any(HOUR_MS, -HOUR_MS, YEAR_MS, -YEAR_MS).map((ms): Act => ({ act: 'set the clock', ms })),
  },
);

const evening: fc.Arbitrary<Evening> = fc.record({
  acts: fc.array(act, { minLength: 2, maxLength: 9 }),
  fates: fc.array(fc.array(any(0, 5, 400, 3_000, 40_000), { maxLength: 2 }), { maxLength: 4 }),
  manners: fc.array(any<Manner>('does', 'does', 'does and is silent', 'says and does not', 'rejects', 'ignores'), {
    minLength: 1,
    maxLength: 3,
  }),
  gives: fc.array(
    any<Give>('given', 'given', 'taken', 'not listening', 'throws', 'dies before', 'dies after', 'slow'),
    { maxLength: 4 },
  ),
});

test(`in ${RUNS} evenings no command is late, twice or out of order, each comes to its end, and done is what was done`, async () => {
  await using model = await openModel();
  await fc.assert(
    fc.asyncProperty(evening, async (one) => {
      expect(await model.play(one)).toEqual([]);
    }),
    { numRuns: RUNS },
  );
  const { rows, faults } = await model.verify();
  expect(faults).toEqual([]);
  expect(rows).toBeGreaterThan(RUNS);
}, 900_000);
