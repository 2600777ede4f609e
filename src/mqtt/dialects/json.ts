import type { Item } from '../../terminals/decode.ts';
import { valueAt } from '../../terminals/json-path.ts';
import type { Envelope } from '../../terminals/profile-mqtt.ts';
import type { Terminal } from '../../terminals/registry.ts';
import { nameOf } from '../../terminals/wire-names.ts';
import {
  type Dialect,
  type Heard,
  type Hearing,
  heardJson,
  NOTHING,
  reasonOf,
  type Speaker,
  textOf,
  wholeNumber,
  wordOf,
} from './dialect.ts';

/** Devices that speak JSON in a way of their own: the profile says under which topics, and where things lie. */

const UNIT_MS: Record<'s' | 'ms', number> = { s: 1_000, ms: 1 };

/** A topic of the profile, for one terminal. */
const ownTopic = (topic: string, terminal: Terminal): string => topic.replace('{id}', nameOf(terminal));

function timeOf(message: unknown, time: Envelope['time'], now: number): number | string {
  if (!time) return now;
  const said = valueAt(message, time.json);
  if (time.unit === 'rfc3339') return wordOf(said);
  // What is no number is refused with the other times that cannot be read.
  return typeof said === 'number' ? Math.round(said * UNIT_MS[time.unit]) : wordOf(said);
}

function replyOf(terminal: Terminal, reply: NonNullable<Envelope['reply']>, message: unknown): Heard {
  const result = valueAt(message, reply.result.json);
  const accepted = reply.result.accepted.some((word) => word === result);
  const reason = accepted ? undefined : reasonOf(reply.reason ? valueAt(message, reply.reason) : result);
  const said = reply.request && valueAt(message, reply.request);
  const request = reply.request ? wholeNumber(said) : undefined;
  // A reply to something else is none to our command.
  if (reply.request && request === undefined) return NOTHING;
  return { said: [{ what: 'reply', terminal, request, accepted, reason }] };
}

function readingsOf(terminal: Terminal, { time }: Envelope, message: unknown, now: number): Heard {
  const items: Item[] = (Array.isArray(message) ? message : [message]).map((one) => ({
    time: timeOf(one, time, now),
    values: typeof one === 'object' && one !== null ? Object.fromEntries(Object.entries(one)) : {},
  }));
  return { said: [{ what: 'readings', terminal, items }] };
}

function statusOf(hearing: Hearing, { json, online }: NonNullable<Envelope['status']>): Heard {
  const { terminal, payload } = hearing;
  const is = (value: unknown): Heard => ({
    said: [{ what: 'status', terminal, online: online.some((word) => word === value) }],
  });
  return json ? heardJson(hearing, (message) => is(valueAt(message, json))) : is(payload.toString('utf8'));
}

/** Which of the profile's topics this is. */
function roleOf({ terminal }: Speaker, topic: string): 'up' | 'status' | 'reply' | undefined {
  const { messages } = terminal.profile;
  if (!messages) return undefined;
  const is = (pattern: string | undefined) => pattern !== undefined && ownTopic(pattern, terminal) === topic;
  if (messages.up.some(is)) return 'up';
  if (is(messages.status?.topic)) return 'status';
  return is(messages.reply?.topic) ? 'reply' : undefined;
}

export const json: Dialect = {
  subscribesItself: false,
  mayPublish: (speaker, topic) => roleOf(speaker, topic) !== undefined,
  maySubscribe: ({ terminal }, filter) =>
    Object.values(terminal.profile.commands).some(
      ({ send }) => send?.topic !== undefined && ownTopic(send.topic, terminal) === filter,
    ),

  hear(hearing) {
    const { terminal, topic, now } = hearing;
    const { messages } = terminal.profile;
    const role = roleOf(hearing, topic);
    if (!messages || !role) return NOTHING;
    if (role === 'status' && messages.status) return statusOf(hearing, messages.status);
    const { reply } = messages;
    return heardJson(hearing, (message) =>
      role === 'reply' && reply ? replyOf(terminal, reply, message) : readingsOf(terminal, messages, message, now),
    );
  },

  tell: (terminal, { send, payload }) => ({
    topic: ownTopic(send.topic ?? '', terminal),
    payload: textOf(payload),
  }),
};
