import { pino } from 'pino';
import { z } from 'zod';
import { systemClock } from '../lib/clock.ts';
import { createDialIn } from '../lines/dial-in.ts';
import type { Line } from '../lines/line.ts';
import { createLines, WAYS } from '../lines/lines.ts';
import { FieldError } from './field-error.ts';
import type { TypedLine } from './line-text.ts';
import type { Words } from './words.ts';

/** A line of the tool's own, with the same discipline as the gateway's. A DTU is waited for until it dials in. */

const MOST_CONNECTIONS = 64;
const REGISTRATION_MS = 30_000;
/** DTUs dial again after a minute or several. */
const DIAL_IN_MS = 300_000;

const told = z.object({
  port: z.number(),
  registration: z.string().optional(),
  from: z.string().optional(),
  reason: z.string().optional(),
});

/** Whoever is not waiting when the port fails hears of it at the next `ready`. */
function waiting(): PromiseWithResolvers<void> {
  const one = Promise.withResolvers<void>();
  one.promise.catch(() => undefined);
  return one;
}

export interface OpenLine extends AsyncDisposable {
  line: Line;
  /** Resolves when it can be asked; at once but for a DTU. Rejects with `FieldError`, or when `stop` is aborted. */
  ready(): Promise<void>;
}

export interface OpenLineParts {
  typed: TypedLine;
  words: Words;
  stop: AbortSignal;
  /** Says what a person who waits wants to know. */
  say: (text: string) => void;
  /** See `LineParts`. */
  mostUnheard?: number;
}

export function openLine({ typed, words, stop, say, mostUnheard }: OpenLineParts): OpenLine {
  const { address, listenHost = '' } = typed;
  let dialledIn = waiting();
  /** What the gateway would log: who came that nobody waits for, and a port that is taken. */
  const hear = (line: string) => {
    const { port, registration, from, reason } = told.parse(JSON.parse(line));
    if (registration !== undefined) say(words.stranger(registration, from ?? ''));
    if (reason === undefined) return;
    const taken = { zh: `端口 ${port} 打不开：${reason}`, en: `port ${port} cannot be opened: ${reason}` };
    dialledIn.reject(new FieldError(taken));
  };
  const log = pino({ level: 'warn' }, { write: hear });
  const dialIn = createDialIn({
    ...{ host: listenHost, connections: MOST_CONNECTIONS, registrationMs: REGISTRATION_MS },
    ...{ clock: systemClock, log },
  });
  const lines = createLines({
    dialIn,
    clock: systemClock,
    onUp: () => dialledIn.resolve(),
    closing: () => undefined,
    ways: WAYS,
    mostUnheard,
  });
  const line = lines.of(address);

  async function ready(): Promise<void> {
    if (!('listen' in address) || line.state().isUp) return;
    say(words.waitsForDtu(listenHost, address.listen, address.registration));
    const late = AbortSignal.timeout(DIAL_IN_MS);
    const over = AbortSignal.any([stop, late]);
    const { promise, reject } = Promise.withResolvers<never>();
    over.addEventListener('abort', () => reject(over.reason), { once: true });
    if (stop.aborted) throw stop.reason;
    try {
      await Promise.race([dialledIn.promise, promise]);
    } catch (error) {
      if (!late.aborted || stop.aborted) throw error;
      throw new FieldError({ zh: '没有 DTU 拨入', en: 'no DTU dialled in' });
    }
    dialledIn = waiting();
    say(words.dtuIsThere);
  }

  return {
    line,
    ready,
    async [Symbol.asyncDispose]() {
      await lines[Symbol.asyncDispose]();
      dialIn[Symbol.dispose]();
    },
  };
}
