import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../helpers/gateway.ts';
import { command, connectAs, refusals, register, shown } from './stage.ts';

/** Plugs on electric heaters, as their firmware speaks. */

let gateway: TestGateway;
let plugs = 0;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

async function newPlug(profile: string, filters: (id: string) => string[] = () => [], login: object = {}) {
  const id = `plug-${++plugs}`;
  const { username, password } = await register(gateway, { id, profile });
  expect(username).toBe(id);
  // What firmware takes as a password.
  expect(password.length).toBeLessThanOrEqual(32);
  const given = { username, password, clientId: `DVES_${plugs}`, ...login };
  return Object.assign(await connectAs(gateway, given, filters(id)), { id });
}

test.each(['tasmota-plug', 'shelly-plug', 'shelly-gen2-plug', 'json-mapping-example'])(
  'a %s with a wrong password, or the password of another, is refused',
  async (profile) => {
    await using plug = await newPlug(profile);
    const other = await register(gateway, { id: `other-${plugs}`, profile });
    for (const password of ['wrong', other.password]) {
      const login = { username: plug.id, clientId: plug.id, password };
      await expect(connectAs(gateway, login)).rejects.toThrow(/[Nn]ot authorized|Bad/);
    }
  },
);

describe('Tasmota', () => {
  const sensor = {
    Time: '2024-02-24T22:20:38',
    ENERGY: { Total: 1521.432, Power: 1830, Voltage: 229, Current: 8.012 },
  };
  const plug = () => newPlug('tasmota-plug', (id) => [`cmnd/${id}/#`]);

  test('says its values, of which those that the profile does not know are left aside', async () => {
    await using device = await plug();
    await device.say(`tele/${device.id}/SENSOR`, { ...sensor, DHT11: { Temperature: 23 } });
    await device.say(`tele/${device.id}/STATE`, { Time: '2024-02-24T22:20:38', POWER: 'ON', Wifi: { RSSI: 44 } });
    await device.say(`tele/${device.id}/INFO1`, { Info1: { Module: 'Generic' } });
    await device.say('tasmota/discovery/9CF9D1AABBCC/config', { ip: '192.168.1.5' });
    const values = { power_kw: 1.83, voltage_v: 229, current_a: 8.012, energy_kwh: 1521.432, power_on: 1 };
    expect(await shown(gateway, device.id)).toEqual(values);
    expect(await refusals(gateway, device.id)).toEqual([]);
  });

  test('is online and offline by its LWT, which its will is', async () => {
    const will = {
      topic: `tele/plug-${plugs + 1}/LWT`,
      payload: Buffer.from('Offline'),
      qos: 1,
      retain: true,
    } as const;
    await using device = await newPlug('tasmota-plug', () => [], { will });
    await device.say(`tele/${device.id}/LWT`, 'Online');
    expect((await gateway.admin.latest(device.id)).status).toBe('online');
    device.client.stream.destroy();
    await expect.poll(async () => (await gateway.admin.latest(device.id)).status).toBe('offline');
  });

  test('is switched, and its new state confirms it', async () => {
    await using device = await plug();
    const given = await command(gateway, device.id, 'power', 'on');
    expect(await device.next(`cmnd/${device.id}/POWER`)).toBe('ON');
    await given.until('sent');
    await device.say(`stat/${device.id}/RESULT`, { POWER: 'OFF' });
    expect((await given.until('sent')).state).toBe('sent');
    await device.say(`stat/${device.id}/RESULT`, { POWER: 'ON' });
    await device.say(`stat/${device.id}/POWER`, 'ON');
    const { history } = await given.until('confirmed');
    expect(history.map(({ cause }) => cause)).toEqual(['requested', 'sent', 'contradicted', 'reading']);
  });

  test('that refuses something says not what, so no command is taken for rejected', async () => {
    await using device = await plug();
    const given = await command(gateway, device.id, 'power', 'on');
    await device.next(`cmnd/${device.id}/POWER`);
    await device.say(`stat/${device.id}/RESULT`, { Command: 'Unknown' });
    expect((await given.until('sent')).state).toBe('sent');
    await device.say(`stat/${device.id}/RESULT`, { POWER: 'ON' });
    await given.until('confirmed');
  });

  test.each<[string, string, unknown, string[]]>([
    ['no JSON', 'SENSOR', '{"Time":', ['bad_json']],
    ['an array', 'STATE', [], ['bad_payload']],
    ['text for a number', 'SENSOR', { ENERGY: { Power: 'nan' } }, ['wrong_type power_kw']],
    ['an array, as of three phases', 'SENSOR', { ENERGY: { Power: [1, 2, 3] } }, ['wrong_type power_kw']],
    ['a state that is none', 'STATE', { POWER: 'BLINK' }, ['wrong_type power_on']],
  ])('%s is quarantined and acknowledged', async (_case, rest, payload, reasons) => {
    await using device = await plug();
    await device.say(`tele/${device.id}/${rest}`, payload);
    expect(await refusals(gateway, device.id)).toEqual(reasons);
  });

  test.each([
    'tele/plug-1x/SENSOR',
    'stat/other/POWER',
    'cmnd/plug-1/POWER',
    'tele/SENSOR',
    'tasmota/discovery/x/config',
  ])('publishing to %s ends the connection', async (topic) => {
    await using device = await plug();
    await device.isCutFor(topic, { POWER: 'ON' });
  });

  test('it listens to its own commands only', async () => {
    await using device = await plug();
    for (const filter of ['#', 'cmnd/#', 'cmnd/+/POWER', 'cmnd/other/#', 'cmnd/tasmotas/#', `tele/${device.id}/#`]) {
      await expect(device.client.subscribeAsync(filter)).rejects.toThrow('Unspecified error');
    }
  });
});

