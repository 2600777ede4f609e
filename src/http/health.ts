import { newSecret } from '../lib/ids.ts';
import type { Drain } from '../readings/drain.ts';
import type { Quarantine } from '../readings/quarantine.ts';
import type { Spool } from '../readings/spool.ts';
import type { Uplink } from '../uplink.ts';
import type { Live } from './live.ts';

/** Whether the gateway does its work, for people, load balancers and Prometheus. */

/** The store may fail this often in a row before the gateway calls itself degraded. */
const STORE_FAILURES = 3;
const STILL_MS = 60_000;

export function createHealth(parts: {
  spool: Spool;
  drain: Drain;
  uplink: Uplink;
  quarantine: Quarantine;
  live: Live;
  connections: () => number;
}) {
  const { spool, drain, uplink, quarantine, live } = parts;
  let setupToken: string | undefined;

  return {
    /** The reasons for not being ready; none when all is well. */
    troubles(): string[] {
      const { trouble } = spool.state();
      const { failures, waiting, stillMs } = drain.state();
      return [
        ...(trouble ? [`spool: ${trouble}`] : []),
        ...(failures >= STORE_FAILURES ? [`store: failed ${failures} times in a row; readings wait in the spool`] : []),
        ...(waiting > 0 && stillMs > STILL_MS
          ? [`store: ${waiting} readings wait, and none has moved for a minute`]
          : []),
      ];
    },

    figures: () => ({
      connections: parts.connections(),
      received: uplink.received(),
      quarantined: quarantine.added(),
      spoolBytes: spool.state().bytes,
      spoolDamaged: spool.state().damaged,
      spoolWaiting: drain.state().waiting,
      liveStreams: live.count(),
    }),

    /** A token with which the first admin can be made, once. */
    offerSetup(): string {
      setupToken = newSecret();
      return setupToken;
    },
    isSetupToken: (token: string): boolean => token === setupToken,
    endSetup(): void {
      setupToken = undefined;
    },
  };
}
export type Health = ReturnType<typeof createHealth>;
