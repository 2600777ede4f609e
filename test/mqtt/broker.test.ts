import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { generate, parser } from 'mqtt-packet';
import { describe, expect, test } from 'vitest';
import type { Quarantined } from '../../src/http/schemas/readings.ts';
import {
  closed,
  connectTerminal,
  makeTerminal,
  publish,
  sendReading,
  startTestGateway,
  type TestGateway,
} from '../helpers/gateway.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';

const quarantined = async ({ admin }: TestGateway, id: string) =>
  (await admin.get<{ items: Quarantined[] }>(`/quarantine?terminalId=${id}`)).body.items;

const boiler = (gateway: TestGateway, id: string) => makeTerminal(gateway.admin, { id, profile: 'gas-boiler' });

describe('who may connect', () => {
  test.each([
    ['a wrong secret', { password: 'wrong' }],
    ['no secret', { password: '' }],
    ['an unknown user name', { username: 'nobody' }],
    ['the id of another terminal as client id', { clientId: 'B' }],
  ])('%s is refused', async (_case, options) => {
    await using gateway = await startTestGateway();
    const terminal = await boiler(gateway, 'A');
    await boiler(gateway, 'B');
    await expect(connectTerminal(gateway, terminal, options)).rejects.toThrow(/[Nn]ot authorized|Identifier|Bad/);
  });

  test('a Modbus terminal has no secret, so nobody connects as one', async () => {
    await using gateway = await startTestGateway();
    await makeTerminal(gateway.admin, {
      id: 'M',
      profile: 'eastron-sdm120',
      connection: { type: 'modbus', line: { host: '127.0.0.1', port: 9 }, unit: 1 },
    });
    await expect(connectTerminal(gateway, { id: 'M', secret: '' })).rejects.toThrow(/not authorized|bad user/i);
  });

  test('a stranger that announces a packet of 256 MiB is cut off after a few kilobytes', async () => {
    await using gateway = await startTestGateway();
    const socket = connectTcp(gateway.mqttPort, '127.0.0.1');
    socket.on('error', () => undefined);
    const end = new Promise((resolve) => socket.once('close', resolve));
    socket.write(Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]));
    socket.write(Buffer.alloc(1_000_000));
    await end;
    expect(await gateway.admin.get('/me')).toMatchObject({ status: 200 });
  });

  test('a backfill that follows the login at once, or even comes before its answer, is taken', async () => {
    await using gateway = await startTestGateway();
    const { secret } = await boiler(gateway, 'A');
    const many = Array.from({ length: 500 }, (_, n) => ({ time: Date.now() - n * 1_000, values: { room_c: 20 } }));
    for (let round = 0; round < 20; round += 1) {
      const socket = connectTcp(gateway.mqttPort, '127.0.0.1');
      const acknowledged = new Promise<void>((resolve, reject) => {
        const packets = parser();
        packets.on('packet', ({ cmd }) => cmd === 'puback' && resolve());
        socket.on('data', (data) => packets.parse(data));
        socket.on('close', () => reject(new Error('cut')));
      });
      const login = { clientId: 'A', username: 'A', password: Buffer.from(secret) };
      const hello = generate({
        cmd: 'connect',
        protocolId: 'MQTT',
        protocolVersion: 4,
        clean: true,
        keepalive: 0,
        ...login,
      });
      const message = {
        cmd: 'publish',
        topic: 'terminals/A/readings',
        qos: 1,
        messageId: 1,
        dup: false,
        retain: false,
      } as const;
      socket.write(hello);
      if (round % 2 === 0) await once(socket, 'data');
      socket.write(generate({ ...message, payload: JSON.stringify(many) }));
      await acknowledged;
      socket.destroy();
    }
  });

  test('a terminal that leaves while its login is under way does not count as connected', async () => {
    await using gateway = await startTestGateway();
    const { secret } = await boiler(gateway, 'A');
    const login = { clientId: 'A', username: 'A', password: Buffer.from(secret), clean: true, keepalive: 0 };
    const hello = generate({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, ...login });
    const connections = async () => {
      const answer = await fetch(`${gateway.origin}/metrics`);
      return /^hearthgate_mqtt_connections (\d+)$/m.exec(await answer.text())?.[1];
    };
    for (let round = 0; round < 20; round += 1) {
      const socket = connectTcp(gateway.mqttPort, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.resume();
      const cut = new Promise((resolve) => socket.once('close', resolve));
      socket.end(hello);
      await cut;
    }
    expect(await eventually(async () => (await connections()) === '0')).toBe(true);
  });

  test('an MQTT 5 client is refused with a code from which it can fall back to 3.1.1', async () => {
    await using gateway = await startTestGateway();
    const socket = connectTcp(gateway.mqttPort, '127.0.0.1');
    // CONNECT of protocol level 5, client id "A", no properties.
    socket.write(Buffer.from([0x10, 0x0e, 0, 4, 0x4d, 0x51, 0x54, 0x54, 5, 2, 0, 60, 0, 0, 1, 0x41]));
    const [answer] = await once(socket, 'data');
    // CONNACK with return code 1, unacceptable protocol version [MQTT-3.1.2-2].
    expect(answer).toEqual(Buffer.from([0x20, 2, 0, 1]));
    socket.destroy();
  });
});

