import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { generate } from 'mqtt-packet';
import { describe, expect, test } from 'vitest';
import type { SecurityEventView } from '../../src/http/schemas/security.ts';
import { heldClock } from '../helpers/clock.ts';
import {
  closed,
  connectTerminal,
  makeHousehold,
  makeTerminal,
  type Overrides,
  publish,
  sendReading,
  startTestGateway,
  type TestGateway,
} from '../helpers/gateway.ts';
import { loginPacket } from '../helpers/login.ts';
import { eventually } from '../helpers/temp.ts';

const boiler = (gateway: TestGateway, id: string) => makeTerminal(gateway.admin, { id, profile: 'gas-boiler' });

const withMqtt = (mqtt: NonNullable<Overrides['mqtt']>) => startTestGateway({ overrides: { mqtt } });

const listed = async ({ admin }: TestGateway, query = '') =>
  (await admin.get<{ items: SecurityEventView[] }>(`/security-events${query}`)).body.items;

/** They are written within a second. */
const recorded = (gateway: TestGateway, kind: string, count = 1) =>
  eventually(async () => (await listed(gateway, `?kind=${kind}`)).find((event) => event.count >= count));

const socketTo = ({ mqttPort }: { mqttPort: number }): Socket => {
  const socket = connectTcp(mqttPort, '127.0.0.1');
  socket.on('error', () => undefined);
  return socket;
};

/** The first answer to a CONNECT. */
async function answerTo(gateway: TestGateway, packet: Buffer): Promise<number[]> {
  const socket = socketTo(gateway);
  socket.write(packet);
  const [answer] = await once(socket, 'data');
  socket.destroy();
  return [...answer];
}

describe('what nobody may is recorded, with who it was and from where', () => {
  test('a wrong secret, many times in one row', async () => {
    await using gateway = await startTestGateway();
    await boiler(gateway, 'A');
    for (let n = 0; n < 3; n += 1) expect(await answerTo(gateway, loginPacket('A', 'guess'))).toEqual([0x20, 2, 0, 4]);
    expect(await recorded(gateway, 'wrong_credentials', 3)).toMatchObject({
      terminalId: 'A',
      address: '127.0.0.1',
      count: 3,
    });
    const metrics = await (await fetch(`${gateway.origin}/metrics`)).text();
    expect(metrics).toContain('hearthgate_security_events_total{kind="wrong_credentials"} 3');
  });

  test('the credentials of one terminal under the id of another', async () => {
    await using gateway = await startTestGateway();
    const one = await boiler(gateway, 'A');
    await boiler(gateway, 'B');
    await expect(connectTerminal(gateway, one, { clientId: 'B' })).rejects.toThrow(/identifier/i);
    expect(await recorded(gateway, 'wrong_id')).toMatchObject({
      terminalId: 'A',
      detail: expect.stringContaining('B'),
    });
  });

  test.each([
    [
      'publishing for another',
      (c: Awaited<ReturnType<typeof connectTerminal>>) => void c.publish('terminals/B/readings', '{}', { qos: 1 }),
    ],
    [
      'subscribing to another’s commands',
      (c: Awaited<ReturnType<typeof connectTerminal>>) => void c.subscribe('terminals/B/commands'),
    ],
    ['subscribing to everything', (c: Awaited<ReturnType<typeof connectTerminal>>) => void c.subscribe('#')],
    [
      'subscribing to what the broker tells of itself',
      (c: Awaited<ReturnType<typeof connectTerminal>>) => void c.subscribe('$SYS/#'),
    ],
    [
      'subscribing as one of several',
      (c: Awaited<ReturnType<typeof connectTerminal>>) => void c.subscribe('$share/g/terminals/A/commands'),
    ],
  ])('%s', async (_what, act) => {
    await using gateway = await startTestGateway();
    const client = await connectTerminal(gateway, await boiler(gateway, 'A'));
    await boiler(gateway, 'B');
    client.on('error', () => undefined);
    act(client);
    expect(await recorded(gateway, 'foreign_topic')).toMatchObject({ terminalId: 'A' });
    client.end(true);
  });

  test('a will on a topic of another, which is refused at the login', async () => {
    await using gateway = await startTestGateway();
    const one = await boiler(gateway, 'A');
    await boiler(gateway, 'B');
    const will = {
      topic: 'terminals/B/status',
      payload: Buffer.from('{"online":false}'),
      qos: 1 as const,
      retain: false,
    };
    await expect(connectTerminal(gateway, one, { will })).rejects.toThrow(/[Nn]ot authorized/);
    expect(await recorded(gateway, 'foreign_topic')).toMatchObject({ terminalId: 'A' });
  });

  test('what is no MQTT', async () => {
    await using gateway = await startTestGateway();
    const socket = socketTo(gateway);
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve));
    expect(await recorded(gateway, 'malformed')).toMatchObject({ terminalId: null, address: '127.0.0.1' });
  });

  test('and shown to the terminal’s company and to admins only', async () => {
    await using gateway = await startTestGateway();
    const mine = await makeHousehold(gateway);
    const theirs = await makeHousehold(gateway);
    await makeTerminal(gateway.admin, { id: 'A', profile: 'gas-boiler', householdId: mine.household.id });
    await answerTo(gateway, loginPacket('A', 'guess'));
    await answerTo(gateway, loginPacket('nobody', 'guess'));
    await recorded(gateway, 'wrong_credentials');
    const seenBy = async (user: typeof mine.clerk) => {
      const { status, body } = await user.get<{ items: SecurityEventView[] }>('/security-events');
      return status === 200 ? body.items.map(({ terminalId }) => terminalId) : status;
    };
    expect(await eventually(async () => (await seenBy(gateway.admin)).toString() === 'nobody,A')).toBe(true);
    expect([await seenBy(mine.clerk), await seenBy(theirs.clerk)]).toEqual([['A'], []]);
    expect([await seenBy(mine.operator), await seenBy(mine.resident)]).toEqual([403, 403]);
  });
});

