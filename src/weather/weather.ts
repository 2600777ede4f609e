import { open } from 'node:fs/promises';
import { type Clock, every } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { parseWeather, type Said } from './forecast.ts';

/** The weather outdoors, from a file that another program writes or from a URL. It is asked in the background, never while somebody waits. */

export interface WeatherSettings {
  kind: 'none' | 'file' | 'http';
  /** With kind `file`. */
  file: string;
  /** With kind `http`. */
  url: string;
  everyS: number;
  /** What is older than this, by its own time, counts as unknown. */
  maxAgeS: number;
}

/** `none`: no source is configured. Of an unknown one the age of the last it said, if it ever said any. */
export type WeatherNow =
  | 'none'
  | { known: { outdoorC: number; forecastMinC: number | null } }
  | { known: undefined; ageMs: number | undefined };

export type WeatherState =
  | 'none'
  | {
      /** Why the last asking failed. */
      trouble: string | undefined;
      /** Areas of which it has said something, and those of which that is too old to count. */
      places: number;
      unknown: number;
      /** Age of the oldest that it has said. */
      oldestMs: number | undefined;
    };

const MOST_BYTES = 1_048_576;
const PATIENCE_MS = 10_000;
/** A source's clock may be so far ahead of ours. */
const AHEAD_MS = 300_000;

async function readFileText(path: string): Promise<string> {
  await using file = await open(path);
  const { size } = await file.stat();
  if (size > MOST_BYTES) throw new Error(`it has more than ${MOST_BYTES} bytes`);
  return file.readFile('utf8');
}

async function fetchText(url: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, { signal, headers: { accept: 'application/json, text/csv' } });
  if (!response.ok) throw new Error(`it answered ${response.status}`);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MOST_BYTES) throw new Error(`it has more than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Dispose ends the asking. */
export function startWeather(settings: WeatherSettings, { clock, log }: { clock: Clock; log: Logger }) {
  const { kind, file, url, everyS, maxAgeS } = settings;
  const stopped = new AbortController();
  let said = new Map<string, Said>();
  let trouble: string | undefined;

  async function ask(): Promise<string> {
    if (kind === 'file') return readFileText(file);
    const late = new AbortController();
    using _timer = clock.after(PATIENCE_MS, () => late.abort(new Error(`it did not answer within ${PATIENCE_MS} ms`)));
    return await fetchText(url, AbortSignal.any([late.signal, stopped.signal]));
  }

  async function look(): Promise<void> {
    try {
      said = parseWeather(await ask());
      trouble = undefined;
    } catch (error) {
      if (stopped.signal.aborted) return;
      const now = error instanceof Error ? error.message : String(error);
      if (now !== trouble) log.warn({ reason: now }, 'weather: the source cannot be read');
      trouble = now;
    }
  }

  if (kind !== 'none') void look();
  const turns =
    kind === 'none'
      ? undefined
      : every(clock, everyS * 1_000, look, (error) => log.error({ err: error }, 'weather: asking failed'));

  /** What was said of the smallest area that holds this one. */
  function saidOf(areaCode: string | null): Said | undefined {
    for (let length = areaCode?.length ?? 0; length >= 0; length -= 1) {
      const found = said.get((areaCode ?? '').slice(0, length));
      if (found) return found;
    }
    return undefined;
  }

  const isUnknown = (ageMs: number): boolean => ageMs > maxAgeS * 1_000 || ageMs < -AHEAD_MS;

  function state(): WeatherState {
    if (kind === 'none') return 'none';
    const ages = [...said.values()].map(({ time }) => clock.now() - time);
    return {
      trouble,
      places: ages.length,
      unknown: ages.filter(isUnknown).length,
      oldestMs: ages.length > 0 ? Math.max(0, ...ages) : undefined,
    };
  }

  return {
    /** What is so outdoors now, in an area by its code. */
    at(areaCode: string | null): WeatherNow {
      if (kind === 'none') return 'none';
      const now = clock.now();
      const found = saidOf(areaCode);
      const ageMs = found && now - found.time;
      if (!found || ageMs === undefined || isUnknown(ageMs)) return { known: undefined, ageMs };
      return { known: { outdoorC: found.outdoorC, forecastMinC: found.forecastMinC(now) } };
    },
    state,
    [Symbol.dispose](): void {
      turns?.[Symbol.dispose]();
      stopped.abort();
    },
  };
}
export type Weather = ReturnType<typeof startWeather>;
