import type { Logger } from '../lib/log.ts';
import { startWeather, type WeatherSettings } from '../weather/weather.ts';
import { startClockWatch } from './clock-watch.ts';
import { openCommands } from './commands.ts';
import { createJudge } from './facts.ts';
import { startPolicies } from './policies.ts';
import { createRequests } from './requests.ts';

/** Everything that decides over commands and keeps them, put together. Dispose ends its looking at clock, weather and policies. */

type Parts = Parameters<typeof openCommands>[0] &
  Omit<Parameters<typeof createJudge>[0], 'clockWatch' | 'policies' | 'weather'> &
  Pick<Parameters<typeof createRequests>[0], 'registry'> & {
    /** The folder of the policies, and where the weather comes from. */
    settings: { policies: string; weather: WeatherSettings };
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
  const opened = stack.move();
  return { ...requests, commands, judge, policies, weather, [Symbol.dispose]: () => opened.dispose() };
}
export type Control = Awaited<ReturnType<typeof openControl>>;
