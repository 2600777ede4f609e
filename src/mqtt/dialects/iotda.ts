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
 * Devices made for Huawei Cloud IoTDA. Topics of a device behind a gateway are the gateway's; its own id stands in the message.
 * https://support.huaweicloud.com/intl/en-us/api-iothub/iot_06_v5_3009.html and the pages after it.
 */

const CLIENT_ID = /^(.+)_0_([01])_(\d{10})$/;
const HOUR_MS = 3_600_000;
const COMPACT_TIME = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/;
/** The only wildcards are those that Huawei's own documents tell devices to subscribe to. */
const SUBSCRIBED = new Set([
  'messages/down',
  'events/down',
  'gateway/sub_devices/events/down',
  'commands/#',
  'commands/+',
  'properties/set/#',
  'properties/set/+',
  'properties/get/#',
  'properties/get/+',
  'shadow/get/response/#',
  'shadow/get/response/+',
]);

/** `2026112404`, an hour of UTC, as epoch ms. */
const hourOf = (text: string): number =>
  Date.UTC(+text.slice(0, 4), +text.slice(4, 6) - 1, +text.slice(6, 8), +text.slice(8, 10));

/** `20151212T121212Z` or RFC 3339; now where there is none. */
function timeOf(said: unknown, now: number): number | string {
  if (typeof said !== 'string') return typeof said === 'number' ? said : now;
  const match = COMPACT_TIME.exec(said);
  if (!match) return said;
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** The part of a topic below the terminal's own; undefined for every other topic. */
function restOf(terminal: Terminal, topic: string): string | undefined {
  const own = `$oc/devices/${nameOf(terminal)}/`;
  return topic.startsWith(own) ? topic.slice(own.length) : undefined;
}

function itemsOf(services: unknown[], now: number): Item[] | undefined {
  const items: Item[] = [];
  for (const service of services) {
    if (!isObject(service) || typeof service['service_id'] !== 'string' || !isObject(service['properties'])) {
      return undefined;
    }
    items.push({
      time: timeOf(service['event_time'], now),
      values: { [service['service_id']]: service['properties'] },
    });
  }
  return items;
}

function reportOf(terminal: Terminal, message: Record<string, unknown>, now: number): Said[] {
  const items = Array.isArray(message['services']) ? itemsOf(message['services'], now) : undefined;
  if (items) return [{ what: 'readings', terminal, items }];
  return refused(terminal, 'bad_payload', 'has no services with properties').said;
}

function reportOfGateway(hearing: Hearing, message: Record<string, unknown>): Heard {
  const { terminal, now } = hearing;
  if (!Array.isArray(message['devices'])) return refused(terminal, 'bad_payload', 'has no devices');
  const said: Said[] = [];
  const unknown: string[] = [];
  for (const device of message['devices']) {
    const name = isObject(device) ? device['device_id'] : undefined;
    const child = known(hearing, name);
    if (child && isObject(device)) said.push(...reportOf(child, device, now));
    else unknown.push(wordOf(name));
  }
  return { said: [...said, ...unknownNames(terminal, unknown)] };
}

/** The request's id is `{sequence}-{device}`, since behind a gateway the topic does not say whose command it was. */
function answerOf(hearing: Hearing, id: string, message: Record<string, unknown>): Heard {
  const [, sequence, name] = /^(\d{1,10})-(.+)$/.exec(id) ?? [];
  const terminal = name === undefined ? undefined : known(hearing, name);
  if (!terminal) return NOTHING;
  // A device that gives no code has done it: the code is optional and 0 by default.
  const accepted = message['result_code'] === undefined || message['result_code'] === 0;
  const reason = accepted ? undefined : reasonOf(message['result_desc'] ?? message['result_code']);
  return { said: [{ what: 'reply', terminal, request: wholeNumber(sequence), accepted, reason }] };
}

/** A device asks for the time, from which it learns the delay of the network too. */
function clockAnswer(terminal: Terminal, paras: Record<string, unknown>, now: number): Heard['answer'] {
  const times = { device_send_time: paras['device_send_time'], server_recv_time: now, server_send_time: now };
  const service = {
    service_id: '$time_sync',
    event_type: 'time_sync_response',
    event_time: new Date(now).toISOString(),
    paras: times,
  };
  const id = nameOf(terminal);
  const payload = JSON.stringify({ object_device_id: id, services: [service] });
  return { topic: `$oc/devices/${id}/sys/events/down`, payload };
}

function statuses(hearing: Hearing, paras: Record<string, unknown>): Said[] {
  const said: Said[] = [];
  const unknown: string[] = [];
  for (const one of Array.isArray(paras['device_statuses']) ? paras['device_statuses'] : []) {
    const child = isObject(one) ? known(hearing, one['device_id']) : undefined;
    if (child && isObject(one)) said.push({ what: 'status', terminal: child, online: one['status'] === 'ONLINE' });
    else unknown.push(isObject(one) ? wordOf(one['device_id']) : 'no name');
  }
  return [...said, ...unknownNames(hearing.terminal, unknown)];
}

function eventsOf(hearing: Hearing, message: Record<string, unknown>): Heard {
  const { terminal, now } = hearing;
  const said: Said[] = [];
  let answer: Heard['answer'];
  const target = message['object_device_id'] === undefined ? terminal : known(hearing, message['object_device_id']);
  if (!target) return { said: unknownNames(terminal, [wordOf(message['object_device_id'])]) };
  for (const service of Array.isArray(message['services']) ? message['services'] : []) {
    if (!isObject(service)) continue;
    const type = wordOf(service['event_type']);
    const paras = isObject(service['paras']) ? service['paras'] : {};
    if (type === 'time_sync_request') answer = clockAnswer(terminal, paras, now);
    else if (type === 'sub_device_update_status') said.push(...statuses(hearing, paras));
    else {
      const event = eventOf(target, type, timeOf(service['event_time'], now), paras);
      // Services of the platform's own tell much that no profile is about.
      const isSystem = wordOf(service['service_id']).startsWith('$');
      if (event.what === 'event' || !isSystem) said.push(event);
    }
  }
  return { said, answer };
}

function heard(hearing: Hearing, rest: string, message: Record<string, unknown>): Heard {
  switch (rest) {
    case 'sys/properties/report':
      return { said: reportOf(hearing.terminal, message, hearing.now) };
    case 'sys/gateway/sub_devices/properties/report':
      return reportOfGateway(hearing, message);
    case 'sys/events/up':
      return eventsOf(hearing, message);
  }
  const id = /^sys\/(?:properties\/set|commands)\/response\/request_id=([^/]+)$/.exec(rest)?.[1];
  return id === undefined ? NOTHING : answerOf(hearing, id, message);
}

export const iotda: Dialect = {
  login({ clientId, username, password }, now) {
    const [, id, checksTime, hour = ''] = CLIENT_ID.exec(clientId) ?? [];
    if (id === undefined || id !== username) return undefined;
    // With signature type 1 the hour must be ours, or one beside it; with 0 the maker does not look at it.
    const fits = checksTime === '0' || Math.abs(hourOf(hour) - Math.floor(now / HOUR_MS) * HOUR_MS) <= HOUR_MS;
    // The key is the hour, and the secret is what is signed: so it is in the maker's documents.
    return { name: id, proves: (secret) => isSigned('sha256', hour, secret, password) && fits };
  },

  // Its system topics need no subscription there; devices that subscribe get the filters of Huawei's documents.
  subscribesItself: true,
  mayPublish: ({ terminal }, topic) => restOf(terminal, topic) !== undefined,
  maySubscribe({ terminal }, filter) {
    const rest = restOf(terminal, filter);
    return rest?.startsWith('sys/') === true && SUBSCRIBED.has(rest.slice('sys/'.length));
  },

  hear(hearing) {
    const { terminal, topic } = hearing;
    const rest = restOf(terminal, topic);
    if (!rest?.startsWith('sys/')) return NOTHING;
    return heardObject(hearing, (message) => heard(hearing, rest, message));
  },

  tell(terminal, { request, send, payload }, hub) {
    const id = nameOf(terminal);
    const { service, name = '', as } = send;
    const call = { object_device_id: id, service_id: service, command_name: name, paras: payload };
    const set = { object_device_id: id, services: [{ service_id: service, properties: { [name]: payload } }] };
    return {
      topic: `$oc/devices/${nameOf(hub)}/sys/${as === 'call' ? 'commands' : 'properties/set'}/request_id=${request}-${id}`,
      payload: JSON.stringify(as === 'call' ? call : set),
    };
  },
};
