import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alink } from '../../../src/mqtt/dialects/alink.ts';
import { startTestGateway, type TestGateway } from '../../helpers/gateway.ts';
import { command, connectAs, refusals, register, shown } from './stage.ts';

const PK = 'a1pC3rpU4xF';
const SECRET = 'cba236e94094a0399060a9fe355bef88';

type Hash = 'md5' | 'sha1' | 'sha256';

/** As Alibaba Cloud's documents say it: values in the order of their names, signed with the device's secret. */
function signed(device: string, secret = SECRET, hash: Hash = 'sha256', productKey = PK) {
  const timestamp = '1524448722000';
  const content = `clientId12345deviceName${device}productKey${productKey}timestamp${timestamp}`;
  return {
    clientId: `12345|securemode=3,signmethod=hmac${hash},timestamp=${timestamp}|`,
    username: `${device}&${productKey}`,
    password: createHmac(hash, secret).update(content).digest('hex'),
  };
}

const topicOf = (device: string, rest: string): string => `/sys/${PK}/${device}/thing/${rest}`;

const heater = (gateway: TestGateway, device: string, more: { via?: string; secret?: string } = {}) =>
  register(gateway, {
    id: `T-${device}`,
    profile: 'alink-heater',
    ...(more.secret !== undefined && { secret: more.secret }),
    connection: { name: `${device}&${PK}`, ...(more.via !== undefined && { via: more.via }) },
  });

let gateway: TestGateway;
let devices = 0;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

async function newHeater(filters: string[] = []) {
  const device = `Lock_${++devices}`;
  await heater(gateway, device, { secret: SECRET });
  return Object.assign(await connectAs(gateway, signed(device), filters), { device, id: `T-${device}` });
}

describe('the login', () => {
  test('is the one of the maker’s example', () => {
    const login = { clientId: '12345|securemode=3,signmethod=hmacsha1,timestamp=789|', username: 'device&pk' };
    const content = 'clientId12345deviceNamedeviceproductKeypktimestamp789';
    const password = createHmac('sha1', 'secret').update(content).digest('hex').toUpperCase();
    // The document shows all but the last four digits.
    expect(password.slice(0, 36)).toBe('FAFD82A3D602B37FB0FA8B7892F24A477F85');
    const claim = alink.login?.({ ...login, password }, 0);
    expect(claim?.name).toBe('device&pk');
    expect(claim?.proves('secret')).toBe(true);
    expect(claim?.proves('secret2')).toBe(false);
  });

  test.each<Hash>(['md5', 'sha1', 'sha256'])('with HMAC-%s of the secret is taken', async (hash) => {
    const device = `Heater-${hash}`;
    const { username, password } = await heater(gateway, device);
    expect(username).toBe(`${device}&${PK}`);
    await using client = await connectAs(gateway, signed(device, password, hash));
    await client.say(topicOf(device, 'event/property/post'), { id: '1', params: { CurrentTemperature: 20.5 } });
    expect(await shown(gateway, `T-${device}`)).toEqual({ room_c: 20.5 });
  });

  test('without a timestamp and a method is HMAC-MD5 of the rest', async () => {
    const { password } = await heater(gateway, 'Plain');
    const content = `clientId12345deviceNamePlainproductKey${PK}`;
    const login = {
      clientId: '12345|securemode=2|',
      username: `Plain&${PK}`,
      password: createHmac('md5', password).update(content).digest('hex'),
    };
    await using client = await connectAs(gateway, login);
    expect(client.client.connected).toBe(true);
  });

  test.each<[string, object]>([
    ['signed with another secret', signed('Wrong', 'another-secret')],
    ['signed for another device', { ...signed('Wrong'), password: signed('Other').password }],
    ['signed for another product', { ...signed('Wrong'), password: signed('Wrong', SECRET, 'sha256', 'pk2').password }],
    ['signed at another time', { ...signed('Wrong'), clientId: '12345|signmethod=hmacsha256,timestamp=1|' }],
    ['of another method', { ...signed('Wrong'), clientId: '12345|signmethod=hmacsha1,timestamp=1524448722000|' }],
    ['of a method that is none', { ...signed('Wrong'), clientId: '12345|signmethod=none,timestamp=1524448722000|' }],
    ['with the secret itself', { ...signed('Wrong'), password: SECRET }],
    ['with an empty password', { ...signed('Wrong'), password: '' }],
    ['with a part of the signature', { ...signed('Wrong'), password: signed('Wrong').password.slice(0, 32) }],
    ['without the bars', { ...signed('Wrong'), clientId: '12345' }],
    ['as an unknown device', signed('Nobody')],
    ['by id and secret', { clientId: 'T-Wrong', username: 'T-Wrong', password: SECRET }],
  ])('%s is refused', async (_case, login) => {
    await heater(gateway, 'Wrong', { secret: SECRET }).catch(() => undefined);
    await expect(connectAs(gateway, login)).rejects.toThrow(/[Nn]ot authorized|Bad/);
  });

  test('needs a name of the maker’s form, and each name is given once', async () => {
    const bare = { id: 'T-Bare', profile: 'alink-heater' };
    await expect(register(gateway, bare)).rejects.toThrow('deviceName&productKey');
    await heater(gateway, 'Once');
    const again = { id: 'T-Again', profile: 'alink-heater', connection: { name: `Once&${PK}` } };
    await expect(register(gateway, again)).rejects.toThrow('409');
  });
});

