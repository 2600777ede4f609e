import type { ServerResponse } from 'node:http';
import { type Caller, type Place, sees } from '../areas/scope.ts';
import { rfc3339 } from '../lib/calendar.ts';
import { type Clock, every } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import type { Registry } from '../terminals/registry.ts';
import type { LiveListener } from '../uplink.ts';
import type { Batch } from './schemas/batches.ts';
import type { LiveEvent } from './schemas/live.ts';

/** Server-sent events: what happens, to everybody who watches and may see it. */

interface Stream {
  caller: Caller;
  terminalId: string | undefined;
  areaCode: string | undefined;
  response: ServerResponse;
  /** Whether the session or key with which it was opened still is. */
  valid: () => Promise<boolean>;
}

/** A watcher that is this far behind is cut; it comes back and asks for the present state. */
const MOST_BUFFERED = 1_048_576;
const HEARTBEAT_MS = 15_000;

/** Where a batch belongs: see `visibleBatches`. */
const placeOf = ({ areaCode, companyId }: Batch): Place => ({ areaCode, companyId, householdId: null });

export function startLive({ clock, log, limit }: { clock: Clock; log: Logger; limit: number }) {
  const streams = new Set<Stream>();
  let cut = 0;
  let registry: Registry | undefined;

  const wants = (stream: Stream, terminalId: string | undefined, place: Place): boolean =>
    (stream.terminalId === undefined || stream.terminalId === terminalId) &&
    (stream.areaCode === undefined || (place.areaCode ?? '').startsWith(stream.areaCode)) &&
    sees(stream.caller, place);

  function publish(place: Place | undefined, event: LiveEvent): void {
    if (!place) return;
    const { event: name, ...data } = event;
    const terminalId = event.event === 'batch' ? undefined : event.terminalId;
    let text: string | undefined;
    for (const stream of streams) {
      if (!wants(stream, terminalId, place)) continue;
      text ??= `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
      if (stream.response.writableLength > MOST_BUFFERED) {
        cut += 1;
        stream.response.destroy();
      } else stream.response.write(text);
    }
  }

  /** Ends streams whose session or key has ended. */
  async function recheck(): Promise<void> {
    for (const stream of [...streams]) if (!(await stream.valid())) stream.response.end();
  }

  const heartbeat = every(
    clock,
    HEARTBEAT_MS,
    async () => {
      // A comment keeps proxies from closing a quiet stream.
      for (const { response } of streams) response.write(': alive\n\n');
      await recheck();
    },
    (error) => log.warn({ err: error }, 'live: a check of the streams failed'),
  );

  const listener: LiveListener = {
    reading(terminal, time, values) {
      // Most readings have nobody who watches, and there are many.
      if (streams.size === 0) return;
      publish(terminal, { event: 'reading', terminalId: terminal.id, time: rfc3339(time), values });
    },
    status: (terminal, status) => publish(terminal, { event: 'status', terminalId: terminal.id, status }),
  };

  return {
    ...listener,
    /** Of a terminal that is known by its id only, or of a batch. */
    publish: (event: LiveEvent): void =>
      publish(event.event === 'batch' ? placeOf(event.batch) : registry?.find(event.terminalId), event),
    follow: (of: Registry): void => {
      registry = of;
    },

    open(stream: Stream): void {
      if (streams.size >= limit) throw new GatewayError('degraded', `${limit} streams are open already`);
      streams.add(stream);
      stream.response.on('close', () => streams.delete(stream));
      stream.response.on('error', () => streams.delete(stream));
      stream.response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
      stream.response.write(': watching\n\n');
    },

    recheck,
    /** `cut`: streams ended since the start because they read too slowly. */
    state: () => ({ streams: streams.size, limit, cut }),

    async [Symbol.asyncDispose](): Promise<void> {
      heartbeat[Symbol.dispose]();
      for (const { response } of streams) response.end();
    },
  };
}
export type Live = ReturnType<typeof startLive>;
