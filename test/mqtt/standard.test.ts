import { once } from 'node:events';
import { connect } from 'node:net';
import { generate, type Packet, parser } from 'mqtt-packet';
import { expect, test } from 'vitest';
import { makeTerminal, startTestGateway, type TestGateway, type TestTerminal } from '../helpers/gateway.ts';
import { eventually } from '../helpers/temp.ts';

/** What MQTT 3.1.1 demands of the port beside its framing, seen from a bare socket. */

type Will = { topic: string; payload: Buffer; qos: 0 | 1 | 2; retain: boolean };

/** A client that sends what it is told, and keeps what comes. */
async function openClient({ mqttPort }: TestGateway, { id, secret }: TestTerminal, clean: boolean, will?: Will) {
  const socket = connect(mqttPort, '127.0.0.1');
  socket.on('error', () => undefined);
  const received: Packet[] = [];
  const packets = parser({ protocolVersion: 4 });
  packets.on('packet', (packet) => received.push(packet));
  socket.on('data', (data) => packets.parse(data));
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await once(socket, 'connect');
  const send = (packet: Packet) => void socket.write(generate(packet));
  const next = async <C extends Packet['cmd']>(cmd: C) => {
    const found = await eventually(() => received.find((packet) => packet.cmd === cmd));
    received.splice(received.indexOf(found), 1);
    return found as Extract<Packet, { cmd: C }>;
  };
  const login = { clientId: id, username: id, password: Buffer.from(secret), clean, keepalive: 0 };
  send({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, ...login, ...(will && { will }) });
  const { sessionPresent } = await next('connack');
  return {
    sessionPresent,
    send,
    next,
    received,
    closed,
    async [Symbol.asyncDispose]() {
      socket.destroy();
      await closed;
    },
  };
}

const start = async () => {
  const gateway = await startTestGateway();
  const terminal = await makeTerminal(gateway.admin, { id: 'A', profile: 'gas-boiler' });
  return { gateway, terminal, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() };
};

const COMMANDS = 'terminals/A/commands';
const subscribe = (qos: 0 | 1 | 2): Packet => ({
  cmd: 'subscribe',
  messageId: 1,
  subscriptions: [{ topic: COMMANDS, qos }],
});

test('a session is present when it was kept, and gone after a clean one [MQTT-3.1.2-6, MQTT-3.2.2-2]', async () => {
  await using at = await start();
  const present = [];
  for (const clean of [false, false, true, false]) {
    await using client = await openClient(at.gateway, at.terminal, clean);
    present.push(client.sessionPresent);
    client.send(subscribe(1));
    await client.next('suback');
  }
  expect(present).toEqual([false, true, false, false]);
});

test('each filter of a SUBSCRIBE is answered in its place, a foreign one with 0x80 [MQTT-3.9.3-1, MQTT-3.9.3-2]', async () => {
  await using at = await start();
  await using client = await openClient(at.gateway, at.terminal, true);
  const filters = ['terminals/A/replies', '#', COMMANDS, 'terminals/B/commands', '$share/x/terminals/A/commands'];
  client.send({ cmd: 'subscribe', messageId: 77, subscriptions: filters.map((topic) => ({ topic, qos: 1 })) });
  expect(await client.next('suback')).toMatchObject({ messageId: 77, granted: [1, 128, 1, 128, 128] });
});

test.each([0, 1, 2] as const)(
  'a command comes with the lower of its QoS and that of the subscription, which is %i [MQTT-3.8.4-6]',
  async (qos) => {
    await using at = await start();
    await using client = await openClient(at.gateway, at.terminal, true);
    client.send(subscribe(qos));
    await client.next('suback');
    await at.gateway.admin.command('A', { command: 'setpoint', value: 20 });
    expect(await client.next('publish')).toMatchObject({
      topic: COMMANDS,
      qos: Math.min(qos, 1),
      retain: false,
      dup: false,
    });
  },
);

test('after an UNSUBSCRIBE no command comes [MQTT-3.10.4-1, MQTT-3.10.4-4]', async () => {
  await using at = await start();
  await using client = await openClient(at.gateway, at.terminal, true);
  client.send(subscribe(1));
  await client.next('suback');
  client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: [COMMANDS] });
  expect(await client.next('unsuback')).toMatchObject({ messageId: 2 });
  const { body } = await at.gateway.admin.command('A', { command: 'setpoint', value: 20 });
  client.send({ cmd: 'pingreq' });
  await client.next('pingresp');
  expect(client.received).toEqual([]);
  expect((await at.gateway.admin.commandState(body.id)).state).toBe('queued');
});

test('a will is published when the connection breaks, and not after a DISCONNECT [MQTT-3.1.2-8, MQTT-3.14.4-3]', async () => {
  await using at = await start();
  const will: Will = { topic: 'terminals/A/status', payload: Buffer.from('{"online":false}'), qos: 1, retain: true };
  const status = async () => (await at.gateway.admin.latest('A')).status;
  for (const [how, after] of [
    ['disconnect', 'online'],
    ['break', 'offline'],
  ]) {
    const client = await openClient(at.gateway, at.terminal, true, will);
    client.send({
      cmd: 'publish',
      topic: will.topic,
      payload: '{"online":true}',
      qos: 1,
      messageId: 1,
      dup: false,
      retain: false,
    });
    await client.next('puback');
    if (how === 'disconnect') {
      client.send({ cmd: 'disconnect' });
      await client.closed;
    } else await client[Symbol.asyncDispose]();
    expect(await eventually(async () => (await status()) === after)).toBe(true);
  }
});

test('a command that a broken connection took with it is not sent again to the session that is resumed: it may be too late', async () => {
  await using at = await start();
  {
    await using client = await openClient(at.gateway, at.terminal, false);
    client.send(subscribe(1));
    await client.next('suback');
    await at.gateway.admin.command('A', { command: 'setpoint', value: 20 });
    await client.next('publish');
  }
  await using resumed = await openClient(at.gateway, at.terminal, false);
  expect(resumed.sessionPresent).toBe(true);
  resumed.send({ cmd: 'pingreq' });
  await resumed.next('pingresp');
  expect(resumed.received).toEqual([]);
});