describe('two clients with one id', () => {
  test('the second takes the place of the first when it has the secret, and only then', async () => {
    await using gateway = await startTestGateway();
    const terminal = await boiler(gateway, 'A');
    const first = await connectTerminal(gateway, terminal);
    const end = closed(first);
    await expect(connectTerminal(gateway, terminal, { password: 'wrong' })).rejects.toThrow(/bad user/i);
    await sendReading(first, 'A', { room_c: 20 });
    const second = await connectTerminal(gateway, terminal);
    await end;
    await sendReading(second, 'A', { room_c: 21 });
    expect(await recorded(gateway, 'takeover')).toMatchObject({ terminalId: 'A' });
    second.end(true);
  });

  test('that throw each other out: the newcomer is kept out for minutes, and the one that is there stays', async () => {
    await using gateway = await withMqtt({ takeoversPerMinute: 2 });
    const terminal = await boiler(gateway, 'A');
    let present = await connectTerminal(gateway, terminal);
    for (let n = 0; n < 2; n += 1) present = await connectTerminal(gateway, terminal);
    await expect(connectTerminal(gateway, terminal)).rejects.toThrow(/unavailable/);
    await expect(connectTerminal(gateway, terminal)).rejects.toThrow(/unavailable/);
    await sendReading(present, 'A', { room_c: 20 });
    expect(await recorded(gateway, 'flapping', 2)).toMatchObject({ terminalId: 'A' });
    const end = closed(present);
    present.end(true);
    await end;
    // When nobody is there any more, it is no longer in anybody's way.
    await eventually(() => connectTerminal(gateway, terminal).then((client) => client.end(true)));
  });
});

test('a token of another dialect that is the id of a terminal opens nothing and shuts nobody out', async () => {
  await using gateway = await startTestGateway();
  const id = 'gas-boiler-000001';
  const terminal = await boiler(gateway, id);
  const body = { id: 'TB', profile: 'thingsboard-heater', connection: { type: 'mqtt' }, secret: id };
  expect((await gateway.admin.post('/terminals', body)).status).toBe(201);
  await expect(connectTerminal(gateway, { id, secret: '' })).rejects.toThrow(/bad user/i);
  const client = await connectTerminal(gateway, terminal);
  await sendReading(client, id, { room_c: 20 });
  client.end(true);
});

