import fc from 'fast-check';
import { expect, test } from 'vitest';
import { windowStart } from '../../src/lib/calendar.ts';
import type { SpoolRecord } from '../../src/readings/segments.ts';
import { AGGREGATES, type Aggregate, type ReadingStore } from '../../src/readings/store.ts';
import { openEmbeddedStore } from '../../src/readings/store-embedded.ts';
import { heldClock } from '../helpers/clock.ts';
import { storeParts } from '../helpers/store.ts';
import { tempFolder } from '../helpers/temp.ts';

/** The embedded store against a plain list of readings, whatever the order in which things happen to it. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Two days before the end of November 2026 in Shanghai, so that ranges cross into December. */
const START = Date.UTC(2026, 10, 28, 16);
const SPAN = 5 * DAY;
const TERMINALS = ['A', 'B', 'C'];
const METRICS = ['room_c', 'supply_c'];
const WINDOWS = [10 * MINUTE, 90 * MINUTE, HOUR, 3 * HOUR, DAY, 7 * DAY];

type Reading = Omit<SpoolRecord, 'sequence'>;
type Step =
  | { do: 'write'; readings: Reading[] }
  | { do: 'again'; batch: number }
  | { do: 'tend' }
  | { do: 'open' }
  | { do: 'wait'; hours: number };

/** Whole hours, and times around them, come often enough to meet. */
const time = fc
  .tuple(fc.integer({ min: 0, max: SPAN / HOUR - 1 }), fc.constantFrom(0, 1, 20 * MINUTE, 30 * MINUTE, HOUR - 1))
  .map(([hour, rest]) => START + hour * HOUR + rest);
