import { expect, test } from 'vitest';
import type { QuarantineCount, Quarantined } from '../../src/http/schemas/readings.ts';
import type { Terminal } from '../../src/http/schemas/terminals.ts';
import { connectTerminal, makeTerminal, publish } from '../helpers/gateway.ts';
import { fill, MIDNIGHT, type Page, send, startVillages } from './stage.ts';

/** What was refused: found, counted and deleted. */

let terminals = 0;

const { gateway, mine, theirs } = await startVillages();

/** A boiler of a household that has sent these payloads. */
async function boilerThatSent(payloads: string[], householdId = mine.household.id): Promise<string> {
  const terminal = await makeTerminal(gateway.admin, { id: `q${++terminals}`, profile: 'gas-boiler', householdId });
  const client = await connectTerminal(gateway, terminal);
  for (const payload of payloads) await publish(client, `terminals/${terminal.id}/readings`, payload);
  await client.endAsync();
  return terminal.id;
}

const values = (text: string) => `{"time":${MIDNIGHT},"values":${text}}`;
const listed = async (query: string, by = gateway.admin) =>
  (await by.get<Page<Quarantined>>(`/quarantine?${query}`)).body.items;
const counted = async (query: string, by = gateway.admin) =>
  (await by.get<{ items: QuarantineCount[] }>(`/quarantine/counts?${query}`)).body.items;

test.each([
  ['GET', '/quarantine?reason=Not%20a%20word'],
  ['GET', '/quarantine/counts?limit=0'],
  ['GET', '/quarantine/counts?terminalId=a%2Fb'],
  ['DELETE', '/quarantine'],
  ['DELETE', '/quarantine?before=yesterday'],
])('%s %s is refused with 400', async (method, path) => {
  const headers = { authorization: `Bearer ${gateway.admin.token}` };
  expect((await send(gateway.origin, method, `/api/v1${path}`, { headers })).status).toBe(400);
});

test('putting in again with a filter that nobody knows is refused with 400', async () => {
  expect((await gateway.admin.post('/quarantine/requeue', { since: 'ever' })).status).toBe(400);
});

test('is found by its reason', async () => {
  const id = await boilerThatSent(['no JSON', values('{"room_c":"warm"}'), values('{"room_c":900}')]);
  expect((await listed(`terminalId=${id}&reason=out_of_range`)).map(({ detail }) => detail)).toEqual([
    '900 is not within -30 … 60',
  ]);
});

test('is counted by terminal, reason and metric, most first, for those who see the terminal', async () => {
  const bad = values('{"room_c":"warm","supply_c":null}');
  const id = await boilerThatSent([bad, values('{"room_c":"warm"}'), 'no JSON', values('{"room_c":"hot"}')]);
  const all = await counted(`terminalId=${id}`, mine.clerk);
  expect(all.map(({ terminalId, reason, metric, count }) => [terminalId, reason, metric, count])).toEqual([
    [id, 'wrong_type', 'room_c', 3],
    [id, expect.any(String), expect.toBeOneOf(['supply_c', null]), 1],
    [id, expect.any(String), expect.toBeOneOf(['supply_c', null]), 1],
  ]);
  expect(Date.now() - Date.parse(all[0]?.firstAt ?? '')).toBeLessThan(60_000);
  expect(Date.parse(all[0]?.lastAt ?? '')).toBeGreaterThanOrEqual(Date.parse(all[0]?.firstAt ?? ''));
  expect(await counted(`terminalId=${id}&limit=1`, mine.operator)).toEqual(all.slice(0, 1));
  expect(await counted(`terminalId=${id}&reason=bad_json`)).toMatchObject([{ metric: null, count: 1 }]);
  for (const stranger of [theirs.clerk, theirs.operator]) {
    expect(await counted(`terminalId=${id}`, stranger)).toEqual([]);
  }
  expect((await mine.resident.get('/quarantine/counts')).status).toBe(403);
});

test('is deleted by its age, by the admin only, and stays counted', async () => {
  const id = await boilerThatSent(['no JSON', 'nor this']);
  const other = await boilerThatSent(['no JSON']);
  const remove = (before: number, by = gateway.admin) =>
    by.delete<{ deleted: number }>(`/quarantine?before=${before}&terminalId=${id}`);
  expect((await remove(Date.now(), mine.clerk)).status).toBe(403);
  expect((await remove(Date.now() - 3_600_000)).body).toEqual({ deleted: 0 });
  expect((await remove(Date.now() + 1_000)).body).toEqual({ deleted: 2 });
  expect(await listed(`terminalId=${id}`)).toEqual([]);
  expect(await listed(`terminalId=${other}`)).toHaveLength(1);
  expect(await counted(`terminalId=${id}`)).toMatchObject([{ count: 2 }]);
});

test('holds readings from before a terminal was installed, when that is known', async () => {
  const installedAt = new Date(MIDNIGHT).toISOString();
  const { body } = await mine.clerk.post<Terminal & { credentials: { password: string } }>('/terminals', {
    id: 'installed',
    profile: 'gas-boiler',
    connection: { type: 'mqtt' },
    installedAt: '2026-01-10T00:00:00+08:00',
  });
  expect(body.installedAt).toBe(installedAt);
  const terminal = { id: body.id, secret: body.credentials.password };
  await fill(gateway, terminal, 'room_c', [
    [MIDNIGHT - 1, 19],
    [MIDNIGHT, 20],
  ]);
  expect((await listed('terminalId=installed')).map(({ reason }) => reason)).toEqual(['before_installation']);
  const { body: changed } = await mine.clerk.patch<Terminal>('/terminals/installed', { installedAt: null });
  expect(changed.installedAt).toBeNull();
  await fill(gateway, terminal, 'room_c', [[MIDNIGHT - 2, 18]]);
  expect(await listed('terminalId=installed')).toHaveLength(1);
  expect((await gateway.admin.get<Terminal>('/terminals/installed')).body.installedAt).toBeNull();
});
