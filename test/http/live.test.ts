import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Problem } from '../../src/http/schemas/common.ts';
import type { User } from '../../src/http/schemas/people.ts';
import {
  closed,
  connectTerminal,
  makeHousehold,
  makeTerminal,
  OTHER_VILLAGE,
  publish,
  sendReading,
  startTestGateway,
  type TestGateway,
  VILLAGE,
} from '../helpers/gateway.ts';
import { eventually } from '../helpers/temp.ts';
import { openLive, send } from './stage.ts';

/** What happens, as it happens: server-sent events over a real connection. */

let gateway: TestGateway;
let terminals = 0;

beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

/** A household with a boiler that is connected. */
async function connectedHome(areaCode = VILLAGE) {
  const people = await makeHousehold(gateway, areaCode);
  const request = { id: `live-${++terminals}`, profile: 'gas-boiler', householdId: people.household.id };
  const terminal = await makeTerminal(gateway.admin, request);
  const client = await connectTerminal(gateway, terminal);
  return {
    ...people,
    ...terminal,
    client,
    says: (room_c: number) => sendReading(client, terminal.id, { room_c }),
    [Symbol.asyncDispose]: () => client.endAsync(),
  };
}

/** Events of one stream come in the order in which they happened, so nothing earlier can still be on its way. */
const heardOf = (stream: Awaited<ReturnType<typeof openLive>>) =>
  new Set(stream.messages.map(({ data }) => data['terminalId']));

describe('a stream is refused', () => {
  test('without a token', async () => {
    const { status } = await send(gateway.origin, 'GET', '/api/v1/live');
    expect(status).toBe(401);
  });

  test('with a filter that cannot be', async () => {
    for (const query of ['terminalId=a/b', 'areaCode=abc', 'areaCode=', 'householdId=hh_1']) {
      const headers = { authorization: `Bearer ${gateway.admin.token}` };
      expect((await send(gateway.origin, 'GET', `/api/v1/live?${query}`, { headers })).status, query).toBe(400);
    }
  });

  test('with 503 above the limit, until another ends', async () => {
    await using small = await startTestGateway({ overrides: { http: { liveStreams: 2 } } });
    await using _first = await openLive(small, small.admin.token);
    const second = await openLive(small, small.admin.token);
    const headers = { authorization: `Bearer ${small.admin.token}` };
    const third = await send(small.origin, 'GET', '/api/v1/live', { headers });
    const problem: Problem = JSON.parse(third.text);
    expect([third.status, problem.code]).toEqual([503, 'degraded']);
    expect(third.type).toContain('application/problem+json');
    expect((await small.admin.get('/me')).status).toBe(200);

    await second[Symbol.asyncDispose]();
    await eventually(async () => {
      await using again = await openLive(small, small.admin.token);
      return again.status === 200;
    });
  });
});

describe('nobody hears what is another’s', () => {
  test('a resident, a clerk and an operator hear their own terminals only', async () => {
    await using theirs = await connectedHome(OTHER_VILLAGE);
    await using mine = await connectedHome(VILLAGE);
    for (const caller of [mine.resident, mine.clerk, mine.operator]) {
      await using stream = await openLive(gateway, caller.token);
      await theirs.says(20);
      await publish(theirs.client, `terminals/${theirs.id}/events`, { time: Date.now(), event: 'tamper' });
      await theirs.clerk.command(theirs.id, { command: 'power', value: 'on' });
      await mine.says(21);
      await stream.next('reading', ({ terminalId }) => terminalId === mine.id);
      expect(heardOf(stream)).toEqual(new Set([mine.id]));
    }
  });

  test('a filter for another’s terminal or area opens nothing', async () => {
    await using theirs = await connectedHome(OTHER_VILLAGE);
    await using mine = await connectedHome(VILLAGE);
    await using byTerminal = await openLive(gateway, mine.resident.token, `?terminalId=${theirs.id}`);
    await using byArea = await openLive(gateway, mine.operator.token, `?areaCode=${OTHER_VILLAGE}`);
    await using all = await openLive(gateway, gateway.admin.token);
    await theirs.says(20);
    await mine.says(21);
    await all.next('reading', ({ terminalId }) => terminalId === mine.id);
    // The same reading is written to all streams in one go.
    await gateway.admin.get('/me');
    expect([...byTerminal.messages, ...byArea.messages]).toEqual([]);
  });

  test('a removed user’s open stream gives nothing more', async () => {
    await using home = await connectedHome();
    const { body: me } = await home.resident.get<User>('/me');
    await using stream = await openLive(gateway, home.resident.token);
    await using all = await openLive(gateway, gateway.admin.token, `?terminalId=${home.id}`);
    expect((await gateway.admin.delete(`/users/${me.id}`)).status).toBe(204);
    await home.says(20);
    await all.next('reading');
    await home.says(21);
    await all.next('reading', ({ values }) => JSON.stringify(values) === '{"room_c":21}');
    expect(stream.messages).toEqual([]);
  });

  test('a stream ends when its session is signed out', async () => {
    await using home = await connectedHome();
    await using stream = await openLive(gateway, home.resident.token);
    expect((await home.resident.delete('/sessions/current')).status).toBe(204);
    await eventually(() => stream.ended(), 3_000);
  });

  test('a terminal that moves to another household is heard by its new resident only', async () => {
    await using home = await connectedHome();
    const next = await makeHousehold(gateway);
    await using before = await openLive(gateway, home.resident.token);
    await using after = await openLive(gateway, next.resident.token);
    const cut = closed(home.client);
    await gateway.admin.patch(`/terminals/${home.id}`, { householdId: next.household.id });
    await cut;
    const client = await connectTerminal(gateway, home);
    await sendReading(client, home.id, { room_c: 19 });
    await client.endAsync();
    await after.next('reading', ({ terminalId }) => terminalId === home.id);
    expect(before.messages).toEqual([]);
  });
});