describe('what a terminal may do', () => {
  test('publishing under another terminal’s id closes the connection and stores nothing', async () => {
    await using gateway = await startTestGateway();
    const terminal = await boiler(gateway, 'A');
    await boiler(gateway, 'B');
    const client = await connectTerminal(gateway, terminal);
    const end = closed(client);
    client.publish('terminals/B/readings', JSON.stringify({ time: Date.now(), values: { room_c: 20 } }), { qos: 1 });
    await end;
    await client.endAsync(true);
    expect((await gateway.admin.latest('B')).status).toBe('unknown');
  });

  test.each([
    '#',
    '$SYS/#',
    'terminals/#',
    'terminals/+/commands',
    'terminals/B/commands',
    '$share/x/terminals/B/commands',
  ])('subscribing to %s is refused', async (topic) => {
    await using gateway = await startTestGateway();
    const terminal = await boiler(gateway, 'A');
    await boiler(gateway, 'B');
    const client = await connectTerminal(gateway, terminal);
    const refused = await client.subscribeAsync(topic, { qos: 1 }).then(
      (granted) => granted.every(({ qos }) => qos === 128),
      () => true,
    );
    expect(refused).toBe(true);
    await client.endAsync(true);
  });

  test('a concentrator speaks for the terminals that name it, and for no others', async () => {
    await using gateway = await startTestGateway();
    const concentrator = await boiler(gateway, 'hub');
    await makeTerminal(gateway.admin, { id: 'child', profile: 'gas-meter', connection: { type: 'mqtt', via: 'hub' } });
    await boiler(gateway, 'stranger');
    const client = await connectTerminal(gateway, concentrator);
    expect(await client.subscribeAsync('terminals/child/commands', { qos: 1 })).toMatchObject([{ qos: 1 }]);
    await sendReading(client, 'child', { gas_m3: 12.5 });
    expect((await gateway.admin.latest('child')).values['gas_m3']?.value).toBe(12.5);
    const end = closed(client);
    client.publish('terminals/stranger/readings', '{}', { qos: 1 });
    await end;
    await client.endAsync(true);
  });
});

describe('bad data is quarantined and acknowledged', () => {
  test.each([
    ['no JSON', 'room=20', 'bad_json'],
    ['an empty message', '', 'bad_json'],
    ['a list of numbers', '[1,2]', 'bad_payload'],
    ['a time in the future', '{"time":"2099-01-01T00:00:00Z","values":{"room_c":20}}', 'future_time'],
    ['an unknown metric', '{"time":1795500000000,"values":{"shoe_size":44}}', 'unknown_metric'],
    ['a wrong type', '{"time":1795500000000,"values":{"room_c":"20"}}', 'wrong_type'],
    ['out of range', '{"time":1795500000000,"values":{"room_c":200}}', 'out_of_range'],
  ])('%s', async (_case, payload, reason) => {
    await using gateway = await startTestGateway();
    const client = await connectTerminal(gateway, await boiler(gateway, 'A'));
    await publish(client, 'terminals/A/readings', payload);
    // The connection lives on, so the same bytes do not come again for ever.
    await sendReading(client, 'A', { room_c: 21 });
    await client.endAsync();
    const [item] = await quarantined(gateway, 'A');
    expect(item).toMatchObject({ terminalId: 'A', reason, frame: payload });
    expect((await gateway.admin.latest('A')).values['room_c']?.value).toBe(21);
  });

  test('a message over the limit, which would otherwise come again for ever', async () => {
    await using gateway = await startTestGateway();
    const client = await connectTerminal(gateway, await boiler(gateway, 'A'));
    await publish(client, 'terminals/A/readings', 'x'.repeat(300_000));
    const whole = Array.from({ length: 1_000 }, (_, n) => ({
      time: Date.now() - n * 60_000,
      values: {
        supply_c: 55.5,
        return_c: 42.1,
        room_c: 19.8,
        setpoint_c: 20,
        pressure_bar: 1.6,
        gas_m3: 812.35,
        power_on: true,
      },
    }));
    await publish(client, 'terminals/A/readings', whole);
    await client.endAsync();
    expect((await quarantined(gateway, 'A')).map(({ reason }) => reason)).toEqual(['too_large']);
    expect((await gateway.admin.latest('A')).values['room_c']?.value).toBe(19.8);
  });

  test('also in status, events and replies', async () => {
    await using gateway = await startTestGateway();
    const client = await connectTerminal(gateway, await boiler(gateway, 'A'));
    for (const what of ['status', 'events', 'replies'])
      await publish(client, `terminals/A/${what}`, '{"online":"yes"}');
    await client.endAsync();
    expect((await quarantined(gateway, 'A')).map(({ reason }) => reason)).toEqual([
      'bad_payload',
      'bad_payload',
      'bad_payload',
    ]);
  });
});

