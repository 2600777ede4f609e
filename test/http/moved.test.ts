import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HouseholdUsage } from '../../src/http/schemas/billing.ts';
import type { Readings, Usage } from '../../src/http/schemas/readings.ts';
import {
  type ApiClient,
  closed,
  connectTerminal,
  makeHousehold,
  makeTerminal,
  sendReading,
  startTestGateway,
  type TestGateway,
} from '../helpers/gateway.ts';
import { eventually } from '../helpers/temp.ts';

/** A terminal that moves from one household to another: what each of them sees. */

let gateway: TestGateway;
let before: Awaited<ReturnType<typeof makeHousehold>>;
let after: Awaited<ReturnType<typeof makeHousehold>>;
const from = Date.now() - 3 * 86_400_000;
const range = `from=${from}&to=${Date.now() + 3_600_000}`;

const valuesSeenBy = async (api: ApiClient) =>
  (await api.get<Readings>(`/terminals/meter/readings?metric=gas_m3&${range}`)).body.points.map(({ value }) => value);
const amountsOf = (items: Usage) => items.map(({ amount }) => amount ?? 0).reduce((a, b) => a + b, 0);

beforeAll(async () => {
  gateway = await startTestGateway();
  before = await makeHousehold(gateway);
  after = await makeHousehold(gateway);
  const terminal = await makeTerminal(gateway.admin, {
    id: 'meter',
    profile: 'gas-meter',
    householdId: before.household.id,
  });
  const there = await connectTerminal(gateway, terminal);
  for (const [hour, gas] of [1, 5, 9].entries())
    await sendReading(there, 'meter', { gas_m3: gas }, from + hour * 3_600_000);
  await sendReading(there, 'meter', { battery_v: 3.5 }, from);
  await before.clerk.command('meter', { command: 'valve', value: 'close' });
  await eventually(async () => (await valuesSeenBy(before.resident)).length === 3);
  const cut = closed(there);
  await gateway.admin.patch('/terminals/meter', { householdId: after.household.id });
  await cut;
  const client = await connectTerminal(gateway, terminal);
  await sendReading(client, 'meter', { gas_m3: 12 });
  await sendReading(client, 'meter', { gas_m3: 13.5 }, Date.now() + 60_000);
  await eventually(async () => (await valuesSeenBy(gateway.admin)).length === 5);
  await client.endAsync();
});
afterAll(() => gateway[Symbol.asyncDispose]());

test('the household that it left sees it no more', async () => {
  expect((await before.resident.get('/terminals/meter')).status).toBe(404);
  expect((await before.clerk.get('/terminals/meter/latest')).status).toBe(404);
});

test('the household that it came to sees nothing of what was before', async () => {
  expect(await valuesSeenBy(after.resident)).toEqual([12, 13.5]);
  const before = await gateway.admin.latest('meter');
  expect(Object.keys(before.values).sort()).toEqual(['battery_v', 'gas_m3']);
  expect(Object.keys((await after.resident.latest('meter')).values)).toEqual(['gas_m3']);
  const { body } = await after.resident.get<Usage>(`/terminals/meter/usage?${range}`);
  expect(amountsOf(body)).toBe(1.5);
  const { body: commands } = await after.resident.get<{ items: object[] }>('/commands?terminalId=meter');
  expect(commands.items).toEqual([]);
});

test('the use of its new household begins on the day on which it came, for everybody', async () => {
  const { body } = await after.clerk.get<HouseholdUsage>(`/households/${after.household.id}/usage?${range}`);
  expect(body.items.map(({ items }) => amountsOf(items))).toEqual([1.5]);
});

test('its whole history stays with those who look after it', async () => {
  expect(await valuesSeenBy(gateway.admin)).toEqual([1, 5, 9, 12, 13.5]);
});
