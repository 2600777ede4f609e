import { connect as connectTcp } from 'node:net';
import type { MqttClient } from 'mqtt';
import { generate, parser } from 'mqtt-packet';
import { describe, expect, test } from 'vitest';
import { freePort } from '../../src/demo/free-port.ts';
import type { Command, CommandState } from '../../src/http/schemas/commands.ts';
import {
  type ApiClient,
  closed,
  connectTerminal,
  makeTerminal,
  publish,
  sendReading,
  startTestGateway,
  type TestTerminal,
} from '../helpers/gateway.ts';
import { adminOf, spawnGateway } from '../helpers/process.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';

interface Received {
  id: string;
  command: string;
  value: unknown;
  issuedAt: string;
  expiresAt: string;
  sequence: number;
}

/** Subscribes to its own commands and keeps what comes. */
async function listen(client: MqttClient, id: string): Promise<Received[]> {
  const received: Received[] = [];
  client.on('message', (topic, payload) => {
    if (topic === `terminals/${id}/commands`) received.push(JSON.parse(payload.toString()) as Received);
  });
  await client.subscribeAsync(`terminals/${id}/commands`, { qos: 1 });
  return received;
}

const reply = (client: MqttClient, terminalId: string, id: string, result: string, reason?: string) =>
  publish(client, `terminals/${terminalId}/replies`, { id, result, ...(reason && { reason }), time: Date.now() });

const reaches = (api: ApiClient, id: string, state: CommandState, withinMs?: number): Promise<Command> =>
  eventually(async () => {
    const command = await api.commandState(id);
    return command.state === state && command;
  }, withinMs);

const states = (command: Command) => command.history.map(({ state }) => state);

