import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeHousehold, startTestGateway, type TestGateway } from '../../helpers/gateway.ts';
import { eventually } from '../../helpers/temp.ts';
import { command, connectAs, refusals, register, shown } from './stage.ts';

const TELEMETRY = 'v1/devices/me/telemetry';
const RPC = 'v1/devices/me/rpc/request/+';

async function heater(gateway: TestGateway, id = 'H1', filters: string[] = []) {
  const { username } = await register(gateway, { id, profile: 'thingsboard-heater' });
  return connectAs(gateway, { username, clientId: 'ESP32' }, filters);
}

describe('the token', () => {
  test('that a device has already is the only thing it shows', async () => {
    await using gateway = await startTestGateway();
    const token = 'A1b2C3d4E5f6G7h8I9j0';
    const login = await register(gateway, { id: 'H1', profile: 'thingsboard-heater', secret: token });
    expect(login).toEqual({ username: token, password: '' });
    await using device = await connectAs(gateway, { username: token });
    await device.say(TELEMETRY, { temperature: 20.5 });
    expect(await shown(gateway, 'H1')).toEqual({ room_c: 20.5 });
  });

  test.each([
    ['an unknown token', { username: 'A1b2C3d4E5f6G7h8I9jX' }],
    ['the terminal’s id', { username: 'H1' }],
    ['the terminal’s id with the token as password', { username: 'H1', password: 'A1b2C3d4E5f6G7h8I9j0' }],
    ['nothing', {}],
  ])('%s is refused', async (_case, login) => {
    await using gateway = await startTestGateway();
    await register(gateway, { id: 'H1', profile: 'thingsboard-heater', secret: 'A1b2C3d4E5f6G7h8I9j0' });
    await expect(connectAs(gateway, { clientId: 'H1', ...login })).rejects.toThrow(/[Nn]ot authorized|Bad/);
  });

  test('is as good as a name: not short, not that of another, and not for terminals of Hearthgate’s own', async () => {
    await using gateway = await startTestGateway();
    const secret = 'A1b2C3d4E5f6G7h8I9j0';
    await register(gateway, { id: 'H1', profile: 'thingsboard-heater', secret });
    await expect(register(gateway, { id: 'H2', profile: 'thingsboard-heater', secret })).rejects.toThrow('409');
    await expect(register(gateway, { id: 'H2', profile: 'thingsboard-heater', secret: 'TEST_TOKEN' })).rejects.toThrow(
      'at least 16',
    );
    await expect(register(gateway, { id: 'H2', profile: 'electric-heater', secret })).rejects.toThrow('400');
  });

  test('of a removed terminal is worth nothing', async () => {
    await using gateway = await startTestGateway();
    const { username } = await register(gateway, { id: 'H1', profile: 'thingsboard-heater' });
    await gateway.admin.delete('/terminals/H1');
    await expect(connectAs(gateway, { username })).rejects.toThrow(/[Nn]ot authorized|Bad/);
  });

  test('of an own terminal is no login of this kind', async () => {
    await using gateway = await startTestGateway();
    const { password } = await register(gateway, { id: 'B1', profile: 'gas-boiler' });
    await expect(connectAs(gateway, { username: password })).rejects.toThrow(/[Nn]ot authorized|Bad/);
  });
});

