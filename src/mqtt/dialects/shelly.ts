import type { Item } from '../../terminals/decode.ts';
import { isObject } from '../../terminals/json-path.ts';
import { nameOf } from '../../terminals/wire-names.ts';
import { type Dialect, heardJson, NOTHING, reasonOf, refused, type Speaker, textOf, wholeNumber } from './dialect.ts';

/**
 * Shelly devices. The first generation says each value alone, as text, under `shellies/{id}/`, and answers a command with the new state.
 * The later ones speak JSON-RPC under a prefix, which by default is the device's id.
 * https://shelly-api-docs.shelly.cloud/gen1/#mqtt-support, https://shelly-api-docs.shelly.cloud/gen2/ComponentsAndServices/Mqtt
 */

const LONGEST_PLAIN = 64;

const below = (prefix: string, topic: string): string | undefined =>
  topic.startsWith(prefix) ? topic.slice(prefix.length) : undefined;

const saidOnline = (payload: Buffer): boolean => payload.toString('utf8') === 'true';

const gen1Prefix = ({ terminal }: Pick<Speaker, 'terminal'>): string => `shellies/${nameOf(terminal)}/`;

/** `12.3` is a number, `on` a word. */
function plain(text: string): string | number {
  const number = Number(text);
  return text.trim() !== '' && Number.isFinite(number) ? number : text;
}

export const shelly: Dialect = {
  subscribesItself: false,
  mayPublish: (speaker, topic) => topic === 'shellies/announce' || topic.startsWith(gen1Prefix(speaker)),
  maySubscribe(speaker, filter) {
    if (filter === 'shellies/command') return true;
    return below(gen1Prefix(speaker), filter)?.includes('#') === false;
  },

  hear(hearing) {
    const { terminal, topic, payload, now } = hearing;
    const rest = below(gen1Prefix(hearing), topic);
    if (rest === 'online') return { said: [{ what: 'status', terminal, online: saidOnline(payload) }] };
    // Longer than any value is JSON that tells of the device.
    if (!rest || payload.length > LONGEST_PLAIN) return NOTHING;
    const items: Item[] = [{ time: now, values: { [rest]: plain(payload.toString('utf8')) } }];
    return { said: [{ what: 'readings', terminal, items }] };
  },

  tell: (terminal, { send, payload }) => ({
    topic: `${gen1Prefix({ terminal })}${send.name}`,
    payload: textOf(payload),
  }),
};

/** The device answers to `{src}/rpc`, and `src` is ours to say: below its own prefix. */
const REPLIES = 'hearthgate';

const rpcPrefix = ({ terminal }: Pick<Speaker, 'terminal'>): string => `${nameOf(terminal)}/`;

/** What a notification says. It is never sent late, so its own `ts`, from a clock that may be off, is left aside. */
function notified(message: unknown): Record<string, unknown> | undefined {
  if (!isObject(message) || !isObject(message['params'])) return undefined;
  return message['method'] === 'NotifyStatus' || message['method'] === 'NotifyFullStatus'
    ? message['params']
    : undefined;
}

export const shellyRpc: Dialect = {
  subscribesItself: false,
  mayPublish: (speaker, topic) => topic.startsWith(rpcPrefix(speaker)),
  maySubscribe(speaker, filter) {
    if (filter === 'shellies/command') return true;
    return below(rpcPrefix(speaker), filter)?.includes('#') === false;
  },

  hear(hearing) {
    const { terminal, topic, payload, now } = hearing;
    const rest = below(rpcPrefix(hearing), topic) ?? '';
    if (rest === 'online') return { said: [{ what: 'status', terminal, online: saidOnline(payload) }] };
    const component = below('status/', rest);
    if (!component && rest !== 'events/rpc' && rest !== `${REPLIES}/rpc`) return NOTHING;
    return heardJson(hearing, (message) => {
      if (component) {
        return { said: [{ what: 'readings', terminal, items: [{ time: now, values: { [component]: message } }] }] };
      }
      if (rest === 'events/rpc') {
        const values = notified(message);
        return values ? { said: [{ what: 'readings', terminal, items: [{ time: now, values }] }] } : NOTHING;
      }
      if (!isObject(message)) return refused(terminal, 'bad_payload', 'is no object');
      const error = isObject(message['error']) ? message['error'] : undefined;
      const reason = error && reasonOf(error['message'] ?? error['code']);
      const request = wholeNumber(message['id']);
      return { said: [{ what: 'reply', terminal, request, accepted: error === undefined, reason }] };
    });
  },

  tell(terminal, { request, send, payload }) {
    const prefix = rpcPrefix({ terminal });
    const call = { id: request, src: `${prefix}${REPLIES}`, method: send.name, params: payload };
    return { topic: `${prefix}rpc`, payload: JSON.stringify(call) };
  },
};
