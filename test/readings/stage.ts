import { describe, test } from 'vitest';
import { freePort } from '../../src/demo/free-port.ts';
import { newId } from '../../src/lib/ids.ts';
import type { SpoolRecord } from '../../src/readings/segments.ts';
import type { ReadingStore, Refusal, StoreParts } from '../../src/readings/store.ts';
import { openEmbeddedStore } from '../../src/readings/store-embedded.ts';
import { openInflux1Store } from '../../src/readings/store-influx1.ts';
import { openInflux2Store } from '../../src/readings/store-influx2.ts';
import { noInflux1, startInflux1 } from '../helpers/servers.ts';
import { storeParts } from '../helpers/store.ts';
import { tempFolder } from '../helpers/temp.ts';

/** What the tests of all stores need: a place for each kind of store, and readings. */

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
/** Midnight of 24 November 2026 in Shanghai. */
export const MIDNIGHT = Date.UTC(2026, 10, 23, 16);

let sequence = 0;
export const record = (time: number, values: Record<string, number>, terminalId = 'A'): SpoolRecord => ({
  sequence: ++sequence,
  terminalId,
  time,
  values,
});
export const room = (from: number, to: number) => ({ terminalId: 'A', metric: 'room_c', from, to });

/** A place that keeps its data while stores are opened and closed on it. */
export interface Place extends AsyncDisposable {
  open(parts?: Partial<StoreParts>): Promise<ReadingStore>;
  /** What its stores refused so far. */
  refused: Refusal[];
}

/** A place out of how a store is opened there, and what to close in the end. */
function placeOf(open: (parts: StoreParts) => Promise<ReadingStore>, close: () => PromiseLike<void>): Place {
  const parts = storeParts();
  return {
    open: (changes) => open({ ...parts, ...changes }),
    refused: parts.refused,
    [Symbol.asyncDispose]: close,
  };
}

const { TEST_INFLUX2_URL: url, TEST_INFLUX2_TOKEN: token = '', TEST_INFLUX2_ORG: org = '' } = process.env;

/** Each kind of store, why it cannot be tested here, and how to make a place for it. */
const KINDS: [string, string | undefined, () => Promise<Place>][] = [
  [
    'the embedded store',
    undefined,
    async () => {
      const folder = await tempFolder();
      return placeOf((parts) => openEmbeddedStore(folder.path, parts), folder[Symbol.asyncDispose]);
    },
  ],
  [
    'InfluxDB 1.x',
    noInflux1,
    async () => {
      const folder = await tempFolder();
      const server = await startInflux1(folder.path, await freePort());
      const options = { url: server.url, database: 'test', username: '', password: '' };
      return placeOf(
        (parts) => openInflux1Store(options, parts),
        async () => {
          await server[Symbol.asyncDispose]();
          await folder[Symbol.asyncDispose]();
        },
      );
    },
  ],
  [
    'InfluxDB 2.x',
    url ? undefined : 'no InfluxDB 2 is packaged for Debian; name one by TEST_INFLUX2_URL, _TOKEN and _ORG',
    async () => {
      const options = { url: url ?? '', token, org, bucket: newId('test') };
      return placeOf(
        (parts) => openInflux2Store(options, parts),
        async () => undefined,
      );
    },
  ],
];

/** What holds for every kind of store: `promise` makes a test of each, with a place of its own. */
export function eachStore(
  define: (promise: (sentence: string, check: (place: Place) => Promise<void>) => void) => void,
): void {
  describe.each(KINDS)('%s', (_kind, missing, makePlace) => {
    define((sentence, check) => {
      test(sentence, async ({ skip }) => {
        skip(missing !== undefined, missing);
        await using place = await makePlace();
        await check(place);
      });
    });
  });
}
