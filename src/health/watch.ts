import { type Clock, every } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { inLanguage, type Text } from '../lib/text.ts';

/** Looks after every part of the gateway in the background, so that asking how it is costs nothing and waits for nobody. */

export const PART_STATES = ['ok', 'degraded', 'away'] as const;
/** `degraded`: it works, and not as it should; `away`: it does not answer. */
type PartState = (typeof PART_STATES)[number];

/** What a look at a part shows. The detail is for everybody: no secrets, addresses or paths. */
export interface Seen {
  state: PartState;
  detail?: Text | null;
  /** In place of how long the question took. */
  latencyMs?: number | null;
}

export interface Check {
  name: string;
  /** The gateway cannot do its work without this part. */
  vital: boolean;
  /** Asks the part something small; rejecting means that it is away. */
  ask?: () => Promise<unknown>;
  /** What memory knows of the part. Its state counts when the part has answered. */
  look?: () => Seen;
}

export interface Part {
  name: string;
  vital: boolean;
  state: PartState;
  /** Epoch ms. */
  since: number;
  latencyMs: number | null;
  detail: Text | null;
}

const EVERY_MS = 2_000;
const ANSWER_WITHIN_MS = 2_000;
const ANSWER_WITHIN_S = ANSWER_WITHIN_MS / 1_000;

const LATE = { zh: `${ANSWER_WITHIN_S} 秒内没有应答`, en: `no answer within ${ANSWER_WITHIN_S} s` };

/** The code of a system's error says what is wrong, where its message would also say where. */
function kindOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^[A-Z0-9_]+$/.test(code) ? code : '';
}

function noAnswer(error: unknown): Text {
  const kind = kindOf(error);
  return kind ? { zh: `没有应答：${kind}`, en: `does not answer: ${kind}` } : { zh: '没有应答', en: 'does not answer' };
}

function joined(details: Text[]): Text | null {
  if (details.length < 2) return details[0] ?? null;
  const of = (language: 'zh' | 'en') => details.map((detail) => inLanguage(detail, language));
  return { zh: of('zh').join('；'), en: of('en').join('; ') };
}

/** Resolves when every part was asked once. Dispose ends the questions; one that is under way is no longer waited for. */
export async function startWatch(checks: Check[], { clock, log }: { clock: Clock; log: Logger }) {
  const stopping = Promise.withResolvers<void>();

  function watch({ name, vital, ask, look }: Check) {
    let answer: Seen = { state: 'ok' };
    let asking: Promise<void> | undefined;
    const part: Part = { name, vital, state: 'ok', since: clock.now(), latencyMs: null, detail: null };

    async function question(): Promise<void> {
      const began = clock.ticks();
      try {
        await ask?.();
        answer = { state: 'ok', latencyMs: ask ? clock.ticks() - began : null };
      } catch (error) {
        answer = { state: 'away', detail: noAnswer(error) };
        if (part.state !== 'away') log.warn({ err: error, part: name }, 'health: a part does not answer');
      } finally {
        asking = undefined;
      }
    }

    function assess(): Part {
      const known = look?.();
      const details = [answer.detail, known?.detail].filter((detail) => detail != null);
      const seen = answer.state === 'ok' ? { ...answer, ...known } : { ...answer, detail: joined(details) };
      if (seen.state !== part.state) {
        log.info({ part: name, from: part.state, to: seen.state, detail: seen.detail }, 'health: a part has changed');
        part.since = clock.now();
      }
      part.state = seen.state;
      part.detail = seen.detail ?? null;
      part.latencyMs = seen.latencyMs == null ? null : Math.round(seen.latencyMs * 100) / 100;
      return { ...part };
    }

    return {
      assess,
      /** A question that still waits for its answer is not asked a second time. */
      async turn(late: Promise<'late'>): Promise<void> {
        asking ??= question();
        const first = await Promise.race([asking, late, stopping.promise]);
        if (first === 'late') answer = { state: 'away', detail: LATE };
        assess();
      },
    };
  }

  const watches = checks.map(watch);
  async function round(): Promise<void> {
    const late = Promise.withResolvers<'late'>();
    using _timer = clock.after(ANSWER_WITHIN_MS, () => late.resolve('late'));
    await Promise.all(watches.map(({ turn }) => turn(late.promise)));
  }
  await round();
  const rounds = every(clock, EVERY_MS, round, (error) => log.error({ err: error }, 'health: a check failed'));

  return {
    /** How every part is now. */
    parts: (): Part[] => watches.map(({ assess }) => assess()),
    [Symbol.dispose](): void {
      stopping.resolve();
      rounds[Symbol.dispose]();
    },
  };
}
