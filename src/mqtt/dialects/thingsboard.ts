import type { Item } from '../../terminals/decode.ts';
import { isObject } from '../../terminals/json-path.ts';
import { takes } from '../../terminals/mapping.ts';
import type { Terminal } from '../../terminals/registry.ts';
import { nameOf } from '../../terminals/wire-names.ts';
import {
  type Dialect,
  type Heard,
  type Hearing,
  heardJson,
  heardObject,
  NOTHING,
  reasonOf,
  refused,
  type Said,
  unknownNames,
  wholeNumber,
} from './dialect.ts';

/**
 * ThingsBoard's device and gateway API over MQTT: the token is the user name, and topics name no device, since the connection does.
 * https://thingsboard.io/docs/reference/mqtt-api/, https://thingsboard.io/docs/reference/gateway-mqtt-api/
 */

const GATEWAY = 'v1/gateway/';
const DEVICE = 'v1/devices/me/';
const UP = /^v1\/(devices\/me|gateway)\/[a-z]+(\/[a-z]+)?(\/\d{1,10})?$/;
const FILTERS = new Set([
  'v1/devices/me/rpc/request/+',
  'v1/devices/me/rpc/response/+',
  'v1/devices/me/attributes',
  'v1/devices/me/attributes/response/+',
  'v1/gateway/rpc',
  'v1/gateway/attributes',
  'v1/gateway/attributes/response',
]);

/** `{key: value}` now, or `{ts, values}`, or an array of either; undefined for anything else. */
function itemsOf(telemetry: unknown, now: number): Item[] | undefined {
  const items: Item[] = [];
  for (const one of Array.isArray(telemetry) ? telemetry : [telemetry]) {
    if (!isObject(one)) return undefined;
    const { ts, values } = one;
    if (isObject(values)) items.push({ time: typeof ts === 'number' || typeof ts === 'string' ? ts : now, values });
    else items.push({ time: now, values: one });
  }
  return items;
}

/** Attributes tell a device's version and the like too: what the profile does not take is left out. */
function attributesOf(terminal: Terminal, attributes: unknown, now: number): Said[] {
  if (!isObject(attributes)) return [];
  const values = Object.fromEntries(Object.entries(attributes).filter(([name]) => takes(terminal.profile, name)));
  return Object.keys(values).length > 0 ? [{ what: 'readings', terminal, items: [{ time: now, values }] }] : [];
}

function telemetry(terminal: Terminal, value: unknown, now: number): Said[] {
  const items = itemsOf(value, now);
  return items ? [{ what: 'readings', terminal, items }] : refused(terminal, 'bad_payload', 'is no telemetry').said;
}

/** A device answers as it likes: only `success: false` or an `error` is a no. */
function reply(terminal: Terminal, request: number | undefined, answer: unknown): Said {
  const error = isObject(answer) ? answer['error'] : undefined;
  const accepted = !(isObject(answer) && (answer['success'] === false || (error !== undefined && error !== null)));
  return { what: 'reply', terminal, request, accepted, reason: reasonOf(error) };
}

/** What a gateway says of the devices behind it, by their names. */
function forEach(
  { terminal, behind }: Hearing,
  byName: Record<string, unknown>,
  of: (child: Terminal, value: unknown) => Said[],
): Heard {
  const unknown: string[] = [];
  const said: Said[] = [];
  for (const [name, value] of Object.entries(byName)) {
    const child = behind(name);
    if (child) said.push(...of(child, value));
    else unknown.push(name);
  }
  return { said: [...said, ...unknownNames(terminal, unknown)] };
}

function hearGateway(hearing: Hearing, what: string, value: Record<string, unknown>): Heard {
  const { terminal, behind, now } = hearing;
  if (what === 'telemetry') return forEach(hearing, value, (child, one) => telemetry(child, one, now));
  if (what === 'attributes') return forEach(hearing, value, (child, one) => attributesOf(child, one, now));
  const name = value['device'];
  if (typeof name !== 'string') return refused(terminal, 'bad_payload', 'names no device');
  const child = behind(name);
  if (!child) return { said: unknownNames(terminal, [name]) };
  if (what === 'connect' || what === 'disconnect') {
    return { said: [{ what: 'status', terminal: child, online: what === 'connect' }] };
  }
  if (what === 'rpc') return { said: [reply(child, wholeNumber(value['id']), value['data'])] };
  if (what !== 'attributes/request') return NOTHING;
  return {
    said: [],
    answer: {
      topic: 'v1/gateway/attributes/response',
      payload: JSON.stringify({ id: value['id'], device: name, values: {} }),
    },
  };
}

function hearDevice(hearing: Hearing, what: string, value: unknown): Heard {
  const { terminal, now } = hearing;
  const [topic = '', id] = what.split(/\/(?=\d+$)/);
  if (topic === 'telemetry') return { said: telemetry(terminal, value, now) };
  if (topic === 'attributes') return { said: attributesOf(terminal, value, now) };
  if (topic === 'rpc/response') return { said: [reply(terminal, wholeNumber(id), value)] };
  // A device asks for what the platform keeps for it, and some wait for the answer: nothing is kept.
  if (topic !== 'attributes/request') return NOTHING;
  return { said: [], answer: { topic: `v1/devices/me/attributes/response/${id}`, payload: '{}' } };
}

export const thingsboard: Dialect = {
  subscribesItself: false,
  mayPublish: (_speaker, topic) => UP.test(topic),
  maySubscribe: (_speaker, filter) => FILTERS.has(filter),

  hear(hearing) {
    const { topic } = hearing;
    if (topic.startsWith(GATEWAY)) {
      return heardObject(hearing, (message) => hearGateway(hearing, topic.slice(GATEWAY.length), message));
    }
    return heardJson(hearing, (value) => hearDevice(hearing, topic.slice(DEVICE.length), value));
  },

  tell(terminal, { request, send, payload }, hub) {
    const call = { method: send.name, params: payload };
    if (hub.id === terminal.id) {
      return { topic: `v1/devices/me/rpc/request/${request}`, payload: JSON.stringify(call) };
    }
    const data = { id: request, ...call };
    return { topic: 'v1/gateway/rpc', payload: JSON.stringify({ device: nameOf(terminal), data }) };
  },
};
