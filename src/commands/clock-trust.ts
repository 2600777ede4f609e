import type { Caller } from '../areas/scope.ts';
import type { Audit } from '../audit/audit.ts';
import { rfc3339 } from '../lib/calendar.ts';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import type { ClockWatch } from './clock-watch.ts';

/** A person says that the gateway's clock is right. They prove it with a clock of their own, so that nobody says so of a wrong one by habit. */

const WITHIN_MS = 60_000;

export function createClockTrust(parts: { clock: Clock; clockWatch: ClockWatch; audit: Audit; gateway: string }) {
  const { clock, clockWatch, audit, gateway } = parts;
  const state = () => ({ gateway, now: clock.now(), ...clockWatch.state() });

  return {
    state,

    /** `time` is what their own clock says. Epoch ms. Throws `clock_differs`. */
    async trust(caller: Caller, time: number): Promise<ReturnType<typeof state>> {
      const seen = state();
      if (seen.trouble === 'too_early' || Math.abs(seen.now - time) > WITHIN_MS) {
        throw new GatewayError('clock_differs', {
          zh: `网关：${rfc3339(seen.now)}；您的时钟：${rfc3339(time)}`,
          en: `The gateway’s clock says ${rfc3339(seen.now)}, yours ${rfc3339(time)}`,
        });
      }
      if (seen.trouble) {
        const detail = { jumpMs: seen.jumpMs, time: rfc3339(time) };
        await audit.note({ actor: caller.name, action: 'clock_trusted', subject: gateway, detail });
        clockWatch.trust(seen);
      }
      return state();
    },
  };
}
