import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Readings } from '../../src/http/schemas/readings.ts';
import type { Aggregate } from '../../src/readings/store.ts';
import {
  connectTerminal,
  makeHousehold,
  makeTerminal,
  sendReading,
  startTestGateway,
  type TestGateway,
} from '../helpers/gateway.ts';
import { fill, MIDNIGHT, type Sent, SHANGHAI_DAY, stored } from './stage.ts';

/** What terminals sent, asked for over HTTP. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
let gateway: TestGateway;
let mine: Awaited<ReturnType<typeof makeHousehold>>;
let terminals = 0;

beforeAll(async () => {
  gateway = await startTestGateway({ overrides: { readings: { maxPoints: 100 } } });
  mine = await makeHousehold(gateway);
});
afterAll(() => gateway[Symbol.asyncDispose]());

/** A boiler that has sent these room temperatures, in this order, and whose readings are stored. */
async function boilerWith(sent: Sent): Promise<string> {
  const request = { id: `r${++terminals}`, profile: 'gas-boiler', householdId: mine.household.id };
  const terminal = await makeTerminal(gateway.admin, request);
  await fill(gateway, terminal, 'room_c', sent);
  return terminal.id;
}

const ask = <T = Readings>(id: string, query: Record<string, string | number>) => {
  const words = new URLSearchParams(
    Object.entries(query).map(([key, value]): [string, string] => [key, String(value)]),
  );
  return gateway.admin.get<T & { code?: string }>(`/terminals/${id}/readings?${words}`);
};
const DAY = { metric: 'room_c', from: MIDNIGHT, to: MIDNIGHT + SHANGHAI_DAY };
const at = (time: number) => new Date(time).toISOString();

describe('a question for readings', () => {
  test.each([
    ['for a metric that the profile lacks', { metric: 'nothing_c' }],
    ['for a metric that every object has', { metric: 'constructor' }],
    ['for no metric', { metric: '' }],
    ['that ends where it begins', { to: MIDNIGHT }],
    ['that ends before it begins', { to: MIDNIGHT - 1 }],
    ['from a time without a zone', { from: '2026-01-10T00:00:00' }],
    ['from a day', { from: '2026-01-10' }],
    ['from a time in words', { from: 'yesterday' }],
    ['from a day that does not exist', { from: '2026-02-30T00:00:00Z' }],
    ['from a time in seconds', { from: MIDNIGHT / 1_000 }],
    ['with windows of no length', { every: '0m' }],
    ['with windows of half an hour in tenths', { every: '0.5h' }],
    ['with windows of a week in words', { every: '1w' }],
    ['with windows in no unit', { every: '15' }],
    ['with windows below zero', { every: '-1h' }],
    ['with windows that are empty', { every: '' }],
    ['with an aggregate that does not exist', { every: '1h', aggregate: 'median' }],
    ['with an aggregate and no windows', { aggregate: 'max' }],
    ['with a field that nobody knows', { agregate: 'max' }],
    ['for more windows than the limit', { every: '14m' }],
  ])('%s is refused with 400', async (_what, part) => {
    const id = await boilerWith([]);
    const { status, body } = await ask(id, { ...DAY, ...part });
    expect([status, body.code]).toEqual([400, 'invalid_request']);
  });

  test('for more raw points than the limit is refused, and not cut', async () => {
    const at101 = Array.from({ length: 101 }, (_, n): [number, number] => [MIDNIGHT + n * MINUTE, 20]);
    const id = await boilerWith(at101);
    const { status, body } = await ask(id, DAY);
    expect([status, body.code]).toEqual([400, 'invalid_request']);
    const shorter = await ask(id, { ...DAY, to: MIDNIGHT + 100 * MINUTE });
    expect(shorter.body.points).toHaveLength(100);
  });

  test('for as many windows as the limit is answered', async () => {
    const id = await boilerWith([[MIDNIGHT, 20]]);
    expect((await ask(id, { ...DAY, to: MIDNIGHT + 100 * MINUTE, every: '1m' })).body.points).toHaveLength(100);
  });

  test.each([
    ['the last day of the calendar', { from: '9999-12-31T00:00:00Z', to: '9999-12-31T23:00:00Z' }],
    ['the first year', { from: '0001-01-01T00:00:00Z', to: '0001-01-02T00:00:00Z' }],
    ['before 1970', { from: '1969-12-30T00:00:00Z', to: '1969-12-31T00:00:00Z' }],
  ])('about %s is answered with nothing', async (_what, range) => {
    const id = await boilerWith([[MIDNIGHT, 20]]);
    for (const every of ['1h', '1d']) {
      const { status, body } = await ask(id, { ...DAY, ...range, every });
      expect([status, body.points]).toEqual([200, []]);
    }
  });
});

