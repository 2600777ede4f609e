import type { Command } from '../commands/commands.ts';
import type { Carrier } from '../downlink.ts';
import { type Clock, every } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { createTurns } from '../lib/turns.ts';
import type { Ask } from '../lines/line.ts';
import { BadFrame, type Question, Refusal, type Wire } from '../lines/question.ts';
import type { Reject } from '../terminals/decode.ts';
import { isMeter, meterPace } from '../terminals/profile-meter.ts';
import type { Registry, Terminal } from '../terminals/registry.ts';
import type { Uplink } from '../uplink.ts';
import { cutFrames, payloadBytes } from './framer.ts';
import { type Begun, understand } from './incoming.ts';
import type { Talk } from './talk.ts';
import { type MeterSettings, talkOf } from './terminals.ts';
import { createUnanswered } from './unanswered.ts';
import { createWatch } from './watch.ts';

/**
 * Meters whose frames travel over MQTT: a DTU or a concentrator publishes what it hears of them, and gets what they are to be asked and told.
 * What comes is stored whether it was asked for or not; whoever never listens for requests reads its meters itself.
 */

/** Gives bytes to whoever listens for a terminal's requests; false when nobody did. */
type FrameWay = (payload: Buffer | string) => Promise<boolean>;

/** The rest of a frame comes within this time, or never. */
const TAIL_MS = 1_000;
/** A meter behind a radio takes longer than one on a wire. */
const RADIO_MS = 5_000;
const LOOK_MS = 1_000;
/** Meters of one concentrator that wait to be read. */
const MOST_WAITING = 1_000;
/** After a command its meter is read this soon. */
const READ_AFTER_COMMAND_MS = 2_000;

const WIRE: Wire = { framing: 'rtu', transaction: 0, echoes: false, heartbeats: [] };

class NobodyListens extends Error {}

interface Meter {
  talk: Talk;
  /** What the talk was made for, as text. */
  made: string;
  /** Whether its DTU writes digits. */
  isText: boolean;
  tail: { bytes: Buffer; timer: Disposable } | undefined;
  begun: Begun | undefined;
  unanswered: ReturnType<typeof createUnanswered>;
  /** Takes what comes while a question waits for its answer; true when it is the answer. */
  waiting: ((bytes: Buffer) => boolean) | undefined;
  /** Ticks. */
  nextAt: number;
  watch: ReturnType<typeof createWatch>;
}

const isOverMqtt = ({ connection, profile }: Terminal): boolean =>
  connection.type === 'mqtt' && isMeter(profile.protocol);

const addressOf = ({ connection }: Terminal): string =>
  connection.type === 'modbus' ? '' : (connection.address ?? '');

/** One request at a time for each: meters behind a concentrator share its bus. */
const hubOf = ({ id, connection }: Terminal): string => (connection.type === 'mqtt' ? connection.via : undefined) ?? id;

const noFrame = (detail: string): Reject => ({ reason: 'bad_payload', detail });

