import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { iotda } from '../../../src/mqtt/dialects/iotda.ts';
import { startTestGateway, type TestGateway } from '../../helpers/gateway.ts';
import { command, connectAs, refusals, register, shown } from './stage.ts';

const HOUR = 3_600_000;

const hourText = (time: number): string => new Date(time).toISOString().slice(0, 13).replace(/\D/g, '');

/** As Huawei's documents say it: the secret, signed with the hour as the key. */
function signed(id: string, secret: string, { type = 0, at = Date.now() } = {}) {
  const hour = hourText(at);
  return {
    clientId: `${id}_0_${type}_${hour}`,
    username: id,
    password: createHmac('sha256', hour).update(secret).digest('hex'),
  };
}

let gateway: TestGateway;
let devices = 0;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

const product = '5e06bfee334dd4f33759f5b3';

async function newHeater(filters: string[] = []) {
  const id = `${product}_demo${++devices}`;
  const { password } = await register(gateway, { id, profile: 'huawei-heater' });
  const topic = (rest: string) => `$oc/devices/${id}/sys/${rest}`;
  return Object.assign(await connectAs(gateway, signed(id, password), filters.map(topic)), { id, topic, password });
}

const report = (properties: object, more: object = {}) => ({
  services: [{ service_id: 'Heater', properties, ...more }],
});

describe('the login', () => {
  const NOW = Date.UTC(2026, 10, 24, 4, 30);
  const proves = (login: object, now = NOW) =>
    iotda.login?.({ clientId: '', username: '', password: '', ...login }, now)?.proves('s3cret-of-it') === true;

  test('of type 1 counts in its hour and the hours beside it, that of type 0 at any time', () => {
    for (const [hours, expected] of [
      [-2, false],
      [-1, true],
      [0, true],
      [1, true],
      [2, false],
      [-24, false],
    ] as const) {
      const at = NOW + hours * HOUR;
      expect(proves(signed('d', 's3cret-of-it', { type: 1, at }))).toBe(expected);
      expect(proves(signed('d', 's3cret-of-it', { type: 0, at }))).toBe(true);
    }
  });

  test('cannot be moved to another hour, type or device', () => {
    const old = signed('d', 's3cret-of-it', { type: 1, at: NOW - 24 * HOUR });
    expect(proves({ ...old, clientId: `d_0_1_${hourText(NOW)}` })).toBe(false);
    expect(proves({ ...signed('d', 's3cret-of-it', { at: NOW }), username: 'e' })).toBe(false);
    expect(proves({ ...signed('d', 's3cret-of-it', { at: NOW }), clientId: 'd_0_2_2026112404' })).toBe(false);
    expect(proves({ ...signed('d', 's3cret-of-it', { at: NOW }), clientId: 'd' })).toBe(false);
  });

  test.each([0, 1])('of type %d is taken over a socket', async (type) => {
    const { username, password } = await register(gateway, { id: `login-${type}`, profile: 'huawei-heater' });
    await using device = await connectAs(gateway, signed(username, password, { type }));
    expect(device.client.connected).toBe(true);
  });

  test.each<[string, (secret: string) => object]>([
    ['with another secret', () => signed('refused', 'another-secret')],
    ['with the secret itself', (secret) => ({ ...signed('refused', secret), password: secret })],
    ['of yesterday, type 1', (secret) => signed('refused', secret, { type: 1, at: Date.now() - 24 * HOUR })],
    ['as another device', (secret) => signed('nobody', secret)],
  ])('%s is refused', async (_case, login) => {
    const secret = 'cba236e94094a0399060a9fe355bef88';
    await register(gateway, { id: 'refused', profile: 'huawei-heater', secret }).catch(() => undefined);
    await expect(connectAs(gateway, login(secret))).rejects.toThrow(/[Nn]ot authorized|Bad/);
  });
});

