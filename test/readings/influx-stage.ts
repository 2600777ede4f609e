import { freePort } from '../../src/demo/free-port.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import type { SpoolRecord } from '../../src/readings/segments.ts';
import type { Refusal, StoreParts } from '../../src/readings/store.ts';
import { openInflux1Store } from '../../src/readings/store-influx1.ts';
import { startInflux1 } from '../helpers/servers.ts';
import { tempFolder } from '../helpers/temp.ts';

/** A real InfluxDB 1.x in a folder of its own, and stores on it. */

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The system's time, moved by as much as a test says. */
export function movedClock(): Clock & { moveMs: number } {
  const clock = { ...systemClock, moveMs: 0, now: () => Date.now() + clock.moveMs };
  return clock;
}

let sequence = 0;
export const record = (time: number, values: Record<string, number>, terminalId = 'A'): SpoolRecord => ({
  sequence: ++sequence,
  terminalId,
  time,
  values,
});

interface Answer {
  error?: string;
  results?: { error?: string; series?: { values?: unknown[][] }[] }[];
}

/** `env` has settings of the server. */
export async function startStage(env: Record<string, string> = {}) {
  const folder = await tempFolder();
  const server = await startInflux1(folder.path, await freePort(), env);
  const options = { url: server.url, database: 'heat "&" gas', username: '', password: '' };
  const refused: Refusal[] = [];
  const clock = movedClock();
  return {
    url: server.url,
    options,
    refused,
    clock,
    open: (parts: Partial<StoreParts> = {}, other: Partial<typeof options> = {}) =>
      openInflux1Store(
        { ...options, ...other },
        {
          clock,
          log: createLog('silent'),
          refuse: async (some) => void refused.push(...some),
          spoolId: 's',
          keepRawDays: 0,
          keepRollupDays: 0,
          ...parts,
        },
      ),
    /** What an operator asks by hand; the rows of the answer. */
    async ask(query: string): Promise<unknown[][]> {
      const body = new URLSearchParams({ db: options.database, epoch: 'ms', q: query });
      const response = await fetch(`${server.url}/query?u=root&p=root`, { method: 'POST', body });
      const answer = (await response.json()) as Answer;
      const trouble = answer.error ?? answer.results?.find(({ error }) => error)?.error;
      if (trouble) throw new Error(trouble);
      return (answer.results ?? []).flatMap(({ series = [] }) => series.flatMap(({ values = [] }) => values));
    },
    async writeByHand(line: string): Promise<void> {
      const query = new URLSearchParams({ db: options.database, precision: 'ms' });
      const { ok } = await fetch(`${server.url}/write?${query}`, { method: 'POST', body: line });
      if (!ok) throw new Error('not written');
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}