describe('those who may', () => {
  test('hear a reading as it came, with its own time', async () => {
    await using home = await connectedHome();
    await using stream = await openLive(gateway, home.resident.token);
    expect([stream.status, stream.type]).toEqual([200, 'text/event-stream']);
    const time = Date.now() - 60_000;
    await sendReading(home.client, home.id, { room_c: 20.5, power_on: true }, time);
    const { data } = await stream.next('reading');
    expect(data).toEqual({
      terminalId: home.id,
      time: new Date(time).toISOString(),
      values: { room_c: 20.5, power_on: 1 },
    });
  });

  test('hear that a terminal came online and went offline, each once', async () => {
    await using home = await connectedHome();
    await using stream = await openLive(gateway, home.clerk.token);
    await home.says(20);
    await home.says(20);
    await publish(home.client, `terminals/${home.id}/status`, { online: false });
    await stream.next('status', ({ status }) => status === 'offline');
    const statuses = stream.messages.filter(({ event }) => event === 'status').map(({ data }) => data['status']);
    expect(statuses).toEqual(['online', 'offline']);
  });

  test('hear that a terminal went offline when its connection broke and its will says so', async () => {
    const people = await makeHousehold(gateway);
    const request = { id: `live-${++terminals}`, profile: 'gas-boiler', householdId: people.household.id };
    const terminal = await makeTerminal(gateway.admin, request);
    const will = {
      topic: `terminals/${terminal.id}/status`,
      payload: Buffer.from('{"online":false}'),
      qos: 1 as const,
    };
    const client = await connectTerminal(gateway, terminal, { will: { ...will, retain: false } });
    await using stream = await openLive(gateway, people.resident.token);
    await sendReading(client, terminal.id, { room_c: 20 });
    const cut = closed(client);
    client.stream.destroy();
    await cut;
    await stream.next('status', ({ status }) => status === 'offline');
  });

  test('hear every step of a command, from the request to the reading that shows it', async () => {
    await using home = await connectedHome();
    await using stream = await openLive(gateway, home.clerk.token);
    home.client.on('message', (_topic, payload) => {
      const { id } = JSON.parse(payload.toString());
      void publish(home.client, `terminals/${home.id}/replies`, { id, result: 'accepted', time: Date.now() });
    });
    await home.client.subscribeAsync(`terminals/${home.id}/commands`, { qos: 1 });
    const { body: command } = await home.clerk.command(home.id, { command: 'power', value: 'off' });
    const stateIs = (state: string) => (data: Record<string, unknown>) =>
      JSON.stringify(data['command']).includes(`"state":"${state}"`);
    await stream.next('command', stateIs('acknowledged'));
    await sendReading(home.client, home.id, { power_on: false }, Date.now() + 1_000);
    const { data } = await stream.next('command', ({ command: shown }) =>
      JSON.stringify(shown).startsWith(`{"id":"${command.id}"`) ? stateIs('confirmed')({ command: shown }) : false,
    );
    expect(data).toEqual({ terminalId: home.id, command: await home.clerk.commandState(command.id) });
    const steps = stream.messages.filter(({ event }) => event === 'command').length;
    expect(steps).toBe(4);
  });

  test('hear an alarm open and be acknowledged', async () => {
    await using home = await connectedHome();
    await using stream = await openLive(gateway, home.operator.token);
    await publish(home.client, `terminals/${home.id}/events`, { time: Date.now(), event: 'gas_leak', data: {} });
    const { data } = await stream.next('alarm');
    expect(data).toMatchObject({
      terminalId: home.id,
      alarm: { alarm: 'gas_leak', severity: 'critical', state: 'open' },
    });
    const { id } =
      (await gateway.admin.get<{ items: { id: string }[] }>(`/alarms?terminalId=${home.id}`)).body.items[0] ?? {};
    await home.operator.post(`/alarms/${id}/acknowledge`);
    await stream.next('alarm', ({ alarm }) => JSON.stringify(alarm).includes('"acknowledgedBy":"operator-'));
  });

  test('can ask for one terminal, or for one area and all below it', async () => {
    await using one = await connectedHome(VILLAGE);
    await using other = await connectedHome(OTHER_VILLAGE);
    const { token } = gateway.admin;
    await using byTerminal = await openLive(gateway, token, `?terminalId=${one.id}`);
    await using byTownship = await openLive(gateway, token, `?areaCode=${OTHER_VILLAGE.slice(0, 9)}`);
    await using byBoth = await openLive(gateway, token, `?areaCode=${OTHER_VILLAGE}&terminalId=${one.id}`);
    await using all = await openLive(gateway, token);
    await other.says(20);
    await one.says(21);
    await other.says(22);
    await all.next('reading', ({ values }) => JSON.stringify(values) === '{"room_c":22}');
    await byTerminal.next('reading');
    await byTownship.next('reading', ({ values }) => JSON.stringify(values) === '{"room_c":22}');
    expect(heardOf(byTerminal)).toEqual(new Set([one.id]));
    expect(heardOf(byTownship)).toEqual(new Set([other.id]));
    expect(heardOf(byBoth)).toEqual(new Set());
    expect(heardOf(all)).toEqual(new Set([one.id, other.id]));
  });
});
