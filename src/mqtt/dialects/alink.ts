import type { Item } from '../../terminals/decode.ts';
import { isObject } from '../../terminals/json-path.ts';
import type { Terminal } from '../../terminals/registry.ts';
import { nameOf } from '../../terminals/wire-names.ts';
import {
  type Dialect,
  eventOf,
  type Heard,
  type Hearing,
  heardObject,
  known,
  type Message,
  NOTHING,
  reasonOf,
  refused,
  type Said,
  unknownNames,
  wholeNumber,
  wordOf,
} from './dialect.ts';
import { isSigned } from './login.ts';

/**
 * Alink JSON, as devices made for Alibaba Cloud's IoT platform speak it. A device is called `deviceName&productKey`, its user name there.
 * https://help.aliyun.com/document_detail/73742.html, https://help.aliyun.com/document_detail/89301.html
 */

const ALGORITHMS = { hmacmd5: 'md5', hmacsha1: 'sha1', hmacsha256: 'sha256' } as const;
const TOPIC = /^\/(?:sys|ext\/ntp|ext\/session)\/([^/]+)\/([^/]+)\/(.+)$/;
const OTA = /^\/ota\/device\/[a-z]+\/([^/]+)\/([^/]+)$/;
const LONGEST_CLIENT_ID = 64;
/** A device that the platform does not know. */
const NOT_FOUND = 6100;

/** `{id}|securemode=3,signmethod=hmacsha256,timestamp=789|` → its id and what stands between the bars. */
function extended(clientId: string): { id: string; given: Map<string, string> } | undefined {
  const [id = '', list, end] = clientId.split('|');
  if (list === undefined || end !== '' || id.length > LONGEST_CLIENT_ID) return undefined;
  const pairs = list.split(',').map((pair) => pair.split('=', 2));
  return { id, given: new Map(pairs.map(([name = '', value = '']) => [name, value])) };
}

interface Target {
  name: string;
  rest: string;
}

function targetOf(topic: string): Target | undefined {
  const [, productKey, deviceName, rest = ''] = TOPIC.exec(topic) ?? OTA.exec(topic) ?? [];
  return productKey && deviceName ? { name: `${deviceName}&${productKey}`, rest } : undefined;
}

const topicOf = (terminal: Terminal, rest: string): string => {
  const [deviceName, productKey] = nameOf(terminal).split('&');
  return `/sys/${productKey}/${deviceName}/${rest}`;
};

/** `{ Power: { value, time } }`, or `{ Power: value }` now; those of one time are one reading. */
function itemsOf(properties: Record<string, unknown>, now: number): Item[] {
  const byTime = new Map<number | string, Record<string, unknown>>();
  for (const [name, property] of Object.entries(properties)) {
    const whole = isObject(property) && Object.hasOwn(property, 'value') ? property : { value: property };
    const said = whole['time'];
    const time = typeof said === 'number' || typeof said === 'string' ? said : now;
    const values = byTime.get(time) ?? {};
    values[name] = whole['value'];
    byTime.set(time, values);
  }
  return [...byTime].map(([time, values]) => ({ time, values }));
}

function postedEvent(terminal: Terminal, name: string, { time, value }: Record<string, unknown>, now: number): Said {
  return eventOf(terminal, name, typeof time === 'number' ? time : now, isObject(value) ? value : {});
}

function propertiesOf(terminal: Terminal, properties: unknown, now: number): Said[] {
  if (isObject(properties)) return [{ what: 'readings', terminal, items: itemsOf(properties, now) }];
  return refused(terminal, 'bad_payload', 'has no properties').said;
}

/** A gateway's own properties, and those of devices behind it, in one message. */
function packOf(hearing: Hearing, params: Record<string, unknown>): Said[] {
  const { terminal, now } = hearing;
  const said: Said[] = [];
  const unknown: string[] = [];
  if (isObject(params['properties'])) said.push(...propertiesOf(terminal, params['properties'], now));
  for (const sub of Array.isArray(params['subDevices']) ? params['subDevices'] : []) {
    const identity = isObject(sub) && isObject(sub['identity']) ? sub['identity'] : {};
    const name = `${identity['deviceName']}&${identity['productKey']}`;
    const child = known(hearing, name);
    if (!child) unknown.push(name);
    else if (isObject(sub) && isObject(sub['properties'])) said.push(...propertiesOf(child, sub['properties'], now));
  }
  return [...said, ...unknownNames(terminal, unknown)];
}