test('a client may not subscribe to more than a concentrator needs, nor to words that mean nothing', async () => {
  await using gateway = await startTestGateway();
  const client = await connectTerminal(gateway, await boiler(gateway, 'A'));
  const granted = await client
    .subscribeAsync(['terminals/A/anything', 'terminals/A/commands'])
    .catch((error) => String(error));
  expect(granted).toContain('Unspecified error');
  client.end(true);
});

test('a terminal that connects again and again is kept out for a while', async () => {
  await using gateway = await withMqtt({ loginsPerMinute: 3 });
  const terminal = await boiler(gateway, 'A');
  for (let n = 0; n < 3; n += 1) await (await connectTerminal(gateway, terminal)).endAsync();
  await expect(connectTerminal(gateway, terminal)).rejects.toThrow(/unavailable/);
  expect(await recorded(gateway, 'flapping')).toMatchObject({ terminalId: 'A' });
});

test('after many wrong secrets the answer is late, and the terminal itself gets in at once', async () => {
  const clock = heldClock(Date.now());
  await using gateway = await startTestGateway({ clock, overrides: { mqtt: { wrongLoginsPerMinute: 2 } } });
  const terminal = await boiler(gateway, 'A');
  for (let n = 0; n < 2; n += 1) await answerTo(gateway, loginPacket('A', 'guess'));
  const socket = socketTo(gateway);
  let answered = false;
  socket.on('data', () => {
    answered = true;
  });
  socket.write(loginPacket('A', 'guess'));
  // Over the same line and after it.
  const right = await connectTerminal(gateway, terminal);
  right.end(true);
  expect(answered).toBe(false);
  const end = new Promise((resolve) => socket.once('close', resolve));
  await clock.advance(3_000);
  await end;
  expect(answered).toBe(true);
});

describe('those who say nothing', () => {
  test('are cut after ten seconds, however slowly they go on', async () => {
    const clock = heldClock(Date.now());
    await using gateway = await startTestGateway({ clock });
    const silent = socketTo(gateway);
    const slow = socketTo(gateway);
    await Promise.all([once(silent, 'connect'), once(slow, 'connect')]);
    const ends = [silent, slow].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    const bytes = loginPacket('A', 'x'.repeat(200));
    for (let n = 0; n < 5; n += 1) {
      slow.write(bytes.subarray(n, n + 1));
      await clock.advance(1_900);
    }
    expect(slow.closed).toBe(false);
    await clock.advance(2_100);
    await Promise.all(ends);
  });

  test('make place for others when they are many, so that a terminal gets in among them', async () => {
    await using gateway = await withMqtt({ waitingConnections: 20 });
    const terminal = await boiler(gateway, 'A');
    const silent = Array.from({ length: 100 }, () => socketTo(gateway));
    await Promise.all(silent.map((socket) => once(socket, 'connect')));
    const client = await connectTerminal(gateway, terminal);
    await sendReading(client, 'A', { room_c: 20 });
    await eventually(() => silent.filter(({ closed: ended }) => !ended).length <= 20);
    expect(await recorded(gateway, 'too_many_connections', 80)).toMatchObject({ address: '127.0.0.1' });
    client.end(true);
    for (const socket of silent) socket.destroy();
  });
});

test('of one address, only so many may be connected', async () => {
  await using gateway = await withMqtt({ connectionsPerAddress: 2 });
  const [one, two, three] = await Promise.all(['A', 'B', 'C'].map((id) => boiler(gateway, id)));
  if (!one || !two || !three) throw new Error('no terminals');
  const first = await connectTerminal(gateway, one);
  const second = await connectTerminal(gateway, two);
  const refused = socketTo(gateway);
  await new Promise((resolve) => refused.once('close', resolve));
  await first.endAsync();
  const third = await eventually(() => connectTerminal(gateway, three));
  for (const client of [second, third]) client.end(true);
});