describe('a command that goes wrong', () => {
  test('is not confirmed by a reading that was taken before it was sent', async () => {
    await using gateway = await startTestGateway();
    const client = await connectTerminal(
      gateway,
      await makeTerminal(gateway.admin, { id: 'A', profile: 'gas-boiler' }),
    );
    const received = await listen(client, 'A');
    const { body } = await gateway.admin.command('A', { command: 'power', value: 'off' });
    await eventually(() => received.length === 1);
    await sendReading(client, 'A', { power_on: false }, Date.now() - 60_000);
    await sendReading(client, 'A', { power_on: true });
    expect((await gateway.admin.commandState(body.id)).state).toBe('sent');
    await sendReading(client, 'A', { power_on: false });
    expect((await gateway.admin.commandState(body.id)).state).toBe('confirmed');
    await client.endAsync();
  });

  test('is not confirmed by an older reading of a terminal whose clock is fast', async () => {
    await using gateway = await startTestGateway();
    const client = await connectTerminal(
      gateway,
      await makeTerminal(gateway.admin, { id: 'A', profile: 'gas-boiler' }),
    );
    const received = await listen(client, 'A');
    const fast = Date.now() + 200_000;
    await sendReading(client, 'A', { power_on: true }, fast);
    const { body } = await gateway.admin.command('A', { command: 'power', value: 'off' });
    await eventually(() => received.length === 1);
    await sendReading(client, 'A', { power_on: false }, fast - 60_000);
    expect((await gateway.admin.commandState(body.id)).state).toBe('sent');
    await sendReading(client, 'A', { power_on: false }, fast + 5_000);
    expect((await gateway.admin.commandState(body.id)).state).toBe('confirmed');
    await client.endAsync();
  });

  test('is taken back when its terminal is removed, and does not reach the next household', async () => {
    await using gateway = await startTestGateway();
    await makeTerminal(gateway.admin, { id: 'A', profile: 'gas-boiler' });
    const old = await gateway.admin.command('A', { command: 'power', value: 'off' });
    await gateway.admin.delete('/terminals/A');
    const client = await connectTerminal(
      gateway,
      await makeTerminal(gateway.admin, { id: 'A', profile: 'gas-boiler' }),
    );
    const received = await listen(client, 'A');
    const next = await gateway.admin.command('A', { command: 'power', value: 'on' });
    await eventually(() => received.length > 0);
    expect(received.map(({ id }) => id)).toEqual([next.body.id]);
    expect((await gateway.admin.commandState(old.body.id)).history.at(-1)).toMatchObject({
      state: 'cancelled',
      cause: 'moved',
    });
    await client.endAsync();
  });

  test('is rejected when the terminal refuses it, with its reason', async () => {
    await using gateway = await startTestGateway();
    const client = await connectTerminal(
      gateway,
      await makeTerminal(gateway.admin, { id: 'A', profile: 'gas-boiler' }),
    );
    const received = await listen(client, 'A');
    const { body } = await gateway.admin.command('A', { command: 'setpoint', value: 21.5 });
    await eventually(() => received.length === 1);
    await reply(client, 'A', body.id, 'rejected', 'child lock');
    const command = await reaches(gateway.admin, body.id, 'rejected');
    expect(command.history.at(-1)).toMatchObject({ cause: 'refused_by_terminal', detail: 'child lock' });
    await client.endAsync();
  });

  test('expires when the terminal stays away, and is not sent when it comes back later', async () => {
    await using gateway = await startTestGateway();
    const terminal = await makeTerminal(gateway.admin, { id: 'A', profile: 'gas-boiler' });
    // A persistent session, for which a broker would keep the command.
    const session = { clean: false };
    const first = await connectTerminal(gateway, terminal, session);
    await listen(first, 'A');
    await first.endAsync(true);
    await eventually(async () => {
      const { body } = await gateway.admin.command('A', { command: 'power', value: 'off', expiresInS: 1 });
      return (await reaches(gateway.admin, body.id, 'expired', 4_000)).state;
    });
    const second = await connectTerminal(gateway, terminal, session);
    const received = await listen(second, 'A');
    const { body } = await gateway.admin.command('A', { command: 'power', value: 'on' });
    await eventually(() => received.length > 0);
    expect(received.map(({ id }) => id)).toEqual([body.id]);
    await second.endAsync(true);
  });

  test('that a resumed session never acknowledged is not delivered again', async () => {
    await using gateway = await startTestGateway();
    const terminal = await makeTerminal(gateway.admin, { id: 'A', profile: 'gas-boiler' });
    const socket = connectTcp(gateway.mqttPort, '127.0.0.1');
    const packets = parser();
    const arrived = (cmd: string) =>
      new Promise<void>((resolve) => packets.on('packet', (packet) => packet.cmd === cmd && resolve()));
    socket.on('data', (data) => packets.parse(data));
    const login = { clientId: 'A', username: 'A', password: Buffer.from(terminal.secret) };
    const [connected, subscribed, told] = [arrived('connack'), arrived('suback'), arrived('publish')];
    socket.write(
      generate({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: false, keepalive: 0, ...login }),
    );
    await connected;
    const subscriptions = [{ topic: 'terminals/A/commands', qos: 1 as const }];
    socket.write(generate({ cmd: 'subscribe', messageId: 1, subscriptions }));
    await subscribed;
    const old = await gateway.admin.command('A', { command: 'power', value: 'off' });
    // It is never acknowledged, so the broker owes a second delivery [MQTT-4.4.0-1].
    await told;
    socket.destroy();
    const second = await connectTerminal(gateway, terminal, { clean: false });
    const received = await listen(second, 'A');
    await sendReading(second, 'A', { power_on: false });
    await reaches(gateway.admin, old.body.id, 'confirmed');
    const next = await gateway.admin.command('A', { command: 'power', value: 'on' });
    await eventually(() => received.length > 0);
    expect(received.map(({ id }) => id)).toEqual([next.body.id]);
    await second.endAsync(true);
  });

  test('can be cancelled while it is queued, and not after it was sent', async () => {
    await using gateway = await startTestGateway();
    const terminal = await makeTerminal(gateway.admin, { id: 'A', profile: 'gas-boiler' });
    const queued = await gateway.admin.command('A', { command: 'power', value: 'off' });
    expect((await gateway.admin.post(`/commands/${queued.body.id}/cancel`)).status).toBe(200);
    const client = await connectTerminal(gateway, terminal);
    const received = await listen(client, 'A');
    const sent = await gateway.admin.command('A', { command: 'power', value: 'on' });
    await eventually(() => received.length === 1);
    expect(received[0]?.id).toBe(sent.body.id);
    const refused = await gateway.admin.post(`/commands/${sent.body.id}/cancel`);
    expect(refused).toMatchObject({ status: 409, body: { code: 'wrong_state' } });
    await client.endAsync();
  });

  test.each([
    ['a value that the profile does not know', { command: 'power', value: 'maybe' }, 'value_not_allowed'],
    ['a truth value as text', { command: 'power', value: 'true' }, 'value_not_allowed'],
    ['a setpoint above the range', { command: 'setpoint', value: 31 }, 'value_not_allowed'],
    ['a setpoint between two steps', { command: 'setpoint', value: 20.3 }, 'value_not_allowed'],
    ['a command of another device', { command: 'valve', value: 'close' }, 'unknown_command'],
    ['a name that every object has', { command: 'constructor', value: 1 }, 'unknown_command'],
    ['null, which must never become off', { command: 'power', value: null }, 'invalid_request'],
    ['a life of more than 15 minutes', { command: 'power', value: 'on', expiresInS: 901 }, 'invalid_request'],
  ])('is refused before it is a row: %s', async (_case, body, code) => {
    await using gateway = await startTestGateway();
    await makeTerminal(gateway.admin, { id: 'A', profile: 'gas-boiler' });
    expect((await gateway.admin.command('A', body)).body).toMatchObject({ code });
    expect((await gateway.admin.get<{ items: object[] }>('/commands?terminalId=A')).body.items).toEqual([]);
  });

  test('needs an Idempotency-Key, and the same key is the same command', async () => {
    await using gateway = await startTestGateway();
    await makeTerminal(gateway.admin, { id: 'A', profile: 'gas-boiler' });
    const body = { command: 'power', value: 'off' };
    expect((await gateway.admin.post('/terminals/A/commands', body)).body).toMatchObject({
      code: 'idempotency_key_required',
    });
    const answers = await Promise.all(Array.from({ length: 20 }, () => gateway.admin.command('A', body, 'key-1')));
    expect(new Set(answers.map((answer) => `${answer.status} ${answer.body.id}`)).size).toBe(1);
    const other = await gateway.admin.command('A', { ...body, value: 'on' }, 'key-1');
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
    expect((await gateway.admin.get<{ items: object[] }>('/commands?terminalId=A')).body.items).toHaveLength(1);
  });
});