/** The platform answers unless the device says that it need not. Devices of the old format say nothing, and wait. */
function answerTo(topic: string, message: Record<string, unknown>, code = 200, data: object = {}): Message | undefined {
  const { id, sys, method, version } = message;
  if (isObject(sys) && sys['ack'] === 0) return undefined;
  const known = { ...(typeof method === 'string' && { method }), ...(typeof version === 'string' && { version }) };
  const payload = { id, code, message: code === 200 ? 'success' : 'device not found', data, ...known };
  return { topic: `${topic}_reply`, payload: JSON.stringify(payload) };
}

function answerOf(terminal: Terminal, message: Record<string, unknown>): Said {
  const { id, code } = message;
  const accepted = code === 200;
  const reason = accepted ? undefined : reasonOf(message['message'] ?? code);
  return { what: 'reply', terminal, request: wholeNumber(id), accepted, reason };
}

/** The clock of the platform, for devices that have none [NTP service]. */
function clockAnswer(topic: string, message: Record<string, unknown>, now: number): Heard {
  const payload = { deviceSendTime: message['deviceSendTime'], serverRecvTime: `${now}`, serverSendTime: `${now}` };
  return { said: [], answer: { topic: topic.replace(/request$/, 'response'), payload: JSON.stringify(payload) } };
}

/** A gateway tells that a device behind it is there or gone, and waits to hear that it may speak for it. */
function sessionOf(hearing: Hearing, online: boolean, message: Record<string, unknown>): Heard {
  const params = isObject(message['params']) ? message['params'] : {};
  const { deviceName, productKey } = params;
  const name = `${wordOf(deviceName)}&${wordOf(productKey)}`;
  const child = known(hearing, name);
  const answer = answerTo(hearing.topic, message, child ? 200 : NOT_FOUND, { deviceName, productKey });
  if (!child) return { said: unknownNames(hearing.terminal, [name]), answer };
  return { said: [{ what: 'status', terminal: child, online }], answer };
}

function heard(hearing: Hearing, terminal: Terminal, rest: string, message: Record<string, unknown>): Heard {
  const { topic, now } = hearing;
  const params = isObject(message['params']) ? message['params'] : {};
  switch (rest) {
    case 'thing/event/property/post':
      return { said: propertiesOf(terminal, message['params'], now), answer: answerTo(topic, message) };
    case 'thing/event/property/pack/post':
      return { said: packOf(hearing, params), answer: answerTo(topic, message) };
    case 'combine/login':
    case 'combine/logout':
      return sessionOf(hearing, rest.endsWith('login'), message);
    case 'request':
      return clockAnswer(topic, message, now);
  }
  const event = /^thing\/event\/([^/]+)\/post$/.exec(rest)?.[1];
  if (event) return { said: [postedEvent(terminal, event, params, now)], answer: answerTo(topic, message) };
  return /^thing\/service\/.+_reply$/.test(rest) ? { said: [answerOf(terminal, message)] } : NOTHING;
}

export const alink: Dialect = {
  login({ clientId, username, password }) {
    const client = extended(clientId);
    const [deviceName, productKey, more] = username.split('&');
    const algorithm = Object.entries(ALGORITHMS).find(
      ([name]) => name === (client?.given.get('signmethod') ?? 'hmacmd5'),
    )?.[1];
    if (!client || !deviceName || !productKey || more !== undefined || !algorithm) return undefined;
    const timestamp = client.given.get('timestamp');
    const content =
      `clientId${client.id}deviceName${deviceName}productKey${productKey}` +
      (timestamp === undefined ? '' : `timestamp${timestamp}`);
    return { name: username, proves: (secret) => isSigned(algorithm, secret, content, password) };
  },

  // The platform subscribes its devices to system topics.
  subscribesItself: true,

  mayPublish(speaker, topic) {
    const target = targetOf(topic);
    return target !== undefined && known(speaker, target.name) !== undefined;
  },
  maySubscribe(speaker, filter) {
    const target = targetOf(filter);
    return target !== undefined && !target.rest.includes('#') && known(speaker, target.name) !== undefined;
  },

  hear(hearing) {
    const target = targetOf(hearing.topic);
    const terminal = target && known(hearing, target.name);
    if (!terminal) return NOTHING;
    // Raw frames and whatever else the platform would pass on.
    if (target.rest === '' || target.rest.endsWith('up_raw')) return NOTHING;
    return heardObject(hearing, (message) => heard(hearing, terminal, target.rest, message), terminal);
  },

  tell(terminal, { request, send, payload }) {
    const { name = '', as } = send;
    const [rest, params] =
      as === 'call' ? [`thing/service/${name}`, payload] : ['thing/service/property/set', { [name]: payload }];
    const message = { id: String(request), version: '1.0', params, method: rest.replaceAll('/', '.') };
    return { topic: topicOf(terminal, rest), payload: JSON.stringify(message) };
  },
};
