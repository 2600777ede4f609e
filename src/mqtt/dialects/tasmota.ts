import { isObject } from '../../terminals/json-path.ts';
import { nameOf } from '../../terminals/wire-names.ts';
import { type Dialect, type Heard, type Hearing, heardObject, NOTHING, type Speaker, textOf } from './dialect.ts';

/**
 * Plugs and relays with Tasmota, with its default topics `%prefix%/%topic%/`. What it writes as `Time` is its own local time without a zone,
 * and it sends nothing late: the moment of arrival is taken. A command has no id; its answer is the new state, which is a reading.
 * https://tasmota.github.io/docs/MQTT/
 */

const JSON_TOPIC = /^(SENSOR|STATE|RESULT|STATUS\d{0,2})$/;
const PLAIN_TOPIC = /^POWER\d{0,2}$/;
const DISCOVERY = /^tasmota\/discovery\/[0-9A-F]{12}\/(config|sensors)$/;
const LONGEST_PLAIN = 64;

function restOf({ terminal }: Speaker, topic: string): string | undefined {
  const [prefix, name, rest, more] = topic.split('/');
  const own = (prefix === 'tele' || prefix === 'stat') && name === nameOf(terminal) && more === undefined;
  return own ? rest : undefined;
}

function heard({ terminal, now }: Hearing, message: Record<string, unknown>): Heard {
  // STATUS8 and STATUS11 say in an envelope what SENSOR and STATE say.
  const inner = message['StatusSNS'] ?? message['StatusSTS'];
  return { said: [{ what: 'readings', terminal, items: [{ time: now, values: isObject(inner) ? inner : message }] }] };
}

export const tasmota: Dialect = {
  subscribesItself: false,
  mayPublish: (speaker, topic) => restOf(speaker, topic) !== undefined || DISCOVERY.test(topic),
  // The first is the only filter that Tasmota knows for its own commands.
  maySubscribe: ({ terminal }, filter) => [`cmnd/${nameOf(terminal)}/#`, `cmnd/${nameOf(terminal)}/+`].includes(filter),

  hear(hearing) {
    const { terminal, topic, payload, now } = hearing;
    const rest = restOf(hearing, topic) ?? '';
    if (rest === 'LWT') {
      return { said: [{ what: 'status', terminal, online: payload.toString('utf8') === 'Online' }] };
    }
    if (PLAIN_TOPIC.test(rest)) {
      const values = { [rest]: payload.toString('utf8', 0, LONGEST_PLAIN) };
      return { said: [{ what: 'readings', terminal, items: [{ time: now, values }] }] };
    }
    if (!JSON_TOPIC.test(rest)) return NOTHING;
    return heardObject(hearing, (message) => heard(hearing, message));
  },

  tell: (terminal, { send, payload }) => ({
    topic: `cmnd/${nameOf(terminal)}/${send.name}`,
    payload: textOf(payload),
  }),
};