describe('Shelly of the first generation', () => {
  const plug = () => newPlug('shelly-plug', (id) => ['shellies/command', `shellies/${id}/relay/0/command`]);

  test('says each value alone, is switched, and its new state confirms it', async () => {
    await using device = await plug();
    const own = `shellies/${device.id}`;
    await device.say('shellies/announce', { id: device.id, model: 'SHPLG-S' });
    await device.say(`${own}/online`, 'true');
    await device.say(`${own}/relay/0`, 'off');
    await device.say(`${own}/relay/0/power`, '1830.25');
    await device.say(`${own}/relay/0/energy`, '600000');
    await device.say(`${own}/temperature`, '41.3');
    expect(await shown(gateway, device.id)).toEqual({ power_on: 0, power_kw: 1.83025, energy_kwh: 10 });
    expect((await gateway.admin.latest(device.id)).status).toBe('online');
    const given = await command(gateway, device.id, 'power', 'on');
    expect(await device.next(`${own}/relay/0/command`)).toBe('on');
    await device.say(`${own}/relay/0`, 'on');
    await given.until('confirmed');
    await device.say(`${own}/online`, 'false');
    expect((await gateway.admin.latest(device.id)).status).toBe('offline');
    expect(await refusals(gateway, device.id)).toEqual([]);
  });

  test.each([
    ['relay/0/power', 'NaN', 'wrong_type power_kw'],
    ['relay/0/power', '', 'wrong_type power_kw'],
    ['relay/0/power', '1e9', 'out_of_range power_kw'],
    ['relay/0', 'overpower', 'wrong_type power_on'],
  ])('%s of "%s" is quarantined', async (rest, payload, reason) => {
    await using device = await plug();
    await device.say(`shellies/${device.id}/${rest}`, payload);
    expect(await refusals(gateway, device.id)).toEqual([reason]);
  });

  test('stays under its own id', async () => {
    await using device = await plug();
    for (const filter of [
      'shellies/#',
      'shellies/+/relay/0',
      `shellies/${device.id}/#`,
      `shellies/${device.id}x/command`,
    ]) {
      await expect(device.client.subscribeAsync(filter)).rejects.toThrow('Unspecified error');
    }
    await device.isCutFor(`shellies/${device.id}x/relay/0`, 'on');
  });
});