export function startMeterFrames(parts: {
  registry: Pick<Registry, 'find' | 'all'>;
  uplink: Pick<Uplink, 'receiveMeter' | 'receiveAnswer' | 'refuse'>;
  settings: MeterSettings;
  /** Overrides the profiles' period. Seconds. */
  pollEveryS?: number | undefined;
  /** Whether this gateway asks the meters of a concentrator: of several gateways one does. */
  owns: (key: string) => boolean;
  clock: Clock;
  log: Logger;
}) {
  const { registry, uplink, clock, log } = parts;
  const known = new Map<string, Meter>();
  const hubs = new Map<string, ReturnType<typeof createTurns>>();
  const busy = new Set<string>();
  let wayTo: (terminal: Terminal) => FrameWay | undefined = () => undefined;

  function meterOf(terminal: Terminal): Meter {
    const made = JSON.stringify([terminal.profile.profile, addressOf(terminal)]);
    const before = known.get(terminal.id);
    if (before?.made === made) return before;
    before?.tail?.timer[Symbol.dispose]();
    const talk = talkOf(addressOf(terminal), terminal.profile, parts.settings, clock);
    const fresh = {
      talk,
      made,
      isText: false,
      tail: undefined,
      begun: undefined,
      unanswered: createUnanswered(clock),
      waiting: undefined,
      nextAt: 0,
      watch: createWatch(clock),
    };
    known.set(terminal.id, fresh);
    return fresh;
  }

  const quarantine = (terminal: Terminal, rejects: Reject[], bytes: Buffer): Promise<void> =>
    uplink.refuse(terminal, rejects, Buffer.from(bytes.toString('hex')));

  /** What was left of a message: the next may bring the rest of the frame. */
  function keepTail(terminal: Terminal, meter: Meter, bytes: Buffer): void {
    meter.tail = undefined;
    if (bytes.length === 0) return;
    const timer = clock.after(TAIL_MS, () => {
      meter.tail = undefined;
      quarantine(terminal, [noFrame('a frame that is cut')], bytes).catch((error: unknown) =>
        log.warn({ err: error, terminal: terminal.id }, 'meters: a cut frame was not kept'),
      );
    });
    meter.tail = { bytes, timer };
  }

  async function take(terminal: Terminal, payload: Buffer): Promise<void> {
    if (!isOverMqtt(terminal)) {
      return uplink.refuse(terminal, [noFrame('its profile or connection has no meter’s frames')], payload);
    }
    const meter = meterOf(terminal);
    const { bytes, isText } = payloadBytes(payload);
    meter.isText = isText;
    meter.tail?.timer[Symbol.dispose]();
    const whole = Buffer.concat([meter.tail?.bytes ?? Buffer.alloc(0), bytes]);
    const { frames, rest, noise } = cutFrames(whole);
    keepTail(terminal, meter, rest);
    const { data, answer, rejects, begun } = understand(frames, terminal.profile, addressOf(terminal), meter.begun);
    meter.begun = begun;
    if (noise > 0) rejects.push(noFrame(`${noise} bytes that are no frame`));
    await Promise.all([
      data.size > 0 ? uplink.receiveMeter(terminal, data, clock.now()) : undefined,
      rejects.length > 0 ? quarantine(terminal, rejects, whole) : undefined,
    ]);
    const wasAsked = meter.waiting?.(whole) ?? false;
    if (answer && !wasAsked && meter.unanswered.isOfLast()) {
      await uplink.receiveAnswer(terminal, { request: undefined, ...answer });
    }
  }

  /** One question and its answer, which comes through `take`. */
  async function exchange<T>(terminal: Terminal, meter: Meter, question: Question<T>): Promise<T> {
    const way = wayTo(terminal);
    if (!way) throw new NobodyListens(`nobody listens for the requests to ${terminal.id}`);
    const sent = question.wrap(WIRE);
    const done = Promise.withResolvers<Buffer>();
    // It may come before the sender knows that it was taken.
    done.promise.catch(() => undefined);
    const waitMs = Math.max(RADIO_MS, meterPace(terminal.profile)?.timeoutMs ?? 0);
    using _timer = clock.after(waitMs, () => done.reject(new Error(`no answer within ${waitMs} ms`)));
    meter.waiting = (bytes) => {
      const pdu = question.unwrap(bytes, sent, WIRE)?.pdu;
      if (pdu) done.resolve(pdu);
      return pdu !== undefined;
    };
    try {
      if (!(await way(meter.isText ? sent.toString('hex').toUpperCase() : sent))) {
        throw new NobodyListens(`nobody took the request to ${terminal.id}`);
      }
      return question.read(await done.promise);
    } finally {
      meter.waiting = undefined;
    }
  }

  function turnsOf(hub: string): ReturnType<typeof createTurns> {
    const turns = hubs.get(hub) ?? createTurns(MOST_WAITING);
    hubs.set(hub, turns);
    return turns;
  }

  const askOf =
    (terminal: Terminal, meter: Meter): Ask =>
    (question) =>
      turnsOf(hubOf(terminal))(() => exchange(terminal, meter, question));

  async function read(terminal: Terminal, meter: Meter): Promise<void> {
    try {
      // Its values are stored as they come.
      await meter.talk.read(askOf(terminal, meter), new Map());
    } catch (error) {
      if (error instanceof NobodyListens) return;
      meter.talk.silent();
      log.debug({ terminal: terminal.id, reason: String(error) }, 'meters: a reading over MQTT was not whole');
    }
  }

  function look(): void {
    for (const id of known.keys()) if (!registry.find(id)) forget(id);
    for (const terminal of registry.all()) {
      if (!isOverMqtt(terminal) || busy.has(terminal.id) || !parts.owns(`mqtt/${hubOf(terminal)}`)) continue;
      const meter = meterOf(terminal);
      if (clock.ticks() < meter.nextAt || !wayTo(terminal)) continue;
      const everyMs = (parts.pollEveryS ?? meterPace(terminal.profile)?.everyS ?? 0) * 1_000;
      busy.add(terminal.id);
      read(terminal, meter).finally(() => {
        busy.delete(terminal.id);
        meter.nextAt = clock.ticks() + Math.min(everyMs, meter.watch.everyMs() ?? everyMs);
      });
    }
  }

  function forget(id: string): void {
    known.get(id)?.tail?.timer[Symbol.dispose]();
    known.delete(id);
    hubs.delete(id);
  }

  const looks = every(clock, LOOK_MS, look, (error) => log.error({ err: error }, 'meters: a look over MQTT failed'));

  /** See `Carrier`. */
  async function give(
    terminal: Terminal,
    { command, value, expiresAt }: Pick<Command, 'command' | 'value' | 'expiresAt'>,
    begin: () => Promise<boolean>,
  ): ReturnType<Carrier['give']> {
    const definition = terminal.profile.commands[command];
    if (!definition || !wayTo(terminal)) return { result: 'not_given' };
    const meter = meterOf(terminal);
    const order = { definition, value, expiresAt };
    return turnsOf(hubOf(terminal))(async () => {
      const unfit = meter.talk.unfit?.(order);
      if (!(await begin())) return { result: 'not_given' };
      if (unfit !== undefined) return { result: 'refused', reason: unfit };
      meter.watch.begin(definition.timeoutS * 1_000);
      meter.nextAt = clock.ticks() + READ_AFTER_COMMAND_MS;
      const isSure = meter.unanswered.none();
      try {
        await meter.talk.send((question) => exchange(terminal, meter, question), order);
        return { result: isSure ? 'taken' : 'given' };
      } catch (error) {
        if (error instanceof NobodyListens) return { result: 'not_listening' };
        if (error instanceof Refusal)
          return isSure ? { result: 'refused', reason: error.message } : { result: 'given' };
        meter.unanswered.add();
        if (error instanceof BadFrame || error instanceof RangeError) throw error;
        // It may still have arrived, and what it did shows in a reading.
        return { result: 'given' };
      }
    });
  }

  return {
    take,
    /** Takes the commands of meters, and leaves those of others to the broker's own carrier. */
    over: (carrier: Carrier): Carrier => ({
      give: (terminal, command, begin) =>
        isOverMqtt(terminal) ? give(terminal, command, begin) : carrier.give(terminal, command, begin),
    }),
    /** How a broker reaches whoever listens. */
    sendThrough(way: typeof wayTo): void {
      wayTo = way;
    },
    [Symbol.dispose](): void {
      looks[Symbol.dispose]();
      for (const id of [...known.keys()]) forget(id);
    },
  };
}
