import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AreaReadings, ManyReadings } from '../../src/http/schemas/readings.ts';
import {
  connectTerminal,
  makeHousehold,
  makeTerminal,
  publish,
  startTestGateway,
  type TestGateway,
} from '../helpers/gateway.ts';
import { fill, MIDNIGHT, SHANGHAI_DAY, send, stored } from './stage.ts';

/** Several terminals side by side, an area together, and everything as a file. */

const HOUR = 3_600_000;
const VILLAGE = '141023105201';
let gateway: TestGateway;
let people: Awaited<ReturnType<typeof makeHousehold>>;
const RANGE = `from=${MIDNIGHT}&to=${MIDNIGHT + SHANGHAI_DAY}`;
const at = (time: number) => new Date(time).toISOString();

beforeAll(async () => {
  gateway = await startTestGateway();
  people = await makeHousehold(gateway, VILLAGE);
  for (const [id, values] of [
    ['one', [10, 20]],
    ['two', [30]],
  ] as const) {
    const terminal = await makeTerminal(gateway.admin, { id, profile: 'gas-boiler', householdId: people.household.id });
    await fill(
      gateway,
      terminal,
      'room_c',
      values.map((value, n) => [MIDNIGHT + n * 60_000, value]),
    );
  }
  await makeTerminal(gateway.admin, { id: 'meter', profile: 'gas-meter', householdId: people.household.id });
});
afterAll(() => gateway[Symbol.asyncDispose]());

describe('several terminals', () => {
  test.each([
    ['none', 'terminalIds=', 400],
    ['more than fifty', `terminalIds=${Array.from({ length: 51 }, (_, n) => `t${n}`)}`, 400],
    ['one that is not there', 'terminalIds=one,nobody', 404],
    ['one without the metric', 'terminalIds=one,meter', 400],
  ])('that are %s are refused', async (_what, ids, status) => {
    expect((await gateway.admin.get(`/readings?${ids}&metric=room_c&${RANGE}`)).status).toBe(status);
  });

  test('of which one is another company’s are not there', async () => {
    const other = await makeHousehold(gateway, '141023106201');
    expect((await other.clerk.get(`/readings?terminalIds=one,two&metric=room_c&${RANGE}`)).status).toBe(404);
  });

  test('are answered each with its own points, over the same windows', async () => {
    const { body } = await people.clerk.get<ManyReadings>(
      `/readings?terminalIds=two,one&metric=room_c&${RANGE}&every=12h&aggregate=max`,
    );
    const times = [at(MIDNIGHT), at(MIDNIGHT + 12 * HOUR)];
    const points = (values: (number | null)[]) => values.map((value, n) => ({ time: times[n], value }));
    expect(body).toEqual({
      metric: 'room_c',
      unit: '°C',
      series: [
        { terminalId: 'two', points: points([30, null]) },
        { terminalId: 'one', points: points([20, null]) },
      ],
    });
  });
});

describe('an area', () => {
  const ask = (code: string, query: string) =>
    people.operator.get<AreaReadings>(`/areas/${code}/readings?metric=room_c&${RANGE}&${query}`);

  test('is answered by the sum, mean, least and greatest of its terminals, with the windows that none has', async () => {
    const { body } = await ask(VILLAGE, 'every=12h');
    expect(body).toEqual({
      metric: 'room_c',
      unit: '°C',
      terminals: 2,
      points: [
        { time: at(MIDNIGHT), terminals: 2, sum: 45, mean: 22.5, min: 15, max: 30 },
        { time: at(MIDNIGHT + 12 * HOUR), terminals: 0, sum: null, mean: null, min: null, max: null },
      ],
    });
    expect((await ask(VILLAGE, 'every=1d&aggregate=max')).body.points[0]?.sum).toBe(50);
  });

  test('without a terminal that has the metric answers empty windows', async () => {
    const { body } = await gateway.admin.get<AreaReadings>(
      `/areas/141023106201/readings?metric=room_c&${RANGE}&every=1d`,
    );
    expect(body.terminals).toBe(0);
    expect(body.points).toHaveLength(1);
  });

  test('is asked for a metric that some profile has', async () => {
    const { status, body } = await gateway.admin.get(`/areas/${VILLAGE}/readings?metric=rome_c&${RANGE}&every=1d`);
    expect([status, body.code]).toEqual([400, 'invalid_request']);
  });

  test('needs windows, and people who may see it', async () => {
    expect((await ask(VILLAGE, '')).status).toBe(400);
    expect((await ask('141023106201', 'every=1d')).status).toBe(404);
    expect((await people.resident.get(`/areas/${VILLAGE}/readings?metric=room_c&${RANGE}&every=1d`)).status).toBe(403);
  });
});

describe('an export', () => {
  const csv = (query: string, token = gateway.admin.token) =>
    send(gateway.origin, 'GET', `/api/v1/readings/export?${query}`, { headers: { authorization: `Bearer ${token}` } });

  test.each([
    ['of nothing', RANGE, 400],
    ['of terminals and an area at once', `terminalIds=one&areaCode=${VILLAGE}&${RANGE}`, 400],
    ['of a metric that no profile has', `terminalIds=one&metric=rome_c&${RANGE}`, 400],
    ['of a terminal that is not there', `terminalIds=nobody&${RANGE}`, 404],
    ['over a range that ends before it begins', `terminalIds=one&from=${MIDNIGHT}&to=${MIDNIGHT - 1}`, 400],
  ])('%s is refused', async (_what, query, status) => {
    expect((await csv(query)).status).toBe(status);
  });

  test('has every value, by terminal and time, in the time of Shanghai', async () => {
    const answer = await csv(`areaCode=${VILLAGE}&${RANGE}`);
    expect(answer.type).toContain('text/csv');
    expect(answer.headers.get('hearthgate-terminals')).toBe('3');
    expect(answer.text).toBe(
      [
        'terminal,time,metric,value',
        'one,2026-01-10T00:00:00.000+08:00,room_c,10',
        'one,2026-01-10T00:01:00.000+08:00,room_c,20',
        'two,2026-01-10T00:00:00.000+08:00,room_c,30',
        '',
      ].join('\n'),
    );
    expect((await csv(`areaCode=${VILLAGE}&metric=gas_m3&${RANGE}`)).text).toBe('terminal,time,metric,value\n');
  });

  test('that is longer than any page lacks nothing and doubles nothing', async () => {
    const request = { id: 'long', profile: 'gas-boiler', householdId: people.household.id };
    const terminal = await makeTerminal(gateway.admin, request);
    const client = await connectTerminal(gateway, terminal);
    const minute = (n: number) => ({
      time: MIDNIGHT + n * 1_000,
      values: { room_c: n % 30, supply_c: 40, return_c: 30 },
    });
    for (let start = 0; start < 8_000; start += 1_000) {
      await publish(
        client,
        'terminals/long/readings',
        Array.from({ length: 1_000 }, (_, n) => minute(start + n)),
      );
    }
    await client.endAsync();
    await stored(gateway);
    const lines = (await csv(`terminalIds=long&${RANGE}`)).text.trimEnd().split('\n').slice(1);
    expect(lines).toHaveLength(24_000);
    expect(new Set(lines).size).toBe(24_000);
    expect(lines).toEqual(lines.toSorted());
    expect((await csv(`terminalIds=long&metric=room_c&${RANGE}`)).text.trimEnd().split('\n')).toHaveLength(8_001);
  });
});