test('a terminal that floods is slowed down and loses nothing, while another is answered', async () => {
  await using gateway = await withMqtt({ messagesPerSecond: 100 });
  const loud = await connectTerminal(gateway, await boiler(gateway, 'A'));
  const other = await connectTerminal(gateway, await boiler(gateway, 'B'));
  const start = Date.now();
  const sent = Array.from({ length: 1_150 }, (_, n) =>
    publish(loud, 'terminals/A/readings', { time: start - n, values: { room_c: 20 } }),
  );
  await recorded(gateway, 'flood');
  await sendReading(other, 'B', { room_c: 20 });
  await Promise.all(sent);
  // A thousand at once, and the rest at a hundred a second.
  expect(Date.now() - start).toBeGreaterThan(1_000);
  for (const client of [loud, other]) client.end(true);
});

test('a removed terminal is cut at once, and its secret is worth nothing', async () => {
  await using gateway = await startTestGateway();
  const terminal = await boiler(gateway, 'A');
  const client = await connectTerminal(gateway, terminal, { clean: false });
  const end = closed(client);
  await gateway.admin.delete('/terminals/A');
  await end;
  await expect(connectTerminal(gateway, terminal, { clean: false })).rejects.toThrow(/bad user/i);
});

test('a message with QoS 2 is known also when its connection had taken the place of another', async () => {
  await using gateway = await startTestGateway();
  const { secret } = await boiler(gateway, 'A');
  const login = { clientId: 'A', username: 'A', password: Buffer.from(secret), clean: false, keepalive: 0 };
  const hello = generate({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, ...login });
  const payload = JSON.stringify({ time: Date.now(), values: { room_c: 20 } });
  const common = { cmd: 'publish', topic: 'terminals/A/readings', qos: 2, messageId: 5, retain: false } as const;
  const sockets: Socket[] = [];
  for (let turn = 0; turn < 3; turn += 1) {
    const socket = socketTo(gateway);
    sockets.push(socket);
    socket.write(hello);
    await once(socket, 'data');
    // The connection before is cut by this one, and its end comes after the new one's beginning.
    if (turn > 0 && !sockets[turn - 1]?.closed) await once(sockets[turn - 1] ?? socket, 'close');
    if (turn === 0) continue;
    socket.write(generate({ ...common, payload, dup: turn > 1 }));
    expect([...(await once(socket, 'data'))[0]]).toEqual([0x50, 2, 0, 5]);
  }
  for (const socket of sockets) socket.destroy();
  const metrics = await (await fetch(`${gateway.origin}/metrics`)).text();
  expect(metrics).toMatch(/^hearthgate_readings_total 1$/m);
});

test('a message with QoS 2 is stored once, also when its session goes on over another connection', async () => {
  await using gateway = await startTestGateway();
  const { secret } = await boiler(gateway, 'A');
  const hello = generate({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clientId: 'A',
    username: 'A',
    password: Buffer.from(secret),
    clean: false,
    keepalive: 0,
  });
  const payload = JSON.stringify({ time: Date.now(), values: { room_c: 20 } });
  const message = {
    cmd: 'publish',
    topic: 'terminals/A/readings',
    qos: 2,
    messageId: 5,
    retain: false,
    payload,
  } as const;
  for (const dup of [false, true]) {
    const socket = socketTo(gateway);
    socket.write(hello);
    await once(socket, 'data');
    socket.write(generate({ ...message, dup }));
    expect([...(await once(socket, 'data'))[0]]).toEqual([0x50, 2, 0, 5]);
    if (dup) {
      socket.write(generate({ cmd: 'pubrel', messageId: 5 }));
      expect([...(await once(socket, 'data'))[0]]).toEqual([0x70, 2, 0, 5]);
    }
    const end = new Promise((resolve) => socket.once('close', resolve));
    socket.destroy();
    await end;
  }
  const metrics = await (await fetch(`${gateway.origin}/metrics`)).text();
  expect(metrics).toMatch(/^hearthgate_readings_total 1$/m);
});