describe('raw readings', () => {
  test('are in the order of time, from the first moment to just before the last', async () => {
    const id = await boilerWith([
      [MIDNIGHT + HOUR, 21],
      [MIDNIGHT, 20],
      [MIDNIGHT + SHANGHAI_DAY, 30],
      [MIDNIGHT - 1, 10],
      [MIDNIGHT + SHANGHAI_DAY - 1, 22.25],
    ]);
    const { status, body } = await ask(id, DAY);
    expect(status).toBe(200);
    expect(body).toEqual({
      metric: 'room_c',
      unit: '°C',
      points: [
        { time: at(MIDNIGHT), value: 20 },
        { time: at(MIDNIGHT + HOUR), value: 21 },
        { time: at(MIDNIGHT + SHANGHAI_DAY - 1), value: 22.25 },
      ],
    });
    const written = { from: '2026-01-10T00:00:00+08:00', to: '2026-01-10T16:00:00Z' };
    expect((await ask(id, { ...DAY, ...written })).body).toEqual(body);
  });

  test('across the turn of a month are all there', async () => {
    const turn = Date.parse('2026-02-01T00:00:00+08:00');
    const id = await boilerWith([
      [turn - 1, 18],
      [turn, 19],
    ]);
    const { body } = await ask(id, { ...DAY, from: turn - HOUR, to: turn + HOUR });
    expect(body.points.map(({ value }) => value)).toEqual([18, 19]);
  });

  test('that were sent twice are stored once', async () => {
    const id = await boilerWith([
      [MIDNIGHT, 20],
      [MIDNIGHT, 20],
    ]);
    const { body } = await ask(id, { ...DAY, every: '1d', aggregate: 'count' });
    expect(body.points.map(({ value }) => value)).toEqual([1]);
  });

  test('of the same moment with another value keep the first, whether it is stored yet or not', async () => {
    const terminal = await makeTerminal(gateway.admin, { id: 'twice', profile: 'gas-boiler' });
    const client = await connectTerminal(gateway, terminal);
    await sendReading(client, 'twice', { room_c: 20 }, MIDNIGHT);
    await sendReading(client, 'twice', { room_c: 25 }, MIDNIGHT);
    await stored(gateway);
    await sendReading(client, 'twice', { room_c: 26, supply_c: 50 }, MIDNIGHT);
    await client.endAsync();
    await stored(gateway);
    expect((await ask('twice', DAY)).body.points).toEqual([{ time: at(MIDNIGHT), value: 20 }]);
    expect((await ask('twice', { ...DAY, metric: 'supply_c' })).body.points).toHaveLength(1);
    expect((await gateway.admin.latest('twice')).values['room_c']).toEqual({ value: 20, time: at(MIDNIGHT) });
  });
});

describe('windows', () => {
  const three: Sent = [
    [MIDNIGHT + 10 * MINUTE, 10],
    [MIDNIGHT + 50 * MINUTE, 20],
    [MIDNIGHT + 20 * MINUTE, 30],
  ];
  const answers: [Aggregate | undefined, number][] = [
    [undefined, 20],
    ['mean', 20],
    ['min', 10],
    ['max', 30],
    ['first', 10],
    ['last', 20],
    ['sum', 60],
    ['count', 3],
  ];
  test.each(answers)('show the %s of their readings', async (aggregate, value) => {
    const id = await boilerWith(three);
    const { body } = await ask(id, { ...DAY, every: '1h', ...(aggregate && { aggregate }) });
    expect(body.points[0]).toEqual({ time: at(MIDNIGHT), value });
    expect(body.points.slice(1).every((point) => point.value === null)).toBe(true);
  });

  test('of a day begin at midnight in Shanghai, wherever the question begins', async () => {
    const id = await boilerWith([
      [MIDNIGHT - 1, 1],
      [MIDNIGHT, 2],
      [MIDNIGHT + SHANGHAI_DAY - 1, 3],
      [MIDNIGHT + SHANGHAI_DAY, 4],
    ]);
    const days = { every: '1d', aggregate: 'sum', to: MIDNIGHT + 2 * SHANGHAI_DAY };
    for (const from of [MIDNIGHT - SHANGHAI_DAY, MIDNIGHT - 5 * HOUR]) {
      const { body } = await ask(id, { ...DAY, ...days, from });
      expect(body.points).toEqual([
        { time: at(MIDNIGHT - SHANGHAI_DAY), value: 1 },
        { time: at(MIDNIGHT), value: 5 },
        { time: at(MIDNIGHT + SHANGHAI_DAY), value: 4 },
      ]);
    }
  });

  test('of a quarter begin at the quarters, and those without readings are there and empty', async () => {
    const id = await boilerWith(three);
    const { body } = await ask(id, { ...DAY, every: '15m', aggregate: 'last' });
    expect(body.points.map(({ time }) => time)).toEqual(
      Array.from({ length: 96 }, (_, n) => at(MIDNIGHT + n * 15 * MINUTE)),
    );
    expect(body.points.slice(0, 5).map(({ value }) => value)).toEqual([10, 30, null, 20, null]);
    expect(body.points.slice(4).every(({ value }) => value === null)).toBe(true);
  });

  test('that have not begun yet are left out', async () => {
    const id = await boilerWith([]);
    const { body } = await ask(id, { ...DAY, from: Date.now() - HOUR, to: Date.now() + HOUR, every: '15m' });
    expect(body.points.length).toBeGreaterThanOrEqual(4);
    expect(body.points.length).toBeLessThanOrEqual(6);
  });
});
