import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startPolicies } from '../../src/commands/policies.ts';
import { policiesCheck, weatherCheck } from '../../src/health/checks.ts';
import { createLog } from '../../src/lib/log.ts';
import { startWeather } from '../../src/weather/weather.ts';
import { heldClock } from '../helpers/clock.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';

/** What health says of policy files and of the weather, with real files. */

const log = createLog('silent');
const DAY = 86_400_000;

test('a policy file that breaks is told, without its path, until it is mended', async () => {
  await using folder = await tempFolder();
  await cp('config/policies', folder.path, { recursive: true });
  const clock = heldClock();
  using policies = startPolicies(folder.path, { clock, log });
  const look = () => policiesCheck(policies).look?.();
  expect(look()).toEqual({ state: 'ok', detail: { zh: '版本 2026-11', en: 'version 2026-11' } });
  const file = join(folder.path, 'default.yaml');
  const text = await readFile(file, 'utf8');
  await writeFile(file, 'version: [');
  await clock.advance(2_000);
  expect(look()).toMatchObject({
    state: 'degraded',
    detail: { en: expect.stringMatching(/^the files cannot be read/) },
  });
  expect(JSON.stringify(look())).not.toContain(folder.path);
  await writeFile(file, text.replace(/^effectiveFrom: .*/m, 'effectiveFrom: 2030-01-01'));
  await clock.advance(2_000);
  expect(look()).toMatchObject({ state: 'degraded', detail: { en: expect.stringMatching(/^none has begun/) } });
});

test.each([
  ['61 days before the last day that is written down', 61, 'ok'],
  ['59 days before it', 59, 'degraded'],
  ['after it', -10, 'degraded'],
])('%s the holidays are %s', async (_when, days, state) => {
  const clock = heldClock(Date.parse('2027-03-31T12:00:00+08:00') - days * DAY);
  using policies = startPolicies('config/policies', { clock, log });
  expect(policies.state().holidayDays).toBe(Math.max(0, days));
  expect(policiesCheck(policies).look?.()).toMatchObject({ state });
});

test('weather that is too old for one area is told, as is a source that cannot be read', async () => {
  await using folder = await tempFolder();
  const clock = heldClock();
  const file = join(folder.path, 'weather.csv');
  const settings = { kind: 'file', file, url: '', everyS: 60, maxAgeS: 3_600 } as const;
  using weather = startWeather(settings, { clock, log });
  const seen = () => weatherCheck(weather).look?.();
  const detail = (en: string) => expect.objectContaining({ en });
  expect(seen()).toEqual({ state: 'degraded', detail: detail('there is no weather yet') });
  const row = (area: string, agoMs: number) => `${area},${new Date(clock.now() - agoMs).toISOString()},-3,-9`;
  const lines = ['areaCode,time,outdoorC,forecastMinC', row('141023', 60_000), row('141024', 30 * 60_000)];
  await writeFile(file, lines.join('\n'));
  await clock.advance(60_000);
  await eventually(() => seen()?.state === 'ok');
  expect(seen()).toEqual({ state: 'ok', detail: detail('the oldest is 31 min old') });
  await writeFile(file, 'nonsense');
  await clock.advance(60_000);
  await eventually(() => seen()?.state === 'degraded');
  expect(seen()?.detail).toEqual(detail('could not be read the last time; the oldest that is known is 32 min old'));
  await clock.advance(30 * 60_000);
  expect(seen()?.detail).toEqual(detail('of 2 places the weather of 1 is too old, the oldest 62 min'));
});