describe('what a device says', () => {
  test('is answered where it waits for an answer', async () => {
    await using device = await newHeater();
    const topic = topicOf(device.device, 'event/property/post');
    await device.say(topic, {
      id: '123',
      version: '1.0',
      params: { Power: { value: 'on', time: 1_524_448_722_000 }, WF: { value: 23.6, time: 1_524_448_722_000 } },
      method: 'thing.event.property.post',
    });
    expect(JSON.parse(await device.next(`${topic}_reply`))).toMatchObject({ id: '123', code: 200, data: {} });
    expect(await shown(gateway, device.id)).toEqual({ power_on: 1, power_kw: 0.0236 });
    const { values } = await gateway.admin.latest(device.id);
    expect(values['power_kw']?.time).toBe('2018-04-23T01:58:42.000Z');
    await device.say(topic, { id: '124', sys: { ack: 0 }, params: { CurrentTemperature: 20 } });
    await device.say(topic, { id: '125', sys: { ack: 1 }, params: { CurrentTemperature: 20 } });
    expect(JSON.parse(await device.next(`${topic}_reply`))).toMatchObject({ id: '125' });
  });

  test.each<[string, unknown, string[]]>([
    ['no JSON', '{', ['bad_json']],
    ['an array', [], ['bad_payload']],
    ['no params', { id: '1' }, ['bad_payload']],
    ['an unknown property', { id: '1', params: { Colour: 'blue' } }, ['unknown_metric Colour']],
    ['a word that the profile does not know', { id: '1', params: { Power: 'maybe' } }, ['wrong_type power_on']],
    ['a time that is none', { id: '1', params: { WF: { value: 1, time: 'now' } } }, ['bad_time']],
    ['a deep id', `{"id":${'['.repeat(50_000)}${']'.repeat(50_000)},"params":{}}`, ['bad_payload']],
  ])('%s is quarantined and acknowledged', async (_case, payload, reasons) => {
    await using device = await newHeater();
    await device.say(topicOf(device.device, 'event/property/post'), payload);
    expect(await refusals(gateway, device.id)).toEqual(reasons);
  });

  test('an event that the profile names opens an alarm, another is quarantined', async () => {
    await using device = await newHeater();
    await device.say(topicOf(device.device, 'event/OverheatAlarm/post'), { id: '1', params: { value: { t: 95 } } });
    await device.say(topicOf(device.device, 'event/constructor/post'), { id: '2', params: { value: {} } });
    const { body } = await gateway.admin.get<{ items: { alarm: string; data: unknown }[] }>(
      `/alarms?terminalId=${device.id}`,
    );
    expect(body.items.map(({ alarm, data }) => ({ alarm, data }))).toEqual([{ alarm: 'overheat', data: { t: 95 } }]);
    expect(await refusals(gateway, device.id)).toEqual(['bad_payload']);
  });

  test('asking for the time is answered', async () => {
    await using device = await newHeater();
    await device.say(`/ext/ntp/${PK}/${device.device}/request`, { deviceSendTime: '1571724098000' });
    const answer = JSON.parse(await device.next(`/ext/ntp/${PK}/${device.device}/response`));
    expect(answer.deviceSendTime).toBe('1571724098000');
    expect(Math.abs(Number(answer.serverRecvTime) - Date.now())).toBeLessThan(10_000);
  });

  test('under another device’s name ends the connection', async () => {
    await using device = await newHeater();
    await using other = await newHeater();
    await device.isCutFor(topicOf(other.device, 'event/property/post'), { id: '1', params: { WF: 1 } });
    expect(await shown(gateway, other.id)).toEqual({});
  });

  test('it listens to its own topics only, and to none with #', async () => {
    await using device = await newHeater();
    await using other = await newHeater();
    await device.client.subscribeAsync(topicOf(device.device, 'service/property/set'));
    for (const filter of [
      topicOf(device.device, '#'),
      topicOf(other.device, 'service/property/set'),
      '/sys/+/+/thing/x',
    ]) {
      await expect(device.client.subscribeAsync(filter)).rejects.toThrow('Unspecified error');
    }
  });
});

