import { createLimits } from './limits.ts';
import { type KeptDays, PLACES, type Place, type Retentions, wanted } from './server.ts';

/** What is not as the configuration wants it on an InfluxDB server. Only reads, so it may be asked before the gateway starts. */

/** For each question, since a person waits for the answer. */
const WITHIN_MS = 5_000;

interface Differing {
  name: string;
  /** ms, `Infinity` for ever. */
  keptMs: number;
  wantedMs: number;
}

export type InfluxTrouble =
  | { code: 'unreachable'; error: unknown }
  /** It is not of the line that is configured. */
  | { code: 'other_line' }
  /** It does not say what it has, mostly to somebody whom it does not know. */
  | { code: 'unreadable'; error: unknown }
  /** The whole database or bucket, or those of its parts that the gateway uses. */
  | { code: 'missing'; names: string[] }
  | { code: 'retention'; differing: Differing[] }
  | { code: 'unwritable'; error: unknown };

export interface Inspection {
  /** Undefined when no server answers, or one that does not say. */
  version: string | undefined;
  /** By how much the server's clock is ahead of ours, within half a second, when it says. */
  aheadMs: number | undefined;
  /** Empty when all is well. */
  troubles: InfluxTrouble[];
}

/** A server of either line. */
interface Inspected {
  url: string;
  line: 1 | 2;
  /** The database or the bucket. */
  home: string;
  nameOf: (place: Place) => string;
  retentions(): Promise<Retentions>;
  /** Rejects without the right to. */
  mayWrite(): Promise<void>;
  close(): void;
}

/** Both lines answer this, and say which they are before they ask who we are. */
async function ping(url: string, now: () => number, signal: AbortSignal) {
  const { headers } = await fetch(`${url.replace(/\/$/, '')}/ping`, { signal });
  const date = Date.parse(headers.get('date') ?? '');
  return {
    version: headers.get('x-influxdb-version')?.replace(/^v/, ''),
    // The header has whole seconds.
    aheadMs: Number.isNaN(date) ? undefined : date + 500 - now(),
  };
}

/** Roll-ups are needed while raw readings go, and once they are there. */
function compare(have: Retentions, kept: KeptDays, nameOf: Inspected['nameOf']) {
  const want: Record<Place, number> = { ...wanted(kept), state: Number.POSITIVE_INFINITY };
  const missing: string[] = [];
  const differing: Differing[] = [];
  for (const place of PLACES) {
    const [name, keptMs, wantedMs] = [nameOf(place), have[place], want[place]];
    if (keptMs === undefined) {
      if (place !== 'rollup' || kept.keepRawDays > 0) missing.push(name);
    } else if (keptMs !== wantedMs) differing.push({ name, keptMs, wantedMs });
  }
  return { missing, differing };
}

export async function inspectServer(server: Inspected, kept: KeptDays, now: () => number): Promise<Inspection> {
  const { limited, close } = createLimits();
  const troubles: InfluxTrouble[] = [];
  const found: Inspection = { version: undefined, aheadMs: undefined, troubles };

  /** Undefined after noting that it failed. */
  async function tried<T>(
    code: 'unreachable' | 'unreadable' | 'unwritable',
    task: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | undefined> {
    try {
      return await limited(WITHIN_MS, task);
    } catch (error) {
      troubles.push({ code, error });
      return undefined;
    }
  }

  try {
    const greeting = await tried('unreachable', (signal) => ping(server.url, now, signal));
    if (!greeting) return found;
    Object.assign(found, greeting);
    if (!greeting.version?.startsWith(`${server.line}.`)) {
      troubles.push({ code: 'other_line' });
      return found;
    }
    const have = await tried('unreadable', server.retentions);
    if (!have) return found;
    if (Object.keys(have).length === 0) {
      troubles.push({ code: 'missing', names: [server.home] });
      return found;
    }
    const { missing, differing } = compare(have, kept, server.nameOf);
    if (missing.length > 0) troubles.push({ code: 'missing', names: missing });
    if (differing.length > 0) troubles.push({ code: 'retention', differing });
    if (have.raw !== undefined) await tried('unwritable', server.mayWrite);
    return found;
  } finally {
    close();
    server.close();
  }
}
