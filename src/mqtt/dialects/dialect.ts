import type { Item, Reject } from '../../terminals/decode.ts';
import { isObject } from '../../terminals/json-path.ts';
import type { Sending } from '../../terminals/profile-mqtt.ts';
import type { Terminal } from '../../terminals/registry.ts';
import { nameOf } from '../../terminals/wire-names.ts';
import type { Login } from './login.ts';

/**
 * How terminals that were made for another platform connect, publish, answer and are told. Each dialect is a few pure functions; which one
 * holds is said by the terminal's profile. What a terminal says is unwrapped to Hearthgate's own words here, and checked where all is checked.
 */

export interface Message {
  topic: string;
  payload: string | Buffer;
}

/** One thing that a terminal said, and which terminal it tells of. */
export type Said =
  /** Values as the device names them. */
  | { what: 'readings'; terminal: Terminal; items: Item[] }
  | { what: 'status'; terminal: Terminal; online: boolean }
  | { what: 'event'; terminal: Terminal; event: string; time: number | string; data: Record<string, unknown> }
  /** `request` is the command's sequence; undefined where the device does not say it. */
  | { what: 'reply'; terminal: Terminal; request: number | undefined; accepted: boolean; reason?: string | undefined }
  | { what: 'refused'; terminal: Terminal; rejects: Reject[] };

export interface Heard {
  said: Said[];
  /** What the device waits for, when that what it said is on disk. */
  answer?: Message | undefined;
}

export const NOTHING: Heard = { said: [] };

/** Who speaks, and whom else it may speak for, by the names of its dialect. */
export interface Speaker {
  terminal: Terminal;
  behind(name: string): Terminal | undefined;
}

export interface Hearing extends Speaker {
  topic: string;
  payload: Buffer;
  /** Epoch ms. */
  now: number;
}

/** A command as its dialect needs it. */
interface Order {
  /** The command's sequence, by which the reply is told apart. */
  request: number;
  send: Sending;
  /** The profile's payload, filled. */
  payload: unknown;
}

export interface Dialect {
  /** Where it signs: who a client says it is, and whether it signed with that one's secret. */
  login?(login: Login, now: number): { name: string; proves(secret: string): boolean } | undefined;
  mayPublish(speaker: Speaker, topic: string): boolean;
  maySubscribe(speaker: Speaker, filter: string): boolean;
  /** The maker's platform subscribes for its devices, so they never do. */
  subscribesItself: boolean;
  /** Of a topic that it may publish. */
  hear(hearing: Hearing): Heard;
  /** `hub` is the terminal whose connection it takes: its own or its concentrator's. */
  tell(terminal: Terminal, order: Order, hub: Terminal): Message;
}

/** The speaker itself or a terminal behind it, by its name. */
export const known = ({ terminal, behind }: Speaker, name: unknown): Terminal | undefined =>
  name === nameOf(terminal) ? terminal : behind(wordOf(name));

/** Names of a concentrator's that nobody knows, told in one refusal. */
const MOST_NAMED = 5;

export function unknownNames(terminal: Terminal, names: string[]): Said[] {
  if (names.length === 0) return [];
  const some = names.slice(0, MOST_NAMED).map((name) => name.slice(0, 60));
  const detail = `${names.length} not behind this terminal: ${some.join(', ')}`;
  return [refusal(terminal, 'bad_payload', detail)];
}

const refusal = (terminal: Terminal, reason: Reject['reason'], detail: string): Said => ({
  what: 'refused',
  terminal,
  rejects: [{ reason, detail: detail.slice(0, 200) }],
});

export const refused = (terminal: Terminal, reason: Reject['reason'], detail: string): Heard => ({
  said: [refusal(terminal, reason, detail)],
});

/** An event by the device's name for it; refused where the profile does not take it. */
export function eventOf(terminal: Terminal, name: string, time: number | string, data: Record<string, unknown>): Said {
  const { events } = terminal.profile;
  const event = Object.hasOwn(events, name) ? events[name] : undefined;
  if (event === undefined) return refusal(terminal, 'bad_payload', `the profile takes no event ${name}`);
  return { what: 'event', terminal, event, time, data };
}

/** Deeper than any dialect goes. What can be read may be nested too deeply to be written. */
const DEEPEST = 32;

const isShallow = (value: unknown, left = DEEPEST): boolean =>
  typeof value !== 'object' ||
  value === null ||
  (left > 0 && Object.values(value).every((inner) => isShallow(inner, left - 1)));

/** Reads JSON and gives it to `then`; what is none is refused. */
export function heardJson({ terminal, payload }: Hearing, then: (value: unknown) => Heard): Heard {
  let value: unknown;
  try {
    value = JSON.parse(payload.toString('utf8'));
  } catch (error) {
    return refused(terminal, 'bad_json', String(error));
  }
  return isShallow(value) ? then(value) : refused(terminal, 'bad_payload', 'is nested too deeply');
}

/** The same for an object; JSON that is none is refused as what `of` said. */
export const heardObject = (
  hearing: Hearing,
  then: (message: Record<string, unknown>) => Heard,
  of = hearing.terminal,
): Heard => heardJson(hearing, (value) => (isObject(value) ? then(value) : refused(of, 'bad_payload', 'is no object')));

/** A command's payload as it goes out where words and numbers are sent bare. */
export const textOf = (payload: unknown): string =>
  typeof payload === 'object' ? JSON.stringify(payload) : String(payload);

/** A name as it was said. What is none, such as an object, may not even have a text. */
export const wordOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : `(${typeof value})`;

/** A whole number from text such as a topic's level; undefined for anything else. */
export const wholeNumber = (text: unknown): number | undefined =>
  /^\d{1,10}$/.test(wordOf(text)) ? Number(text) : undefined;

/** As text, for reasons that a device gives in words or numbers of its own. */
export const reasonOf = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, 200) : undefined;