describe('what a device says', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway();
  });
  afterAll(() => gateway[Symbol.asyncDispose]());
  let devices = 0;
  async function newHeater(filters: string[] = []) {
    const id = `D${++devices}`;
    return Object.assign(await heater(gateway, id, filters), { id });
  }

  test.each([
    ['values at a time', { ts: 1_700_000_000_000, values: { temperature: 20.5, enabled: true } }],
    ['values of now', { temperature: 20.5, enabled: true }],
    ['an array of values', [{ temperature: 20.5 }, { enabled: true }]],
    ['an array of values at times', [{ ts: 1_700_000_000_000, values: { temperature: 20.5, enabled: true } }]],
  ])('%s', async (_case, payload) => {
    await using device = await newHeater();
    await device.say(TELEMETRY, payload);
    expect(await shown(gateway, device.id)).toEqual({ room_c: 20.5, power_on: 1 });
    expect(await refusals(gateway, device.id)).toEqual([]);
  });

  test.each<[string, unknown, string[]]>([
    ['no JSON', '{"temperature":', ['bad_json']],
    ['a number', 5, ['bad_payload']],
    ['an array of numbers', [1, 2], ['bad_payload']],
    ['a number in quotes', { temperature: '20.5' }, ['wrong_type room_c']],
    ['NaN, which is no JSON', '{"temperature":NaN}', ['bad_json']],
    ['more than any number', '{"temperature":1e400}', ['wrong_type room_c']],
    ['nothing where a value is', { temperature: null }, ['wrong_type room_c']],
    ['a temperature of 900', { temperature: 900 }, ['out_of_range room_c']],
    ['a state of 2', { enabled: 2 }, ['wrong_type power_on']],
    ['a key that the profile does not know', { humidity: 80 }, ['unknown_metric humidity']],
    [
      'a key of every object',
      '{"__proto__":1,"constructor":1}',
      ['unknown_metric __proto__', 'unknown_metric constructor'],
    ],
    ['seconds for milliseconds', { ts: 1_700_000_000, values: { temperature: 20 } }, ['bad_time']],
    ['a time in the future', { ts: 4_000_000_000_000, values: { temperature: 20 } }, ['future_time']],
    ['1,001 readings', Array.from({ length: 1_001 }, () => ({ temperature: 20 })), ['too_many_readings']],
    [
      'a nest of a hundred thousand arrays',
      `{"temperature":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
      ['bad_payload'],
    ],
  ])('%s is quarantined and acknowledged', async (_case, payload, reasons) => {
    await using device = await newHeater();
    await device.say(TELEMETRY, payload);
    expect(await refusals(gateway, device.id)).toEqual(reasons);
    await device.say(TELEMETRY, { temperature: 19 });
    expect(await shown(gateway, device.id)).toMatchObject({ room_c: 19 });
  });

  test('good values beside bad ones are kept', async () => {
    await using device = await newHeater();
    await device.say(TELEMETRY, { temperature: 20.5, humidity: 80, power: 'much' });
    expect(await shown(gateway, device.id)).toEqual({ room_c: 20.5 });
    expect(await refusals(gateway, device.id)).toEqual(['unknown_metric humidity', 'wrong_type power_kw']);
  });

  test('attributes are taken where the profile knows them, and asking for some is answered', async () => {
    await using device = await newHeater(['v1/devices/me/attributes/response/+']);
    await device.say('v1/devices/me/attributes', { enabled: true, firmwareVersion: 'v1.2.2' });
    expect(await shown(gateway, device.id)).toEqual({ power_on: 1 });
    expect(await refusals(gateway, device.id)).toEqual([]);
    await device.say('v1/devices/me/attributes/request/1', { sharedKeys: 'interval' });
    expect(await device.next('v1/devices/me/attributes/response/1')).toBe('{}');
  });

  test.each([
    'terminals/H1/readings',
    'v1/devices/H2/telemetry',
    '/sys/pk/H2/thing/event/property/post',
    'tele/H1/SENSOR',
  ])('publishing to %s ends the connection', async (topic) => {
    await using device = await newHeater();
    await device.isCutFor(topic, { temperature: 20.5 });
    expect(await shown(gateway, device.id)).toEqual({});
  });

  test.each(['#', 'v1/#', 'v1/devices/+/rpc/request/+', 'terminals/H1/commands', '$SYS/#'])(
    'subscribing to %s is refused',
    async (filter) => {
      await using device = await newHeater();
      await expect(device.client.subscribeAsync(filter)).rejects.toThrow('Unspecified error');
    },
  );
});

describe('a command', () => {
  test('is a call, acknowledged by its answer and confirmed by telemetry', async () => {
    await using gateway = await startTestGateway();
    await using device = await heater(gateway, 'H1', [RPC]);
    const given = await command(gateway, 'H1', 'power', 'on');
    const topic = `v1/devices/me/rpc/request/${given.sequence}`;
    expect(JSON.parse(await device.next(topic))).toEqual({ method: 'setEnabled', params: true });
    await given.until('sent');
    await device.say(`v1/devices/me/rpc/response/${given.sequence}`, { success: true });
    await given.until('acknowledged');
    await device.say(TELEMETRY, { enabled: false });
    expect((await given.until('acknowledged')).state).toBe('acknowledged');
    await device.say(TELEMETRY, { enabled: true });
    await given.until('confirmed');
  });

  test.each([{ success: false }, { error: 'heater is locked' }])(
    'that is answered by %o is rejected',
    async (answer) => {
      await using gateway = await startTestGateway();
      await using device = await heater(gateway, 'H1', [RPC]);
      const given = await command(gateway, 'H1', 'setpoint', 21.5);
      const text = await device.next(`v1/devices/me/rpc/request/${given.sequence}`);
      expect(JSON.parse(text)).toEqual({ method: 'setSetpoint', params: 21.5 });
      await device.say(`v1/devices/me/rpc/response/${given.sequence}`, answer);
      await given.until('rejected');
    },
  );

  test('waits for a device that has not subscribed, and the answer to another call does not count', async () => {
    await using gateway = await startTestGateway();
    await using device = await heater(gateway);
    const given = await command(gateway, 'H1', 'power', 'on');
    await device.say(TELEMETRY, { temperature: 20 });
    expect((await given.until('queued')).state).toBe('queued');
    await device.client.subscribeAsync(RPC);
    await device.next(`v1/devices/me/rpc/request/${given.sequence}`);
    await device.say('v1/devices/me/rpc/response/99', { success: false });
    expect((await given.until('sent')).state).toBe('sent');
  });

  test('that was sent is not sent again to a session that is resumed', async () => {
    await using gateway = await startTestGateway();
    const { username } = await register(gateway, { id: 'H1', profile: 'thingsboard-heater' });
    const login = { username, clientId: 'ESP32', clean: false };
    const device = await connectAs(gateway, login, [RPC]);
    // It leaves without having acknowledged the message.
    device.client.handleMessage = () => device.client.stream.destroy();
    const given = await command(gateway, 'H1', 'power', 'on');
    await given.until('sent');
    await eventually(() => !device.client.connected);
    await using again = await connectAs(gateway, login, [RPC]);
    await again.say(TELEMETRY, { temperature: 20 });
    expect(again.messages).toEqual([]);
  });
});

describe('a gateway', () => {
  async function hub(gateway: TestGateway, filters: string[] = []) {
    const { username } = await register(gateway, { id: 'GW', profile: 'thingsboard-heater' });
    const behind = (id: string, name: string) =>
      register(gateway, { id, profile: 'thingsboard-heater', connection: { via: 'GW', name } });
    await behind('HA', 'Device A');
    await behind('HB', 'Device B');
    await register(gateway, { id: 'OTHER', profile: 'thingsboard-heater' });
    await register(gateway, { id: 'GW2', profile: 'thingsboard-heater' });
    await register(gateway, { id: 'HC', profile: 'thingsboard-heater', connection: { via: 'GW2', name: 'Device C' } });
    return connectAs(gateway, { username }, filters);
  }

  test('tells of the devices behind it by their names', async () => {
    await using gateway = await startTestGateway();
    await using device = await hub(gateway);
    await device.say('v1/gateway/connect', { device: 'Device A' });
    expect((await gateway.admin.latest('HA')).status).toBe('online');
    await device.say('v1/gateway/telemetry', {
      'Device A': [
        { ts: Date.now() - 1_000, values: { temperature: 20 } },
        { ts: Date.now(), values: { temperature: 20.5 } },
      ],
      'Device B': [{ ts: Date.now(), values: { temperature: 18 } }],
    });
    await device.say('v1/gateway/attributes', { 'Device B': { enabled: true, model: 'X' } });
    expect(await shown(gateway, 'HA')).toEqual({ room_c: 20.5 });
    expect(await shown(gateway, 'HB')).toEqual({ room_c: 18, power_on: 1 });
    await device.say(TELEMETRY, { temperature: 25 });
    expect(await shown(gateway, 'GW')).toEqual({ room_c: 25 });
    await device.say('v1/gateway/disconnect', { device: 'Device A' });
    expect((await gateway.admin.latest('HA')).status).toBe('offline');
  });

  test('tells nothing of a device that is another’s, known or not, and the others are kept', async () => {
    await using gateway = await startTestGateway();
    await using device = await hub(gateway);
    const values = [{ ts: Date.now(), values: { temperature: 20 } }];
    await device.say('v1/gateway/telemetry', {
      'Device C': values,
      OTHER: values,
      HA: values,
      nobody: values,
      'Device A': values,
    });
    await device.say('v1/gateway/disconnect', { device: 'Device C' });
    expect(await shown(gateway, 'HA')).toEqual({ room_c: 20 });
    for (const id of ['HC', 'OTHER']) expect((await gateway.admin.latest(id)).status).toBe('unknown');
    expect(await refusals(gateway, 'GW')).toEqual(['bad_payload', 'bad_payload']);
  });

  test('of one company tells nothing of a device of another', async () => {
    await using gateway = await startTestGateway();
    const mine = await makeHousehold(gateway);
    const theirs = await makeHousehold(gateway);
    const login = { id: 'GW', profile: 'thingsboard-heater', householdId: mine.household.id };
    const { username } = await register(gateway, login);
    const connection = { via: 'GW', name: 'Device A' };
    await register(gateway, { id: 'HA', profile: 'thingsboard-heater', connection, householdId: theirs.household.id });
    await using device = await connectAs(gateway, { username }, ['v1/gateway/rpc']);
    await device.say('v1/gateway/telemetry', { 'Device A': [{ ts: Date.now(), values: { temperature: 20 } }] });
    expect((await gateway.admin.latest('HA')).status).toBe('unknown');
    const given = await command(gateway, 'HA', 'power', 'on');
    await device.say(TELEMETRY, { temperature: 20 });
    expect((await given.until('queued')).state).toBe('queued');
    expect(device.messages).toEqual([]);
  });

  test('passes commands on, and answers for the device that took them', async () => {
    await using gateway = await startTestGateway();
    await using device = await hub(gateway, ['v1/gateway/rpc']);
    const one = await command(gateway, 'HA', 'power', 'on');
    const two = await command(gateway, 'HB', 'power', 'off');
    const texts = [await device.next('v1/gateway/rpc'), await device.next('v1/gateway/rpc')];
    expect(texts.map((text) => JSON.parse(text))).toEqual(
      expect.arrayContaining([
        { device: 'Device A', data: { id: one.sequence, method: 'setEnabled', params: true } },
        { device: 'Device B', data: { id: two.sequence, method: 'setEnabled', params: false } },
      ]),
    );
    await device.say('v1/gateway/rpc', { device: 'Device B', id: two.sequence, data: { success: true } });
    await two.until('acknowledged');
    expect((await one.until('sent')).state).toBe('sent');
  });

  test('gives each name once', async () => {
    await using gateway = await startTestGateway();
    await using _device = await hub(gateway);
    const again = { id: 'HD', profile: 'thingsboard-heater', connection: { via: 'GW', name: 'Device A' } };
    await expect(register(gateway, again)).rejects.toThrow('409');
  });
});