describe('what a device says', () => {
  test('is a report of services at their times', async () => {
    await using device = await newHeater();
    await device.say(device.topic('properties/report'), {
      services: [
        { service_id: 'Heater', properties: { roomTemperature: 20.5, switch: 1 }, event_time: '20251212T121212Z' },
        { service_id: 'Meter', properties: { energy: 12 }, event_time: '2025-12-12T12:12:12.555Z' },
      ],
    });
    expect(await shown(gateway, device.id)).toEqual({ room_c: 20.5, power_on: 1, energy_kwh: 12 });
    const { values } = await gateway.admin.latest(device.id);
    expect(values['room_c']?.time).toBe('2025-12-12T12:12:12.000Z');
  });

  test.each<[string, unknown, string[]]>([
    ['no JSON', 'Heater', ['bad_json']],
    ['no services', { Heater: 1 }, ['bad_payload']],
    ['a service without properties', { services: [{ service_id: 'Heater' }] }, ['bad_payload']],
    ['an unknown property', report({ roomTemperature: 20, colour: 1 }), ['unknown_metric Heater.colour']],
    ['an unknown service', { services: [{ service_id: 'Lamp', properties: { on: 1 } }] }, ['unknown_metric Lamp']],
    [
      'a day that does not exist',
      report({ roomTemperature: 20 }, { event_time: '2025-13-41T00:00:00Z' }),
      ['bad_time'],
    ],
    ['a string', report({ roomTemperature: '20' }), ['wrong_type room_c']],
  ])('%s is quarantined and acknowledged', async (_case, payload, reasons) => {
    await using device = await newHeater();
    await device.say(device.topic('properties/report'), payload);
    expect(await refusals(gateway, device.id)).toEqual(reasons);
  });

  test('asking for the time is answered', async () => {
    await using device = await newHeater(['events/down']);
    await device.say(device.topic('events/up'), {
      object_device_id: device.id,
      services: [
        {
          service_id: '$time_sync',
          event_type: 'time_sync_request',
          event_time: '20151212T121212Z',
          paras: { device_send_time: 1_582_685_678_789 },
        },
      ],
    });
    const answer = JSON.parse(await device.next(device.topic('events/down')));
    expect(answer.services[0]).toMatchObject({
      service_id: '$time_sync',
      event_type: 'time_sync_response',
      paras: { device_send_time: 1_582_685_678_789, server_recv_time: expect.any(Number) },
    });
  });

  test('under another device’s topic ends the connection', async () => {
    await using device = await newHeater();
    await using other = await newHeater();
    await device.isCutFor(other.topic('properties/report'), report({ roomTemperature: 20 }));
    expect(await shown(gateway, other.id)).toEqual({});
  });

  test('it may use the filters of the maker’s documents, and no others', async () => {
    await using device = await newHeater();
    await using other = await newHeater();
    await device.client.subscribeAsync([device.topic('commands/#'), device.topic('properties/set/#')]);
    for (const filter of [device.topic('#'), '$oc/#', '$oc/devices/+/sys/commands/#', other.topic('commands/#')]) {
      await expect(device.client.subscribeAsync(filter)).rejects.toThrow('Unspecified error');
    }
  });
});

describe('a command', () => {
  test('sets a property; its response acknowledges it and a report confirms it', async () => {
    await using device = await newHeater(['properties/set/#']);
    const given = await command(gateway, device.id, 'setpoint', 21.5);
    const request = `request_id=${given.sequence}-${device.id}`;
    expect(JSON.parse(await device.next(device.topic(`properties/set/${request}`)))).toEqual({
      object_device_id: device.id,
      services: [{ service_id: 'Heater', properties: { setpoint: 21.5 } }],
    });
    await device.say(device.topic(`properties/set/response/${request}`), { result_code: 0, result_desc: 'success' });
    await given.until('acknowledged');
    await device.say(device.topic('properties/report'), report({ setpoint: 21.5 }));
    await given.until('confirmed');
  });

  test('calls a command, and a result code other than 0 rejects it', async () => {
    await using device = await newHeater();
    const given = await command(gateway, device.id, 'power', 'on');
    const request = `request_id=${given.sequence}-${device.id}`;
    expect(JSON.parse(await device.next(device.topic(`commands/${request}`)))).toEqual({
      object_device_id: device.id,
      service_id: 'Heater',
      command_name: 'ON_OFF',
      paras: { value: 'ON' },
    });
    await device.say(device.topic(`commands/response/${request}`), { result_code: 1, response_name: 'X', paras: {} });
    await given.until('rejected');
  });
});

describe('a gateway', () => {
  test('reports for the devices behind it, and for no other; their commands go through it', async () => {
    await using hub = await newHeater();
    const child = (id: string, via?: string) =>
      register(gateway, { id, profile: 'huawei-heater', ...(via !== undefined && { connection: { via } }) });
    await child('child-1', hub.id);
    await child('stranger');
    const services = report({ roomTemperature: 20 }).services;
    await hub.say(hub.topic('gateway/sub_devices/properties/report'), {
      devices: [
        { device_id: 'child-1', services },
        { device_id: 'stranger', services },
        { device_id: { toString: 1 }, services },
        { services },
      ],
    });
    await hub.say(hub.topic('events/up'), {
      services: [
        {
          service_id: '$sub_device_manager',
          event_type: 'sub_device_update_status',
          paras: {
            device_statuses: [
              { device_id: 'child-1', status: 'OFFLINE' },
              { device_id: 'stranger', status: 'ONLINE' },
            ],
          },
        },
      ],
    });
    expect(await shown(gateway, 'child-1')).toEqual({ room_c: 20 });
    expect((await gateway.admin.latest('child-1')).status).toBe('offline');
    expect((await gateway.admin.latest('stranger')).status).toBe('unknown');
    expect(await refusals(gateway, hub.id)).toEqual(['bad_payload', 'bad_payload']);
    const given = await command(gateway, 'child-1', 'setpoint', 20);
    const request = `request_id=${given.sequence}-child-1`;
    expect(JSON.parse(await hub.next(hub.topic(`properties/set/${request}`))).object_device_id).toBe('child-1');
    await hub.say(hub.topic(`properties/set/response/${request}`), { result_code: 0 });
    await given.until('acknowledged');
    const other = await command(gateway, 'stranger', 'setpoint', 20);
    await hub.say(hub.topic(`properties/set/response/request_id=${other.sequence}-stranger`), { result_code: 0 });
    expect((await other.until('queued')).state).toBe('queued');
  });
});
