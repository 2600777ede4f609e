import { InfluxDB } from 'influx';
import { z } from 'zod';
import { createLimits, LONG_TIMEOUT_MS, REQUEST_TIMEOUT_MS } from './limits.ts';
import { BadBatch } from './send-around.ts';
import { PlaceGone, serverTrouble } from './server.ts';

/** What is said to an InfluxDB 1.x server, and what its answers mean. Queries go through its client, lines as they are. */

export interface Influx1Options {
  url: string;
  database: string;
  username: string;
  password: string;
}

const answer = z.object({
  results: z.array(
    z.object({
      error: z.string().optional(),
      series: z
        .array(
          z.object({
            tags: z.record(z.string(), z.string()).optional(),
            columns: z.array(z.string()),
            /** Absent for an empty list. */
            values: z.array(z.array(z.unknown())).default([]),
            partial: z.boolean().optional(),
          }),
        )
        .optional(),
    }),
  ),
});

export type Row = Record<string, unknown>;

/** The one host is never set aside, which would only hide why it fails. */
const noBackOff = { getDelay: () => 0, next: () => noBackOff, reset: () => noBackOff };

const GONE = /(database|retention policy) not found/;
/** A limit in the server's configuration, which says nothing against the data. */
const LIMIT = /max-(values-per-tag|series-per-database) limit exceeded/;

const troubleOf = (error: unknown): Error => {
  const text = error instanceof Error ? [error.message, error.cause].filter(Boolean).join(': ') : String(error);
  return GONE.test(text) ? new PlaceGone(text) : serverTrouble(text);
};

export function createHttp1({ url, database, username, password }: Influx1Options) {
  const { protocol, hostname, port, pathname } = new URL(url);
  const path = pathname === '/' ? '' : pathname;
  const client = new InfluxDB({
    protocol: protocol === 'https:' ? 'https' : 'http',
    host: hostname,
    port: Number(port || (protocol === 'https:' ? 443 : 8086)),
    path,
    database,
    username,
    password,
    // The spool is the only buffer, and only its drain tries again.
    pool: { maxRetries: 0, requestTimeout: LONG_TIMEOUT_MS, backoff: noBackOff },
  });
  const { within, limited, close } = createLimits();
  const headers = { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };

  return {
    /** One row a value, with its tags; `time` is epoch ms. */
    async ask(query: string, timeoutMs = REQUEST_TIMEOUT_MS): Promise<Row[]> {
      try {
        const said = await limited(timeoutMs, (signal) =>
          client.queryRaw(query, { method: 'POST', precision: 'ms', signal }),
        );
        return answer.parse(said).results.flatMap(({ error, series = [] }) => {
          if (error !== undefined) throw new Error(error);
          return series.flatMap(({ tags, columns, values, partial }) => {
            if (partial) throw new Error('the answer was cut by max-row-limit');
            return values.map((row) => ({ ...tags, ...Object.fromEntries(columns.map((name, i) => [name, row[i]])) }));
          });
        });
      } catch (error) {
        throw troubleOf(error);
      }
    },

    /** 400 and 413 are about the lines, all else is about the server. */
    async send(retentionPolicy: string, lines: string[]): Promise<void> {
      const query = new URLSearchParams({ db: database, rp: retentionPolicy, precision: 'ms' });
      let status: number;
      let text: string;
      try {
        const signal = within(REQUEST_TIMEOUT_MS);
        const request = { method: 'POST', body: lines.join('\n'), headers, signal };
        const response = await fetch(`${new URL(url).origin}${path}/write?${query}`, request);
        ({ status } = response);
        text = await response.text();
      } catch (error) {
        throw troubleOf(error);
      }
      if (status < 300) return;
      if ((status === 400 && !LIMIT.test(text)) || status === 413) throw new BadBatch(text);
      throw troubleOf(`${status} ${text.slice(0, 300)}`);
    },

    /** Rejects when the server does not answer. */
    async ping(): Promise<void> {
      try {
        const response = await fetch(`${new URL(url).origin}${path}/ping`, {
          headers,
          signal: within(REQUEST_TIMEOUT_MS),
        });
        if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
      } catch (error) {
        throw troubleOf(error);
      }
    },

    close,
  };
}
export type Http1 = ReturnType<typeof createHttp1>;