describe('a command that goes well', () => {
  test('is queued, sent, acknowledged and confirmed, each step with its time and cause', async () => {
    await using gateway = await startTestGateway();
    const client = await connectTerminal(
      gateway,
      await makeTerminal(gateway.admin, { id: 'A', profile: 'gas-boiler' }),
    );
    const received = await listen(client, 'A');
    const answer = await gateway.admin.command('A', { command: 'setpoint', value: 21.5, reason: 'resident asked' });
    expect(answer.status).toBe(202);
    expect(answer.headers.get('location')).toBe(`/api/v1/commands/${answer.body.id}`);
    await eventually(() => received.length === 1);
    expect(received[0]).toEqual({
      id: answer.body.id,
      command: 'setpoint',
      value: 21.5,
      issuedAt: expect.any(String),
      expiresAt: answer.body.expiresAt,
      sequence: 1,
    });
    await reply(client, 'A', answer.body.id, 'accepted');
    expect((await reaches(gateway.admin, answer.body.id, 'acknowledged')).state).toBe('acknowledged');
    await sendReading(client, 'A', { setpoint_c: 21.5 });
    const command = await reaches(gateway.admin, answer.body.id, 'confirmed');
    expect(states(command)).toEqual(['queued', 'sent', 'acknowledged', 'confirmed']);
    expect(command.history.map(({ cause, detail }) => `${cause} ${detail}`)).toEqual([
      'requested admin',
      'sent mqtt',
      'taken null',
      'reading setpoint_c = 21.5',
    ]);
    expect(command.history.every(({ at }) => Date.parse(at) > 0)).toBe(true);
    await client.endAsync();
  });

  test('waits for a terminal that is away and goes out when it subscribes; the next waits for it', async () => {
    await using gateway = await startTestGateway();
    const terminal = await makeTerminal(gateway.admin, { id: 'A', profile: 'gas-boiler' });
    const first = await gateway.admin.command('A', { command: 'power', value: 'on' });
    const second = await gateway.admin.command('A', { command: 'setpoint', value: 20 });
    const client = await connectTerminal(gateway, terminal);
    const received = await listen(client, 'A');
    await eventually(() => received.length === 1);
    await reply(client, 'A', first.body.id, 'accepted');
    await sendReading(client, 'A', { power_on: true, setpoint_c: 18 });
    await eventually(() => received.length === 2);
    expect(received.map(({ id, sequence }) => [id, sequence])).toEqual([
      [first.body.id, 1],
      [second.body.id, 2],
    ]);
    await client.endAsync();
  });

  test('reaches a terminal behind a concentrator', async () => {
    await using gateway = await startTestGateway();
    const hub = await makeTerminal(gateway.admin, { id: 'hub', profile: 'electric-heater' });
    await makeTerminal(gateway.admin, { id: 'meter', profile: 'gas-meter', connection: { type: 'mqtt', via: 'hub' } });
    const client = await connectTerminal(gateway, hub);
    const received = await listen(client, 'meter');
    const { body } = await gateway.admin.command('meter', { command: 'valve', value: 'close' });
    await eventually(() => received.length === 1);
    await reply(client, 'meter', body.id, 'accepted');
    await sendReading(client, 'meter', { valve_open: false });
    expect((await reaches(gateway.admin, body.id, 'confirmed')).state).toBe('confirmed');
    await client.endAsync();
  });
});

