import type { MqttClient } from 'mqtt';
import { describe, expect, test } from 'vitest';
import type { Quarantined } from '../../src/http/schemas/readings.ts';
import type { Latest } from '../../src/http/schemas/terminals.ts';
import { connectTerminal, makeTerminal, publish, type TestTerminal } from '../helpers/gateway.ts';
import { allPages, fill, MIDNIGHT, type Page, startVillages } from './stage.ts';

/** What a terminal showed last, and what it sent that was refused. */

const HOUR = 3_600_000;
let terminals = 0;

const { gateway, mine, theirs } = await startVillages();

const boiler = (): Promise<TestTerminal> =>
  makeTerminal(mine.clerk, { id: `l${++terminals}`, profile: 'gas-boiler', householdId: mine.household.id });
const at = (time: number) => new Date(time).toISOString();

describe('the latest values', () => {
  test('of a terminal that never spoke are none, and its status is unknown', async () => {
    const { id } = await boiler();
    expect(await gateway.admin.latest(id)).toEqual({ status: 'unknown', lastSeenAt: null, values: {} });
  });

  test('are by their own time: what arrives late does not replace what is newer', async () => {
    const terminal = await boiler();
    const now = Date.now();
    await fill(gateway, terminal, 'room_c', [
      [now, 20],
      [now - HOUR, 5],
    ]);
    const latest = await gateway.admin.latest(terminal.id);
    expect(latest.values).toEqual({ room_c: { value: 20, time: at(now) } });
    expect([latest.status, latest.lastSeenAt]).toEqual(['online', at(now)]);
  });

  test('of old data show a terminal that is offline', async () => {
    const terminal = await boiler();
    await fill(gateway, terminal, 'room_c', [[MIDNIGHT, 20]]);
    expect((await gateway.admin.latest(terminal.id)).status).toBe('offline');
  });

  test('are for those who may see the terminal, and states are 1 or 0', async () => {
    const terminal = await boiler();
    await fill(gateway, terminal, 'power_on', [[MIDNIGHT, true]]);
    await fill(gateway, terminal, 'flame_on', [[MIDNIGHT, false]]);
    const path = `/terminals/${terminal.id}`;
    const readings = `${path}/readings?metric=power_on&from=${MIDNIGHT}&to=${MIDNIGHT + 1}`;
    for (const caller of [mine.clerk, mine.operator, mine.resident]) {
      const { body } = await caller.get<Latest>(`${path}/latest`);
      expect([body.values['power_on']?.value, body.values['flame_on']?.value]).toEqual([1, 0]);
      expect((await caller.get(readings)).status).toBe(200);
    }
    for (const caller of [theirs.clerk, theirs.operator, theirs.resident]) {
      expect((await caller.get(`${path}/latest`)).status).toBe(404);
      expect((await caller.get(readings)).status).toBe(404);
    }
  });
});

describe('what was refused', () => {
  const reading = (values: object, time: unknown = MIDNIGHT) => ({ time, values });
  const many = Array.from({ length: 1_001 }, () => reading({ room_c: 20 }));

  async function sent(payload: unknown): Promise<{ id: string; found: Quarantined[] }> {
    const terminal = await boiler();
    const client: MqttClient = await connectTerminal(gateway, terminal);
    // Resolves with the acknowledgement: bad data does not close the connection.
    await publish(client, `terminals/${terminal.id}/readings`, payload);
    expect(client.connected).toBe(true);
    await client.endAsync();
    const { body } = await gateway.admin.get<Page<Quarantined>>(`/quarantine?terminalId=${terminal.id}`);
    return { id: terminal.id, found: body.items };
  }

  test.each([
    ['is no JSON', 'room_c=20', 'bad_json', null],
    ['is a number', '20', 'bad_payload', null],
    ['has no values', { time: MIDNIGHT }, 'bad_payload', null],
    ['has a time in words', reading({ room_c: 20 }, 'now'), 'bad_time', null],
    ['has a time without a zone', reading({ room_c: 20 }, '2026-01-10T00:00:00'), 'bad_time', null],
    ['has a time in seconds', reading({ room_c: 20 }, MIDNIGHT / 1_000), 'bad_time', null],
    ['comes from tomorrow', reading({ room_c: 20 }, Date.now() + 24 * HOUR), 'future_time', null],
    ['has a metric that the profile lacks', reading({ humidity: 40 }), 'unknown_metric', 'humidity'],
    ['has null for a temperature', reading({ room_c: null }), 'wrong_type', 'room_c'],
    ['has a text for a temperature', reading({ room_c: '20' }), 'wrong_type', 'room_c'],
    ['has a number for a state', reading({ power_on: 1 }), 'wrong_type', 'power_on'],
    ['has null for a state', reading({ power_on: null }), 'wrong_type', 'power_on'],
    ['is hotter than a room can be', reading({ room_c: 60.1 }), 'out_of_range', 'room_c'],
    ['counts below zero', reading({ gas_m3: -0.1 }), 'out_of_range', 'gas_m3'],
    ['is a thousand and one readings', many, 'too_many_readings', null],
  ])('because it %s is kept with its reason, and is no reading', async (_what, payload, reason, metric) => {
    const { id, found } = await sent(payload);
    expect(found).toHaveLength(1);
    const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
    expect(found[0]).toMatchObject({ terminalId: id, reason, metric, frame: text });
    expect(found[0]?.detail).not.toBe('');
    expect((await gateway.admin.latest(id)).values).toEqual({});
  });

  test('beside good values leaves those as they are', async () => {
    const { id, found } = await sent(reading({ room_c: 20, supply_c: 500, nonsense: 1 }));
    expect(found.map(({ reason }) => reason).sort()).toEqual(['out_of_range', 'unknown_metric']);
    expect((await gateway.admin.latest(id)).values).toEqual({ room_c: { value: 20, time: at(MIDNIGHT) } });
  });

  test('is listed newest first, in pages, each once', async () => {
    const terminal = await boiler();
    const bad: [number, unknown][] = ['a', 'b', 'c', 'd', 'e'].map((value) => [MIDNIGHT, value]);
    await fill(gateway, terminal, 'room_c', bad);
    const { items, sizes } = await allPages<Quarantined>(mine.clerk, `/quarantine?terminalId=${terminal.id}`, 2);
    const seen = items.map(({ frame }) => JSON.parse(frame).values.room_c);
    expect(sizes).toEqual([2, 2, 1]);
    expect(seen).toEqual(['e', 'd', 'c', 'b', 'a']);
  });

  test('is for the company and the area’s operator, not for residents or others', async () => {
    const { id } = await sent('not json');
    const path = `/quarantine?terminalId=${id}`;
    for (const caller of [mine.clerk, mine.operator]) {
      expect((await caller.get<Page<Quarantined>>(path)).body.items).toHaveLength(1);
    }
    for (const caller of [theirs.clerk, theirs.operator]) {
      expect((await caller.get<Page<Quarantined>>(path)).body.items).toEqual([]);
      expect((await caller.get<Page<Quarantined>>('/quarantine')).body.items).toEqual([]);
    }
    for (const caller of [mine.resident, theirs.resident]) expect((await caller.get(path)).status).toBe(403);
  });
});
