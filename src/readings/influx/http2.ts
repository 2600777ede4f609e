import { HttpError, InfluxDB } from '@influxdata/influxdb-client';
import { z } from 'zod';
import { createLimits, LONG_TIMEOUT_MS, REQUEST_TIMEOUT_MS } from './limits.ts';
import { BadBatch } from './send-around.ts';
import { PlaceGone, serverTrouble } from './server.ts';

/**
 * What is said to an InfluxDB 2.x server, and what its answers mean. Lines go over the client's transport, not its write API,
 * which would buffer, retry and drop by itself.
 */

export interface Influx2Options {
  url: string;
  token: string;
  org: string;
  bucket: string;
}

const orgList = z.object({ orgs: z.array(z.object({ id: z.string() })) });
const bucketList = z.object({
  buckets: z.array(
    z.object({
      id: z.string(),
      retentionRules: z.array(z.object({ everySeconds: z.number() })).optional(),
    }),
  ),
});

export interface Bucket {
  id: string;
  /** How long it keeps its data, ms, `Infinity` for ever. */
  keptMs: number;
}

const isStatus = (error: unknown, ...statuses: number[]): boolean =>
  error instanceof HttpError && statuses.includes(error.statusCode);

function troubleOf(error: unknown): Error {
  const status = error instanceof HttpError ? `${error.statusCode} ` : '';
  const text = `${status}${error instanceof Error ? error.message : error}`;
  return isStatus(error, 404) || /could not find bucket/.test(text) ? new PlaceGone(text) : serverTrouble(text);
}

export function createHttp2({ url, token, org }: Influx2Options) {
  const client = new InfluxDB({ url, token, timeout: LONG_TIMEOUT_MS });
  const queries = client.getQueryApi(org);
  const { limited, close } = createLimits();

  async function call(method: string, path: string, body: unknown = ''): Promise<unknown> {
    try {
      return await limited(REQUEST_TIMEOUT_MS, (signal) => client.transport.request(path, body, { method, signal }));
    } catch (error) {
      throw troubleOf(error);
    }
  }

  async function bucket(name: string): Promise<Bucket | undefined> {
    try {
      const found = await call('GET', `/api/v2/buckets?${new URLSearchParams({ org, name })}`);
      const [one] = bucketList.parse(found).buckets;
      const seconds = one?.retentionRules?.[0]?.everySeconds;
      return one && { id: one.id, keptMs: seconds ? seconds * 1_000 : Number.POSITIVE_INFINITY };
    } catch (error) {
      // An unknown bucket is an empty list or a 404, depending on the version.
      if (error instanceof PlaceGone) return undefined;
      throw error;
    }
  }

  return {
    bucket,

    /** Makes the bucket, or changes how long it keeps its data; whole seconds. */
    async keepBucket(name: string, everySeconds: number, shardGroupDurationSeconds: number): Promise<void> {
      const retentionRules = [{ type: 'expire', everySeconds, shardGroupDurationSeconds }];
      const there = await bucket(name);
      if (there) return void (await call('PATCH', `/api/v2/buckets/${there.id}`, { retentionRules }));
      const orgs = orgList.parse(await call('GET', `/api/v2/orgs?${new URLSearchParams({ org })}`));
      await call('POST', '/api/v2/buckets', { orgID: orgs.orgs[0]?.id, name, retentionRules });
    },

    /** The rows of a Flux query's answer. */
    async ask<T>(row: z.ZodType<T>, query: string, timeoutMs = REQUEST_TIMEOUT_MS): Promise<T[]> {
      try {
        return z.array(row).parse(await limited(timeoutMs, () => queries.collectRows(query)));
      } catch (error) {
        throw troubleOf(error);
      }
    },

    /** 400, 413 and 422 are about the lines, all else is about the server. */
    async send(name: string, lines: string[]): Promise<void> {
      const path = `/api/v2/write?${new URLSearchParams({ org, bucket: name, precision: 'ms' })}`;
      const headers = { 'content-type': 'text/plain; charset=utf-8' };
      try {
        await limited(REQUEST_TIMEOUT_MS, (signal) =>
          client.transport.request(path, lines.join('\n'), { method: 'POST', headers, signal }),
        );
      } catch (error) {
        if (error instanceof HttpError && isStatus(error, 400, 413, 422)) throw new BadBatch(error.message);
        throw troubleOf(error);
      }
    },

    /** Times are RFC 3339, both ends included. */
    async remove(name: string, body: { start: string; stop: string; predicate: string }): Promise<void> {
      await call('POST', `/api/v2/delete?${new URLSearchParams({ org, bucket: name })}`, body);
    },

    /** Rejects when the server does not answer. */
    ping: async (): Promise<void> => void (await call('GET', '/health')),

    close,
  };
}
