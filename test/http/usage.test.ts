import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HouseholdUsage } from '../../src/http/schemas/billing.ts';
import type { MeterExchange, Usage } from '../../src/http/schemas/readings.ts';
import { makeTerminal } from '../helpers/gateway.ts';
import { fill, MIDNIGHT, type Sent, SHANGHAI_DAY, startVillages } from './stage.ts';

/** What a household used, from its counters. */

const HOUR = 3_600_000;
let terminals = 0;

const { gateway, mine, theirs } = await startVillages();

async function meterWith(sent: Sent, householdId = mine.household.id): Promise<string> {
  const terminal = await makeTerminal(gateway.admin, { id: `u${++terminals}`, profile: 'gas-meter', householdId });
  await fill(gateway, terminal, 'gas_m3', sent);
  return terminal.id;
}

const ask = (id: string, query: string) =>
  gateway.admin.get<Usage & { code?: string }>(`/terminals/${id}/usage?${query}`);
const days = (count: number, from = MIDNIGHT) => `from=${from}&to=${from + count * SHANGHAI_DAY}`;
const at = (time: number) => new Date(time).toISOString();

/** An hourly counter: each day burns the same in every hour from 8 to 20 o'clock, and nothing at night. */
function hourly(perHour: number[], begin = 100): Sent {
  const sent: Sent = [[MIDNIGHT - HOUR, begin]];
  let count = begin;
  for (let hour = 0; hour < perHour.length * 24; hour++) {
    const burns = hour % 24 > 8 && hour % 24 <= 20;
    count += burns ? (perHour[Math.floor(hour / 24)] ?? 0) : 0;
    sent.push([MIDNIGHT + hour * HOUR, Number(count.toFixed(3))]);
  }
  return sent;
}

describe('a question for use', () => {
  test.each([
    ['that ends where it begins', `from=${MIDNIGHT}&to=${MIDNIGHT}`],
    ['that ends before it begins', `from=${MIDNIGHT}&to=${MIDNIGHT - 1}`],
    ['without an end', `from=${MIDNIGHT}`],
    ['with windows that are no time', `${days(1)}&every=often`],
    ['for more hours than the limit', days(900)],
    ['with a field that nobody knows', `${days(1)}&meter=gas_m3`],
    ['for a counter that the terminal does not have', `${days(1)}&metric=energy_kwh`],
  ])('%s is refused with 400', async (_what, query) => {
    const id = await meterWith([]);
    const { status, body } = await ask(id, query);
    expect([status, body.code]).toEqual([400, 'invalid_request']);
  });

  test.each([
    ['windows longer than time itself', `${days(1)}&every=999999d`],
    ['the last day of the calendar', 'from=9999-12-31T00:00:00Z&to=9999-12-31T23:00:00Z'],
  ])('about %s is answered or refused, and no failure', async (_what, query) => {
    const id = await meterWith([[MIDNIGHT, 100]]);
    expect([200, 400]).toContain((await ask(id, query)).status);
  });
});

test('a counter without readings gives days without an amount, not days of zero', async () => {
  const id = await meterWith([]);
  const { body } = await ask(id, days(2));
  expect(body.map(({ amount, quality }) => [amount, quality])).toEqual([
    [null, 'missing'],
    [null, 'missing'],
  ]);
});

test('three days of a counter give the amount of each day, from midnight to midnight in Shanghai', async () => {
  const id = await meterWith(hourly([1, 2, 0.5]));
  const { status, body } = await ask(id, days(4));
  expect(status).toBe(200);
  const day = (n: number) => ({ from: at(MIDNIGHT + n * SHANGHAI_DAY), to: at(MIDNIGHT + (n + 1) * SHANGHAI_DAY) });
  expect(body).toEqual([
    { ...day(0), amount: 12, quality: 'measured' },
    { ...day(1), amount: 24, quality: 'measured' },
    { ...day(2), amount: 6, quality: 'measured' },
    { ...day(3), amount: null, quality: 'missing' },
  ]);
  expect((await ask(id, `${days(4)}&metric=gas_m3`)).body).toEqual(body);
});

test('the hours of a day add up to the day', async () => {
  const id = await meterWith(hourly([1.5]));
  const { body } = await ask(id, `${days(1)}&every=1h`);
  expect(body).toHaveLength(24);
  expect(body.reduce((sum, { amount }) => sum + (amount ?? 0), 0)).toBe(18);
});