test('when the spool takes no more, a reading is not acknowledged and the gateway says that it is degraded', async () => {
  await using gateway = await startTestGateway({ overrides: { readings: { spoolMaxBytes: 1, storeWaitMs: 60_000 } } });
  const terminal = await boiler(gateway, 'A');
  const first = await connectTerminal(gateway, terminal);
  await sendReading(first, 'A', { room_c: 20 });
  const end = closed(first);
  let acknowledged = false;
  first.publish(
    'terminals/A/readings',
    JSON.stringify({ time: Date.now(), values: { room_c: 21 } }),
    { qos: 1 },
    (error) => {
      acknowledged = !error;
    },
  );
  await end;
  await first.endAsync(true);
  expect(acknowledged).toBe(false);
  expect((await gateway.admin.latest('A')).values['room_c']?.value).toBe(20);
  const ready = await fetch(`${gateway.origin}/health/ready`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({ status: 'degraded' });
});

describe('presence', () => {
  test('is unknown before the first reading, online after it, and offline when the will says so', async () => {
    await using gateway = await startTestGateway();
    const terminal = await boiler(gateway, 'A');
    expect(await gateway.admin.latest('A')).toEqual({ status: 'unknown', lastSeenAt: null, values: {} });
    const will = {
      topic: 'terminals/A/status',
      payload: Buffer.from('{"online":false}'),
      qos: 1 as const,
      retain: false,
    };
    const client = await connectTerminal(gateway, terminal, { will });
    await sendReading(client, 'A', { room_c: 20 });
    expect((await gateway.admin.latest('A')).status).toBe('online');
    client.stream.destroy();
    await eventually(async () => (await gateway.admin.latest('A')).status === 'offline');
    await client.endAsync(true);
  });

  test('an old reading that comes late is no sign of life, and does not become the latest value', async () => {
    await using gateway = await startTestGateway();
    const client = await connectTerminal(gateway, await boiler(gateway, 'A'));
    await sendReading(client, 'A', { room_c: 15 }, Date.now() - 3_600_000);
    expect((await gateway.admin.latest('A')).status).toBe('offline');
    await sendReading(client, 'A', { room_c: 20 });
    await sendReading(client, 'A', { room_c: 16 }, Date.now() - 60_000);
    await client.endAsync();
    expect(await gateway.admin.latest('A')).toMatchObject({ status: 'online', values: { room_c: { value: 20 } } });
  });
});

test('a late reading neither closes an alarm nor makes one older than it is', async () => {
  await using gateway = await startTestGateway();
  const client = await connectTerminal(gateway, await boiler(gateway, 'A'));
  const now = Date.now();
  const open = async () => (await gateway.admin.get<{ items: object[] }>('/alarms?state=open')).body.items.length;
  await sendReading(client, 'A', { room_c: 4 }, now - 700_000);
  expect(await open()).toBe(0);
  // The alarm is for ten minutes below 5 °C.
  await sendReading(client, 'A', { room_c: 4 }, now);
  expect(await open()).toBe(1);
  await sendReading(client, 'A', { room_c: 20 }, now - 86_400_000);
  expect(await open()).toBe(1);
  await sendReading(client, 'A', { room_c: 6 }, now + 1);
  expect(await open()).toBe(0);
  await sendReading(client, 'A', { room_c: 4 }, now - 3_000_000);
  await sendReading(client, 'A', { room_c: 4 }, now + 2);
  expect(await open()).toBe(0);
  await client.endAsync();
});

test('a terminal that invents events fills its own list only, and the rest is quarantined', async () => {
  await using gateway = await startTestGateway();
  const client = await connectTerminal(gateway, await boiler(gateway, 'A'));
  for (let n = 0; n < 25; n += 1)
    await publish(client, 'terminals/A/events', { time: Date.now(), event: `event_${n}` });
  await client.endAsync();
  const { body } = await gateway.admin.get<{ items: object[] }>('/alarms?state=open');
  expect(body.items).toHaveLength(20);
  expect((await quarantined(gateway, 'A')).map(({ reason }) => reason)).toEqual(Array(5).fill('too_many_alarms'));
});

test('an event raises an alarm that an operator can acknowledge', async () => {
  await using gateway = await startTestGateway();
  const client = await connectTerminal(gateway, await boiler(gateway, 'A'));
  await publish(client, 'terminals/A/events', { time: Date.now(), event: 'gas_leak', data: { ppm: 120, at: '厨房' } });
  await client.endAsync();
  const { body } = await gateway.admin.get<{ items: { id: string }[] }>('/alarms?state=open');
  expect(body.items).toMatchObject([
    { terminalId: 'A', alarm: 'gas_leak', severity: 'critical', state: 'open', data: { ppm: 120, at: '厨房' } },
  ]);
  await gateway.admin.post(`/alarms/${body.items[0]?.id}/acknowledge`);
  expect((await gateway.admin.get<{ items: object[] }>('/alarms?state=open')).body.items).toEqual([]);
});

test('an event that says too much raises its alarm all the same, and the message is kept', async () => {
  await using gateway = await startTestGateway();
  const client = await connectTerminal(gateway, await boiler(gateway, 'A'));
  const data = { log: 'x'.repeat(3_000) };
  await publish(client, 'terminals/A/events', { time: Date.now(), event: 'gas_leak', data });
  await client.endAsync();
  const { body } = await gateway.admin.get<{ items: object[] }>('/alarms?state=open');
  expect(body.items).toMatchObject([{ alarm: 'gas_leak', data: null }]);
  const [kept] = await quarantined(gateway, 'A');
  expect([kept?.reason, JSON.parse(kept?.frame ?? '{}').data]).toEqual(['too_large', data]);
});

test('what is nested too deeply to be written is acknowledged and quarantined, and the gateway goes on', async () => {
  await using gateway = await startTestGateway();
  const client = await connectTerminal(gateway, await boiler(gateway, 'A'));
  const nested = '['.repeat(50_000) + ']'.repeat(50_000);
  await client.publishAsync('terminals/A/readings', nested, { qos: 1 });
  await client.publishAsync('terminals/A/readings', nested, { qos: 2 });
  const event = `{"time":1,"event":"gas_leak","data":{"log":${nested}}}`;
  await client.publishAsync('terminals/A/events', event, { qos: 1 });
  await client.publishAsync('terminals/A/status', nested, { qos: 1 });
  await sendReading(client, 'A', { room_c: 20 });
  await client.endAsync();
  const reasons = (await quarantined(gateway, 'A')).map(({ reason }) => reason);
  expect(reasons.toSorted()).toEqual(['bad_payload', 'bad_payload', 'bad_payload', 'too_large']);
  expect((await gateway.admin.get<{ items: object[] }>('/alarms?state=open')).body.items).toHaveLength(1);
});

test('with a certificate, terminals connect over TLS as well', async () => {
  await using folder = await tempFolder();
  const [certFile, keyFile] = [join(folder.path, 'cert.pem'), join(folder.path, 'key.pem')];
  const options = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=localhost'];
  execFileSync('openssl', ['req', ...options, '-keyout', keyFile, '-out', certFile], { stdio: 'ignore' });
  await using gateway = await startTestGateway({
    overrides: { mqtt: { tls: { port: 0, certFile, keyFile, clientCertificates: 'none' } } },
  });
  const { id, secret } = await boiler(gateway, 'A');
  const client = await connectAsync(`mqtts://localhost:${gateway.mqttPorts[1]}`, {
    ca: readFileSync(certFile),
    clientId: id,
    username: id,
    password: secret,
    reconnectPeriod: 0,
  });
  await sendReading(client, 'A', { room_c: 20 });
  await client.endAsync();
  expect((await gateway.admin.latest('A')).values['room_c']?.value).toBe(20);
});

test('mosquitto_pub, as others use it, gets its acknowledgement', async ({ skip }) => {
  skip(!existsSync('/usr/bin/mosquitto_pub'), 'mosquitto-clients could not be installed');
  await using gateway = await startTestGateway();
  const { secret } = await boiler(gateway, 'A');
  const options = [
    '-p',
    String(gateway.mqttPort),
    '-i',
    'A',
    '-u',
    'A',
    '-P',
    secret,
    '-q',
    '1',
    '-t',
    'terminals/A/readings',
  ];
  const message = JSON.stringify({ time: new Date().toISOString(), values: { room_c: 19.5, power_on: true } });
  const [code] = await once(spawn('/usr/bin/mosquitto_pub', [...options, '-m', message]), 'exit');
  expect(code).toBe(0);
  expect((await gateway.admin.latest('A')).values).toMatchObject({ room_c: { value: 19.5 }, power_on: { value: 1 } });
});