describe('a command', () => {
  test('sets a property without a subscription, as on the maker’s platform', async () => {
    await using device = await newHeater();
    const given = await command(gateway, device.id, 'power', 'on');
    const topic = topicOf(device.device, 'service/property/set');
    expect(JSON.parse(await device.next(topic))).toEqual({
      id: String(given.sequence),
      version: '1.0',
      params: { Power: 'on' },
      method: 'thing.service.property.set',
    });
    await device.say(`${topic}_reply`, { id: String(given.sequence), code: 200, data: {} });
    await given.until('acknowledged');
    await device.say(topicOf(device.device, 'event/property/post'), { id: '9', params: { Power: { value: 'on' } } });
    await given.until('confirmed');
  });

  test('goes out when the device connects, and another code than 200 rejects it', async () => {
    const { password } = await heater(gateway, 'Late');
    const given = await command(gateway, 'T-Late', 'setpoint', 21.5);
    await using device = await connectAs(gateway, signed('Late', password));
    const topic = topicOf('Late', 'service/property/set');
    expect(JSON.parse(await device.next(topic)).params).toEqual({ TargetTemperature: 21.5 });
    await device.say(`${topic}_reply`, { id: String(given.sequence), code: 6813, message: 'locked', data: {} });
    const { history } = await given.until('rejected');
    expect(history.at(-1)?.detail).toBe('locked');
  });
});

describe('a gateway', () => {
  test('speaks for the devices behind it: alone, together, and when they come and go', async () => {
    const { password } = await heater(gateway, 'Hub');
    await heater(gateway, 'SubA', { via: 'T-Hub' });
    await heater(gateway, 'SubB', { via: 'T-Hub' });
    await heater(gateway, 'Stranger');
    await using hub = await connectAs(gateway, signed('Hub', password));
    const login = `/ext/session/${PK}/Hub/combine/login`;
    await hub.say(login, { id: '1', params: { productKey: PK, deviceName: 'SubA', clientId: 'x', sign: 'y' } });
    expect(JSON.parse(await hub.next(`${login}_reply`))).toMatchObject({ id: '1', code: 200 });
    expect((await gateway.admin.latest('T-SubA')).status).toBe('online');
    await hub.say(login, { id: '2', params: { productKey: PK, deviceName: 'Stranger' } });
    expect(JSON.parse(await hub.next(`${login}_reply`))).toMatchObject({ id: '2', code: 6100 });
    await hub.say(topicOf('SubA', 'event/property/post'), { id: '3', params: { CurrentTemperature: 20 } });
    const sub = (deviceName: string) => ({
      identity: { productKey: PK, deviceName },
      properties: { CurrentTemperature: { value: 19, time: Date.now() } },
    });
    await hub.say(topicOf('Hub', 'event/property/pack/post'), {
      id: '4',
      params: { properties: { CurrentTemperature: 18 }, subDevices: [sub('SubB'), sub('Stranger')] },
    });
    expect(await shown(gateway, 'T-SubA')).toEqual({ room_c: 20 });
    expect(await shown(gateway, 'T-SubB')).toEqual({ room_c: 19 });
    expect(await shown(gateway, 'T-Hub')).toEqual({ room_c: 18 });
    expect((await gateway.admin.latest('T-Stranger')).status).toBe('unknown');
    expect(await refusals(gateway, 'T-Hub')).toEqual(['bad_payload', 'bad_payload']);
    const given = await command(gateway, 'T-SubA', 'power', 'off');
    const topic = topicOf('SubA', 'service/property/set');
    expect(JSON.parse(await hub.next(topic)).params).toEqual({ Power: 'off' });
    await hub.say(`${topic}_reply`, { id: String(given.sequence), code: 200 });
    await given.until('acknowledged');
  });
});
