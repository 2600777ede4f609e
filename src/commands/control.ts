import type { Logger } from '../lib/log.ts';
import type { Terminal } from '../terminals/registry.ts';
import { startWeather, type WeatherSettings } from '../weather/weather.ts';
import { createBatchPlanning } from './batch-plan.ts';
import type { Batch } from './batch-rows.ts';
import { waitingOff } from './batch-rows.ts';
import { type BatchLimits, createBatches } from './batches.ts';
import { createClockTrust } from './clock-trust.ts';
import { startClockWatch } from './clock-watch.ts';
import { openCommands } from './commands.ts';
import { createJudge } from './facts.ts';
import { startPolicies } from './policies.ts';
import { createRequests } from './requests.ts';
import { forgetOld } from './retention.ts';
import { startRollout } from './rollout.ts';
import { type ScheduleLimits, startSchedules } from './schedules.ts';

/** Everything that decides over commands and keeps them, put together. Dispose ends its looking at clock, weather and policies. */

type Parts = Parameters<typeof openCommands>[0] &
  Omit<Parameters<typeof createJudge>[0], 'clockWatch' | 'policies' | 'weather'> &
  Pick<Parameters<typeof createRequests>[0], 'registry'> & {
    /** The folder of the policies, and where the weather comes from. */
    settings: { policies: string; weather: WeatherSettings; batches: BatchLimits; schedules: ScheduleLimits };
    isOnline: (terminal: Terminal) => boolean;
    /** Of several gateways on one database, whether this one does what only one may do. */
    owns: (key: string) => boolean;
    onBatch: (batch: Batch) => void;
    /** A batch has made a command, which waits to be sent. */
    onIssued: (terminalId: string) => void;
    log: Logger;
  };

export async function openControl(parts: Parts) {
  const { settings, clock, log, registry } = parts;
  using stack = new DisposableStack();
  const policies = stack.use(startPolicies(settings.policies, { clock, log }));
  const weather = stack.use(startWeather(settings.weather, { clock, log }));
  const clockWatch = stack.use(startClockWatch(clock));
  const commands = await openCommands(parts);
  const judge = createJudge({ ...parts, policies, weather, clockWatch });
  const requests = createRequests({ commands, registry, policies, judge, clock });
  const limits = settings.batches;
  const planning = createBatchPlanning({
    ...parts,
    judge,
    waitingOff: (id) => waitingOff(parts.db, id),
    most: limits.terminals,
  });
  const batches = createBatches({ ...parts, commands, policies, planning, limits, onChange: parts.onBatch });
  stack.use(startRollout({ ...parts, batches, commands, judge, issue: requests.issue, limits }));
  const schedules = stack.use(startSchedules({ ...parts, batches, limits: settings.schedules }));
  const opened = stack.move();
  return {
    ...requests,
    batches,
    schedules,
    commands,
    judge,
    policies,
    weather,
    clockWatch,
    /** Batches that are over and runs of schedules from before; not while the clock may be wrong. Epoch ms. */
    forget: async (before: number) => (clockWatch.isSure() ? forgetOld(parts.db, before) : undefined),
    clockTrust: createClockTrust({ ...parts, clockWatch }),
    [Symbol.dispose]: () => opened.dispose(),
  };
}
export type Control = Awaited<ReturnType<typeof openControl>>;
