import type { Clock } from '../lib/clock.ts';
import { type ConnectionParts, createConnection, LineDown } from './connection.ts';
import { createFrameRing } from './frame-ring.ts';
import { dropTcp, type Framing, onlyHeartbeats, type Unwrapped } from './framing.ts';
import { createOwing } from './owing.ts';
import { BadFrame, type Question, Refusal, type UnitKey } from './question.ts';
import { createTurns } from './turns.ts';

/**
 * One line with its discipline: one request under way at a time; after any trouble the line must be quiet before it is asked again; and
 * a unit that still owes an answer is first asked something that no other answer of its can be taken for.
 */

/** The unit said nothing in time, or the connection ended before it did. */
export class NoAnswer extends Error {}

export { LineDown };

export interface LineParts extends Pick<ConnectionParts, 'name' | 'open' | 'onUp'> {
  framing: Framing;
  clock: Clock;
  /** Silence between an answer and the next request. Milliseconds. */
  gapMs: number;
  /** How long a byte is under way on the wire, where that counts. Milliseconds. */
  byteMs: number;
  /** Instead of what the profile says. */
  timeoutMs?: number | undefined;
  heartbeats: readonly Buffer[];
  /** Without a single byte heard in so many requests the port is thrown away: its other end may be gone without a word. */
  mostUnheard?: number | undefined;
}

export interface ExchangeOptions {
  timeoutMs: number;
  /** Reads whose answers are not taken for those of the unit's others, the best first. */
  probes: readonly Question<unknown>[];
  /** Told how each request ended, and after how long. Milliseconds. */
  record: (ms: number, error: unknown) => void;
}

/** Asks a unit within its turn on the line. */
export type Ask = <T>(question: Question<T>) => Promise<T>;

/** After trouble the line must have been quiet for so long. */
const QUIET_AFTER_TROUBLE_MS = 50;
/** A line on which somebody talks without end is given up after this. */
const LONGEST_NOISE_MS = 2_000;
const MOST_UNHEARD = 3;
/** An RTU unit that gave no answer is left alone for so many of its time-outs, since nothing but its shape tells a late answer. */
const REST_TIMEOUTS = 2;
const LONGEST_REST_MS = 3_000;
/** More bytes than any answer, its echo, some heartbeats and some noise have. */
const MOST_BYTES = 4_096;
const FRAMES_KEPT = 12;

interface UnderWay {
  take(bytes: Buffer): Unwrapped;
  heard: Buffer;
  done: PromiseWithResolvers<Buffer>;
}