describe('Shelly of later generations', () => {
  const plug = () => newPlug('shelly-gen2-plug', (id) => [`${id}/rpc`]);

  test('says what changed, is switched by a call, acknowledges it by its result, and its status confirms it', async () => {
    await using device = await plug();
    await device.say(`${device.id}/online`, 'true');
    await device.say(`${device.id}/status/switch:0`, {
      id: 0,
      output: false,
      apower: 0,
      voltage: 237.5,
      aenergy: { total: 6532, by_minute: [1, 2, 3] },
    });
    await device.say(`${device.id}/events/rpc`, {
      method: 'NotifyStatus',
      params: { ts: 1_631_266_595.44, 'switch:0': { id: 0, apower: 8.9 } },
    });
    await device.say(`${device.id}/events/rpc`, { method: 'NotifyEvent', params: { events: [] } });
    await device.say(`${device.id}/status/wifi`, { rssi: -60 });
    const values = { power_on: 0, power_kw: 0.0089, voltage_v: 237.5, energy_kwh: 6.532 };
    expect(await shown(gateway, device.id)).toEqual(values);
    const given = await command(gateway, device.id, 'power', 'on');
    const call = JSON.parse(await device.next(`${device.id}/rpc`));
    expect(call).toMatchObject({ id: given.sequence, method: 'Switch.Set', params: { id: 0, on: true } });
    await device.say(`${call.src}/rpc`, { id: call.id, src: device.id, dst: call.src, result: { was_on: false } });
    await given.until('acknowledged');
    await device.say(`${device.id}/events/rpc`, {
      method: 'NotifyStatus',
      params: { ts: null, 'switch:0': { id: 0, output: true } },
    });
    await given.until('confirmed');
    expect(await refusals(gateway, device.id)).toEqual([]);
  });

  test('that answers with an error rejects the command and says why', async () => {
    await using device = await plug();
    const given = await command(gateway, device.id, 'power', 'on');
    const call = JSON.parse(await device.next(`${device.id}/rpc`));
    await device.say(`${call.src}/rpc`, { id: call.id, error: { code: -103, message: 'Invalid argument' } });
    const { history } = await given.until('rejected');
    expect(history.at(-1)?.detail).toBe('Invalid argument');
  });

  test('stays under its own prefix', async () => {
    await using device = await plug();
    for (const filter of ['#', '+/rpc', `${device.id}/#`, `${device.id}x/rpc`]) {
      await expect(device.client.subscribeAsync(filter)).rejects.toThrow('Unspecified error');
    }
    await device.isCutFor(`${device.id}x/status/switch:0`, { output: true });
  });
});