test('use by the quarter hour is what each quarter counted', async () => {
  const quarters = Array.from({ length: 9 }, (_, n): [number, number] => [MIDNIGHT + n * (HOUR / 4), 100 + n]);
  const id = await meterWith([[MIDNIGHT - 1, 100], ...quarters]);
  const { status, body } = await ask(id, `from=${MIDNIGHT}&to=${MIDNIGHT + 2 * HOUR}&every=15m`);
  // A step counts where it ended, at the beginning of the next quarter.
  expect([status, body.map(({ amount }) => amount)]).toEqual([200, [0, 1, 1, 1, 1, 1, 1, 1]]);
});

test('a week counts the same, whichever of its days one asks from', async () => {
  const id = await meterWith(hourly(Array.from({ length: 14 }, () => 1)));
  const weeks = async (from: number) =>
    (await ask(id, `from=${from}&to=${MIDNIGHT + 14 * SHANGHAI_DAY}&every=7d`)).body;
  const whole = (await weeks(MIDNIGHT)).find(({ from }) => Date.parse(from) > MIDNIGHT);
  expect(whole?.amount).toBe(7 * 12);
  const begin = Date.parse(whole?.from ?? '');
  const [late] = await weeks(begin + 5 * SHANGHAI_DAY);
  expect(late).toEqual(whole);
});

test('a silence of a day is spread over it and marked as estimated, and nothing is lost', async () => {
  const id = await meterWith([
    [MIDNIGHT + 12 * HOUR, 100],
    [MIDNIGHT + 36 * HOUR, 124],
  ]);
  const { body } = await ask(id, days(2));
  const amounts = body.map(({ amount }) => amount ?? 0);
  expect(body.map(({ quality }) => quality)).toEqual(['estimated', 'estimated']);
  // Half of it each, to the hour.
  for (const amount of amounts) expect(Math.abs(amount - 12)).toBeLessThanOrEqual(1);
  expect(amounts.reduce((sum, amount) => sum + amount, 0)).toBeCloseTo(24, 5);
});

test('a counter that begins again never gives an amount below zero', async () => {
  const id = await meterWith([
    [MIDNIGHT + HOUR, 500],
    [MIDNIGHT + 2 * HOUR, 501],
    [MIDNIGHT + 3 * HOUR, 0],
    [MIDNIGHT + 4 * HOUR, 2],
  ]);
  const { body } = await ask(id, days(1));
  expect(body.map(({ amount, quality }) => [amount, quality])).toEqual([[3, 'reset']]);
});

test('a counter that rolls over goes on counting', async () => {
  const id = await meterWith([
    [MIDNIGHT + HOUR, 99_999],
    [MIDNIGHT + 2 * HOUR, 2],
  ]);
  const { body } = await ask(id, days(1));
  expect(body[0]?.amount).toBeCloseTo(3, 6);
});

test('a silence that begins before the asked time or ends after it is spread as if all of it had been asked', async () => {
  const id = await meterWith([
    [MIDNIGHT + 12 * HOUR, 100],
    [MIDNIGHT + 5 * SHANGHAI_DAY + 12 * HOUR, 220],
  ]);
  const { body: whole } = await ask(id, days(7));
  expect(whole.map(({ quality }) => quality)).toEqual([...Array(6).fill('estimated'), 'missing']);
  expect(whole.reduce((sum, { amount }) => sum + (amount ?? 0), 0)).toBeCloseTo(120, 5);
  const parts = [1, 3, 3].map((count, n, all) => {
    const before = all.slice(0, n).reduce((a, b) => a + b, 0);
    return ask(id, days(count, MIDNIGHT + before * SHANGHAI_DAY));
  });
  expect((await Promise.all(parts)).flatMap(({ body }) => body)).toEqual(whole);
});

test('whatever a counter did, its days asked one by one are its days asked at once', async () => {
  const deed = fc.record({
    hours: fc.oneof(fc.double({ min: 0.02, max: 3, noNaN: true }), fc.integer({ min: 1, max: 110 })),
    rise: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 0, max: 6 }) }, fc.integer({ min: -400, max: 400 })),
  });
  for (const deeds of fc.sample(fc.array(deed, { minLength: 30, maxLength: 30 }), { seed: 7, numRuns: 8 })) {
    let [hour, count] = [0, 300];
    const sent: Sent = [[MIDNIGHT, count]];
    for (const { hours, rise } of deeds) {
      [hour, count] = [hour + hours, Math.max(0, count + rise)];
      sent.push([Math.round(MIDNIGHT + hour * HOUR), count]);
    }
    const id = await meterWith(sent);
    const length = Math.ceil(hour / 24) + 1;
    const { body: whole } = await ask(id, days(length));
    const asked = Array.from({ length }, (_, n) => ask(id, days(1, MIDNIGHT + n * SHANGHAI_DAY)));
    expect((await Promise.all(asked)).flatMap(({ body }) => body)).toEqual(whole);
    const { body: hourly } = await ask(id, `${days(length)}&every=1h`);
    const sum = (uses: Usage) => uses.reduce((total, { amount }) => total + (amount ?? 0), 0);
    expect(sum(hourly)).toBeCloseTo(sum(whole), 2);
    expect(sum(whole)).toBeLessThanOrEqual(8 * (hour + 1));
  }
});