export function createLine(parts: LineParts) {
  const { name, framing, clock, mostUnheard = MOST_UNHEARD } = parts;
  const turns = createTurns(name);
  const frames = createFrameRing(clock, FRAMES_KEPT);
  const connection = createConnection({ ...parts, heard, gone });
  const owing = createOwing(clock);
  let underWay: UnderWay | undefined;
  /** The beginning of a Modbus TCP frame that nobody waits for. */
  let rest = Buffer.alloc(0);
  let transaction = 0;
  let last: { unit: UnitKey; question: Question<unknown> } | undefined;
  let echoes = false;
  let unheard = 0;
  let quietFrom = 0;
  let ending = false;
  let stopWaiting: (() => void) | undefined;
  const counted = { requests: 0, noiseBytes: 0, late: 0 };

  function gone(reason: string): void {
    rest = Buffer.alloc(0);
    unheard = 0;
    const waiting = underWay;
    underWay = undefined;
    waiting?.done.reject(new NoAnswer(`${name}: ${reason}`));
  }

  function heard(bytes: Buffer): void {
    unheard = 0;
    quietFrom = clock.ticks() + parts.gapMs;
    if (!underWay) {
      unasked(bytes);
      return;
    }
    underWay.heard = Buffer.concat([underWay.heard, bytes]);
    try {
      if (underWay.heard.length > MOST_BYTES) throw new BadFrame(`${underWay.heard.length} bytes and no answer`);
      const unwrapped = underWay.take(underWay.heard);
      if (!unwrapped) return;
      counted.late += unwrapped.late ?? 0;
      rest = Buffer.from(unwrapped.rest);
      underWay.done.resolve(unwrapped.pdu);
    } catch (error) {
      underWay.done.reject(error);
    }
    underWay = undefined;
  }

  /** Bytes that no request brought: late answers, heartbeats, noise. */
  function unasked(bytes: Buffer): void {
    if (framing === 'rtu') {
      if (onlyHeartbeats(bytes, parts.heartbeats)) return;
      counted.noiseBytes += bytes.length;
      // Whoever spoke last may have more to say.
      quietFrom = Math.max(quietFrom, clock.ticks() + QUIET_AFTER_TROUBLE_MS);
      if (last) owing.add(last.unit, last.question, 0);
      return;
    }
    try {
      rest = Buffer.from(dropTcp(Buffer.concat([rest, bytes])));
    } catch (error) {
      counted.noiseBytes += bytes.length;
      connection.drop(String(error));
    }
  }

  async function wait(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    stopWaiting = resolve;
    using _timer = clock.after(ms, resolve);
    await promise;
    stopWaiting = undefined;
  }

  /** Waits until the port is open and nobody has said anything for long enough. */
  async function ready(): Promise<void> {
    const port = await connection.connected();
    const until = clock.ticks() + LONGEST_NOISE_MS;
    while (clock.ticks() < quietFrom) {
      if (ending) throw new LineDown(`${name}: closed`);
      if (clock.ticks() >= until) connection.drop('the line is never quiet');
      if (connection.current() !== port) throw new NoAnswer(`${name}: ${connection.state().trouble}`);
      await wait(Math.ceil(quietFrom - clock.ticks()));
    }
  }

  /** One request and its answer. Rejects with `NoAnswer`, `BadFrame` or `Refusal`. */
  async function exchange<T>(unit: UnitKey, question: Question<T>, timeoutMs: number): Promise<T> {
    const port = connection.current();
    if (!port) throw new NoAnswer(`${name}: ${connection.state().trouble}`);
    transaction = (transaction + 1) & 0xffff;
    const wire = { framing, transaction, echoes, heartbeats: parts.heartbeats };
    const sent = question.wrap(wire);
    const done = Promise.withResolvers<Buffer>();
    let echoed = false;
    const exchanged: UnderWay = {
      heard: rest,
      done,
      take(bytes) {
        const unwrapped = question.unwrap(bytes, sent, wire);
        if (unwrapped?.echoed) echoed = true;
        return unwrapped;
      },
    };
    const allowedMs = Math.ceil((parts.timeoutMs ?? timeoutMs) + (sent.length + question.answerBytes) * parts.byteMs);
    using _timer = clock.after(allowedMs, () => {
      if (underWay !== exchanged) return;
      underWay = undefined;
      done.reject(new NoAnswer(`${name}: unit ${unit} did not answer within ${allowedMs} ms`));
    });
    underWay = exchanged;
    counted.requests += 1;
    last = { unit, question };
    unheard += 1;
    const frame = frames.add(unit, sent, question.secret);
    port.write(sent);
    try {
      const values = question.read(await done.promise);
      if (question.tellsEcho) echoes = echoed;
      return values;
    } catch (error) {
      if (!(error instanceof Refusal)) troubled(exchanged.heard, error);
      throw error;
    } finally {
      frame.answered(exchanged.heard);
      quietFrom = Math.max(quietFrom, clock.ticks() + parts.gapMs);
    }
  }

  /** After trouble nothing that was said may be taken for an answer. */
  function troubled(said: Buffer, error: unknown): void {
    quietFrom = clock.ticks() + Math.max(parts.gapMs, QUIET_AFTER_TROUBLE_MS);
    rest = Buffer.alloc(0);
    // A Modbus TCP stream cannot be read on from within a frame.
    const isLost = framing === 'tcp' && said.length > 0;
    if (isLost || unheard >= mostUnheard) connection.drop(error instanceof Error ? error.message : String(error));
  }

  async function ask<T>(unit: UnitKey, question: Question<T>, { timeoutMs, record }: ExchangeOptions): Promise<T> {
    await ready();
    const from = clock.ticks();
    try {
      const values = await exchange(unit, question, timeoutMs);
      record(clock.ticks() - from, undefined);
      return values;
    } catch (error) {
      record(clock.ticks() - from, error);
      if (!(error instanceof Refusal)) owing.add(unit, question, restAfter(parts.timeoutMs ?? timeoutMs));
      throw error;
    }
  }

  const restAfter = (timeoutMs: number): number =>
    framing === 'rtu' ? Math.min(LONGEST_REST_MS, REST_TIMEOUTS * timeoutMs) : 0;

  /** Makes sure that the line is up, and that the unit owes no answer that could be taken for the next one. */
  async function settle(unit: UnitKey, options: ExchangeOptions): Promise<void> {
    await connection.connected();
    while (owing.isOwing(unit)) {
      const probe = owing.probe(unit, options.probes);
      if (!probe) throw new NoAnswer(`${name}: unit ${unit} owes too many answers`);
      try {
        await ask(unit, probe.question, options);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        if (!probe.exceptionTells) {
          owing.add(unit, probe.question, 0);
          continue;
        }
      }
      owing.settled(unit);
    }
  }

  return {
    name,
    timeoutMs: parts.timeoutMs,
    /** How long a unit must still be left alone before it is asked again. Milliseconds. */
    restMs: owing.restMs,

    /** One read, when those before it are through. Rejects with `LineDown`, `NoAnswer`, `BadFrame` or `Refusal`. */
    read: <T>(unit: UnitKey, question: Question<T>, options: ExchangeOptions): Promise<T> =>
      turns.take('poll', async () => {
        await settle(unit, options);
        return ask(unit, question, options);
      }),

    /** Several requests between which no other gets in; they go before the reads that wait. */
    turn: <T>(unit: UnitKey, options: ExchangeOptions, task: (ask: Ask) => Promise<T>): Promise<T> =>
      turns.take('command', async () => {
        // Before anything is decided: a line that is down takes no command, and what a unit owes is settled.
        await settle(unit, options);
        return task((question) => ask(unit, question, options));
      }),

    attach: connection.attach,
    state: () => ({ ...connection.state(), waiting: turns.waiting(), echoes, ...counted }),
    /** The newest first. */
    frames: frames.list,

    /** Ends after the request under way. */
    async [Symbol.asyncDispose](): Promise<void> {
      connection.end();
      ending = true;
      stopWaiting?.();
      await turns.idle();
      connection.close();
    },
  };
}
export type Line = ReturnType<typeof createLine>;