describe('JSON of another kind, as a profile describes it', () => {
  const plug = () => newPlug('json-mapping-example', (id) => [`heaters/${id}/set`]);
  const data = (now: number) => ({ t: now, sensors: [{ temp: 185 }], target: 200, relay: { 'state 1': 'closed' } });

  test('is read at its paths, one message or several', async () => {
    await using device = await plug();
    await device.say(`heaters/${device.id}/data`, [data(1_764_000_000), { ...data(1_764_000_060), target: 210 }]);
    expect(await shown(gateway, device.id)).toEqual({ room_c: 18.5, setpoint_c: 21, power_on: 1 });
    expect((await gateway.admin.latest(device.id)).values['room_c']?.time).toBe('2025-11-24T16:01:00.000Z');
    await device.say(`heaters/${device.id}/state`, { state: 'up' });
    expect((await gateway.admin.latest(device.id)).status).toBe('online');
    await device.say(`heaters/${device.id}/state`, { state: 'down' });
    expect((await gateway.admin.latest(device.id)).status).toBe('offline');
  });

  test('a command is its template, filled; the reply is told apart by the number in it', async () => {
    await using device = await plug();
    const one = await command(gateway, device.id, 'setpoint', 21.5);
    const call = JSON.parse(await device.next(`heaters/${device.id}/set`));
    expect(call).toEqual({ seq: one.sequence, cmd: 'target=21.5' });
    await device.say(`heaters/${device.id}/ack`, { seq: call.seq + 1, code: 1 });
    await device.say(`heaters/${device.id}/ack`, { code: 1 });
    expect((await one.until('sent')).state).toBe('sent');
    await device.say(`heaters/${device.id}/ack`, { seq: call.seq, code: 0 });
    await one.until('acknowledged');
    await device.say(`heaters/${device.id}/data`, { ...data(Date.now() / 1_000), target: 215 });
    await one.until('confirmed');
    const two = await command(gateway, device.id, 'power', 'on');
    expect(JSON.parse(await device.next(`heaters/${device.id}/set`))).toEqual({ seq: two.sequence, relay: 'close' });
    await device.say(`heaters/${device.id}/ack`, { seq: two.sequence, code: 7, msg: 'locked' });
    const { history } = await two.until('rejected');
    expect(history.at(-1)?.detail).toBe('locked');
  });

  test.each<[string, unknown, string[]]>([
    ['no JSON', '<xml/>', ['bad_json']],
    ['a message where no path leads anywhere', { t: 1_764_000_000, temperature: 20 }, ['bad_payload']],
    ['a message without its time', { target: 200 }, ['bad_time']],
    ['a time in text', { t: '1764000000', target: 200 }, ['bad_time']],
    ['a string for a number', { t: 1_764_000_000, target: '200' }, ['wrong_type setpoint_c']],
    ['1,001 readings', Array.from({ length: 1_001 }, () => ({ t: 1_764_000_000, target: 200 })), ['too_many_readings']],
  ])('%s is quarantined and acknowledged', async (_case, payload, reasons) => {
    await using device = await plug();
    await device.say(`heaters/${device.id}/data`, payload);
    expect(await refusals(gateway, device.id)).toEqual(reasons);
  });

  test('only the topics of the profile are its own', async () => {
    await using device = await plug();
    for (const filter of [
      'heaters/+/set',
      `heaters/${device.id}/#`,
      'heaters/other/set',
      `heaters/${device.id}/data`,
    ]) {
      await expect(device.client.subscribeAsync(filter)).rejects.toThrow('Unspecified error');
    }
    await device.isCutFor('heaters/other/data', data(1_764_000_000));
  });
});

test('a message over the limit is quarantined under its sender, and the connection goes on', async () => {
  await using device = await newPlug('tasmota-plug');
  await device.say(`tele/${device.id}/SENSOR`, 'x'.repeat(300_000));
  expect(await refusals(gateway, device.id)).toEqual(['too_large']);
  await device.say(`stat/${device.id}/POWER`, 'ON');
  expect(await shown(gateway, device.id)).toEqual({ power_on: 1 });
});

test('what was refused is put in again when the profile is mended: it is kept as the device said it', async () => {
  await using device = await newPlug('tasmota-plug');
  await device.say(`tele/${device.id}/SENSOR`, { ENERGY: { Power: 99_000, Voltage: 229 } });
  const { body } = await gateway.admin.get<{ items: { frame: string }[] }>(`/quarantine?terminalId=${device.id}`);
  expect(JSON.parse(body.items[0]?.frame ?? '')[0].values).toEqual({ ENERGY: { Power: 99_000, Voltage: 229 } });
  const again = await gateway.admin.post<object>('/quarantine/requeue', { terminalId: device.id });
  expect(again).toMatchObject({ status: 200, body: { requeued: 0, stillRefused: 1 } });
});