/** Quarters, whose sums are exact in any order. */
const value = fc.integer({ min: -400, max: 400 }).map((quarters) => quarters / 4);
const reading: fc.Arbitrary<Reading> = fc.record({
  terminalId: fc.constantFrom(...TERMINALS),
  time,
  values: fc.dictionary(fc.constantFrom(...METRICS), value, { minKeys: 1, noNullPrototype: true }),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('write' as const), readings: fc.array(reading, { maxLength: 30 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('again' as const), batch: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('tend' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('open' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), hours: fc.integer({ min: 1, max: 60 }) }) },
);
const range = fc
  .tuple(fc.integer({ min: -HOUR, max: SPAN }), fc.integer({ min: 1, max: SPAN }), fc.constantFrom(1, HOUR, DAY))
  .map(([from, length, unit]) => {
    const start = START + Math.floor(from / unit) * unit;
    return { from: start, to: start + Math.ceil(length / unit) * unit };
  });

interface Value {
  terminalId: string;
  metric: string;
  time: number;
  value: number;
}

/** What a store has to know: the first value of each terminal, metric and time. */
function createModel() {
  const kept = new Map<string, Value>();
  const refused: string[] = [];
  return {
    write(readings: Reading[]): void {
      for (const { terminalId, time, values } of readings) {
        for (const [metric, value] of Object.entries(values)) {
          const key = `${terminalId} ${metric} ${time}`;
          const first = kept.get(key);
          if (!first) kept.set(key, { terminalId, metric, time, value });
          else if (first.value !== value) refused.push(`${key} ${value}`);
        }
      }
    },
    refused,
    values: (wanted: (value: Value) => boolean) => [...kept.values()].filter(wanted).sort((a, b) => a.time - b.time),
  };
}

function aggregatesOf(values: Value[]): Record<Aggregate, number> {
  const numbers = values.map(({ value }) => value);
  const sum = numbers.reduce((a, b) => a + b, 0);
  return {
    first: numbers[0] ?? Number.NaN,
    last: numbers.at(-1) ?? Number.NaN,
    min: Math.min(...numbers),
    max: Math.max(...numbers),
    mean: sum / numbers.length,
    sum,
    count: numbers.length,
  };
}

const windowsOf = (values: Value[], everyMs: number) =>
  [...Map.groupBy(values, ({ time }) => windowStart(time, everyMs))].sort(([a], [b]) => a - b);

/** `-0` and `0` are the same value. */
const plain = <T>(answer: T): T => JSON.parse(JSON.stringify(answer)) as T;

async function compare(store: ReadingStore, model: ReturnType<typeof createModel>, span: { from: number; to: number }) {
  const inSpan = ({ time }: Value) => time >= span.from && time < span.to;
  for (const terminalId of TERMINALS) {
    const own = model.values((value) => inSpan(value) && value.terminalId === terminalId);
    const rows = own
      .map(({ time, metric, value }) => ({ time, metric, value }))
      .sort((a, b) => a.time - b.time || (a.metric < b.metric ? -1 : 1));
    expect(plain(await store.rows({ terminalId, ...span }, 1_000))).toEqual(plain(rows));
    for (const metric of METRICS) {
      const values = own.filter((value) => value.metric === metric);
      const series = { terminalId, metric, ...span };
      expect(plain(await store.points(series, 1_000))).toEqual(
        plain(values.map(({ time, value }) => ({ time, value }))),
      );
      for (const everyMs of WINDOWS) {
        const windows = windowsOf(values, everyMs).map(([time, inWindow]) => ({ time, ...aggregatesOf(inWindow) }));
        expect(plain(await store.windows(series, everyMs))).toEqual(plain(windows));
      }
    }
  }
  const terminalIds = ['A', 'C', 'nobody'];
  const group = { terminalIds, metric: 'room_c', ...span };
  const values = model.values(
    (value) => inSpan(value) && value.metric === 'room_c' && terminalIds.includes(value.terminalId),
  );
  for (const [index, aggregate] of AGGREGATES.entries()) {
    const everyMs = WINDOWS[index % WINDOWS.length] ?? DAY;
    const expected = windowsOf(values, everyMs).map(([time, inWindow]) => {
      const each = [...Map.groupBy(inWindow, ({ terminalId }) => terminalId).values()].map(
        (of) => aggregatesOf(of)[aggregate],
      );
      const sum = each.reduce((a, b) => a + b, 0);
      return {
        time,
        sum: expect.closeTo(sum, 9),
        min: Math.min(...each),
        max: Math.max(...each),
        terminals: each.length,
      };
    });
    const together = await store.together(group, everyMs, aggregate);
    expect(together.map((window) => ({ ...window, min: window.min + 0, max: window.max + 0 }))).toEqual(
      expected.map((window) => ({ ...window, min: window.min + 0, max: window.max + 0 })),
    );
  }
}

async function compareNewest(store: ReadingStore, model: ReturnType<typeof createModel>) {
  const newest = new Map(model.values(() => true).map((value) => [`${value.terminalId} ${value.metric}`, value]));
  const order = (a: Value, b: Value) => (`${a.terminalId} ${a.metric}` < `${b.terminalId} ${b.metric}` ? -1 : 1);
  expect(plain((await store.newest()).sort(order))).toEqual(plain([...newest.values()].sort(order)));
}

test('whatever comes in whatever order, is settled, replayed and opened again, answers are those of the plain readings', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 14 }),
      fc.array(range, { minLength: 1, maxLength: 2 }),
      fc.constantFrom(1, 20, 1_000),
      async (steps, ranges, settleRows) => {
        await using folder = await tempFolder();
        const clock = heldClock(START + DAY);
        const parts = storeParts({ clock });
        const model = createModel();
        const batches: Reading[][] = [];
        let sequence = 0;
        let store = await openEmbeddedStore(folder.path, parts, { settleRows });
        try {
          for (const each of steps) {
            const batch =
              each.do === 'write' ? each.readings : each.do === 'again' && batches[each.batch % batches.length];
            if (batch) {
              await store.write(batch.map((one) => ({ sequence: ++sequence, ...one })));
              model.write(batch);
              batches.push(batch);
            } else if (each.do === 'tend') await store.tend();
            else if (each.do === 'wait') await clock.advance(each.hours * HOUR);
            else if (each.do === 'open') {
              await store[Symbol.asyncDispose]();
              store = await openEmbeddedStore(folder.path, parts, { settleRows });
              expect(await store.position()).toBe(sequence);
            }
          }
          for (const span of ranges) await compare(store, model, span);
          await compareNewest(store, model);
        } finally {
          await store[Symbol.asyncDispose]();
        }
        const refusedValues = parts.refused.flatMap(({ terminalId, time, values }) =>
          Object.entries(values).map(([metric, value]) => `${terminalId} ${metric} ${time} ${value}`),
        );
        expect(refusedValues.sort()).toEqual(model.refused.sort());
      },
    ),
    // A slow machine tries fewer, and one that found something has time to tell it.
    { numRuns: 20, interruptAfterTimeLimit: 60_000 },
  );
}, 120_000);