describe('a gateway that is killed in the middle', () => {
  async function withRestart(
    before: (api: ApiClient, client: MqttClient, received: Received[], terminal: TestTerminal) => Promise<string>,
    after: (api: ApiClient, client: MqttClient, received: Received[], commandId: string) => Promise<void>,
  ): Promise<void> {
    await using folder = await tempFolder();
    const ports = { http: await freePort(), mqtt: await freePort() };
    let id: string;
    let terminal: TestTerminal;
    {
      await using gateway = await spawnGateway(folder.path, ports);
      const admin = await adminOf(gateway);
      terminal = await makeTerminal(admin, { id: 'A', profile: 'gas-boiler' });
      const client = await connectTerminal(gateway, terminal);
      id = await before(admin, client, await listen(client, 'A'), terminal);
      const end = closed(client);
      await gateway.kill();
      await end;
      await client.endAsync(true);
    }
    await using gateway = await spawnGateway(folder.path, ports);
    const client = await connectTerminal(gateway, terminal);
    await after(await adminOf(gateway), client, await listen(client, 'A'), id);
    await client.endAsync(true);
  }

  test('after sending: the command is not sent again, and a reading still confirms it', async () => {
    await withRestart(
      async (api, _client, received) => {
        const { body } = await api.command('A', { command: 'power', value: 'off' });
        await eventually(() => received.length === 1);
        return body.id;
      },
      async (api, client, received, id) => {
        const next = await api.command('A', { command: 'setpoint', value: 20 });
        expect((await api.commandState(id)).state).toBe('sent');
        await sendReading(client, 'A', { power_on: false });
        const command = await reaches(api, id, 'confirmed');
        expect(states(command)).toEqual(['queued', 'sent', 'confirmed']);
        await eventually(() => received.length === 1);
        expect(received[0]?.id).toBe(next.body.id);
      },
    );
  }, 60_000);

  test('before sending: the command is still queued and is sent once', async () => {
    await withRestart(
      async (api, client) => {
        await client.unsubscribeAsync('terminals/A/commands');
        const { body } = await api.command('A', { command: 'power', value: 'off' });
        return body.id;
      },
      async (api, client, received, id) => {
        await eventually(() => received.length === 1);
        expect(received[0]?.id).toBe(id);
        await reply(client, 'A', id, 'accepted');
        await reaches(api, id, 'acknowledged');
        expect(received).toHaveLength(1);
      },
    );
  }, 60_000);
});