describe('a meter exchange', () => {
  const exchange = (id: string, part: object = {}, by = gateway.admin) =>
    by.post<MeterExchange & { code?: string }>(`/terminals/${id}/meter-exchanges`, {
      metric: 'gas_m3',
      at: at(MIDNIGHT + 2.5 * HOUR),
      lastValue: 502,
      firstValue: 7,
      ...part,
    });

  test.each<[string, object, number, string]>([
    ['of no counter', { metric: 'flow_m3h' }, 400, 'invalid_request'],
    ['of a metric that every object has', { metric: 'constructor' }, 400, 'invalid_request'],
    ['below zero', { lastValue: -1 }, 400, 'invalid_request'],
    ['above what the counter shows', { lastValue: 100_001 }, 422, 'value_not_allowed'],
    ['in the future', { at: at(Date.now() + 3_600_000) }, 400, 'invalid_request'],
    ['at no time', { at: 'noon' }, 400, 'invalid_request'],
  ])('%s is refused', async (_what, part, status, code) => {
    const answer = await exchange(await meterWith([]), part);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  test('is recorded once, by the admin and the company, and seen by those who see the terminal', async () => {
    const id = await meterWith([]);
    for (const caller of [mine.operator, mine.resident]) expect((await exchange(id, {}, caller)).status).toBe(403);
    for (const stranger of [theirs.clerk]) expect((await exchange(id, {}, stranger)).status).toBe(404);
    const { status, body } = await exchange(id, { reason: 'leaking' }, mine.clerk);
    expect([status, body.reason, body.lastValue, body.firstValue]).toEqual([201, 'leaking', 502, 7]);
    expect((await exchange(id, {}, mine.clerk)).body.code).toBe('conflict');
    for (const caller of [mine.clerk, mine.operator, mine.resident, gateway.admin]) {
      const list = await caller.get<{ items: MeterExchange[] }>(`/terminals/${id}/meter-exchanges`);
      expect(list.body.items).toEqual([body]);
    }
    expect((await theirs.clerk.get(`/terminals/${id}/meter-exchanges`)).status).toBe(404);
  });

  test('makes the use exact across it, also within the hour', async () => {
    const id = await meterWith([
      [MIDNIGHT + HOUR, 500],
      [MIDNIGHT + 2.2 * HOUR, 501],
      [MIDNIGHT + 2.8 * HOUR, 7.25],
      [MIDNIGHT + 3 * HOUR, 8],
    ]);
    expect((await ask(id, days(1))).body).toMatchObject([{ quality: 'implausible' }]);
    await exchange(id);
    expect((await ask(id, days(1))).body).toMatchObject([{ amount: 3, quality: 'exchanged' }]);
    const { body: hours } = await ask(id, `${days(1)}&every=1h`);
    expect(hours.slice(1, 4).map(({ amount, quality }) => [amount, quality])).toEqual([
      [0, 'measured'],
      [2.25, 'exchanged'],
      [0.75, 'measured'],
    ]);
  });
});

describe('the use of a household', () => {
  test('is 404 for everybody who may not see the household', async () => {
    for (const caller of [theirs.clerk, theirs.operator, theirs.resident]) {
      expect((await caller.get(`/households/${mine.household.id}/usage?${days(1)}`)).status).toBe(404);
    }
  });

  test('holds every counter of its terminals and of no others', async () => {
    const { household, resident } = theirs;
    const gas = await meterWith(hourly([1]), household.id);
    const request = { id: 'heater', profile: 'electric-heater', householdId: household.id };
    const heater = await makeTerminal(gateway.admin, request);
    await fill(gateway, heater, 'energy_kwh', hourly([3]));
    const { body } = await resident.get<HouseholdUsage>(`/households/${household.id}/usage?${days(1)}`);
    expect(
      body.items.map(({ terminalId, metric, unit, items }) => [terminalId, metric, unit, items[0]?.amount]),
    ).toEqual([
      ['heater', 'energy_kwh', 'kWh', 36],
      [gas, 'gas_m3', 'm³', 12],
    ]);
  });
});
