import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import type { Registry } from '../../terminals/registry.ts';
import type { Others, Uplink } from '../../uplink.ts';

/**
 * What gateways tell each other over the broker, a few times a second and without acknowledgement: the newest values and signs of life
 * that each took, for `latest`, `/live`, alarms and confirmations at all of them. A lost one is made good by the terminal's next reading.
 */

const TOLD_MS = 500;
const MOST_ENTRIES = 500;

const digest = z.object({
  readings: z.array(z.tuple([z.string(), z.number(), z.record(z.string(), z.number())])),
  statuses: z.array(z.tuple([z.string(), z.boolean()])),
});
type Digest = z.infer<typeof digest>;

/** `accompanied`: whether anybody is there to be told. Dispose drops what is not told yet. */
export function createDigests(parts: {
  clock: Clock;
  accompanied: () => boolean;
}): Others & Disposable & { tellThrough(send: (text: string) => void): void } {
  let waiting: Digest = { readings: [], statuses: [] };
  let timer: Disposable | undefined;
  let send: ((text: string) => void) | undefined;

  function tell(): void {
    timer?.[Symbol.dispose]();
    timer = undefined;
    const text = JSON.stringify(waiting);
    waiting = { readings: [], statuses: [] };
    send?.(text);
  }

  function tellSoon(): void {
    if (waiting.readings.length + waiting.statuses.length >= MOST_ENTRIES) tell();
    else timer ??= parts.clock.after(TOLD_MS, tell);
  }

  return {
    reading(terminalId, time, values) {
      if (!parts.accompanied() || Object.keys(values).length === 0) return;
      waiting.readings.push([terminalId, time, values]);
      tellSoon();
    },
    status(terminalId, online) {
      if (!parts.accompanied()) return;
      waiting.statuses.push([terminalId, online]);
      tellSoon();
    },
    tellThrough(way) {
      send = way;
    },
    [Symbol.dispose]: () => timer?.[Symbol.dispose](),
  };
}

/** Takes what another gateway told. Throws when it is no digest. */
export function hearDigest(
  payload: Buffer,
  { registry, uplink }: { registry: Registry; uplink: Uplink },
): Promise<unknown> {
  const { readings, statuses } = digest.parse(JSON.parse(payload.toString('utf8')));
  for (const [terminalId, online] of statuses) {
    const terminal = registry.find(terminalId);
    if (terminal) uplink.hearStatus(terminal, online);
  }
  return Promise.all(
    readings.map(([terminalId, time, values]) => {
      const terminal = registry.find(terminalId);
      return terminal && uplink.hear(terminal, { time, values });
    }),
  );
}
