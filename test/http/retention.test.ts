import { expect, test } from 'vitest';
import type { Batch } from '../../src/http/schemas/batches.ts';
import type { Schedule, ScheduleRun } from '../../src/http/schemas/schedules.ts';
import { postBatch } from '../helpers/batches.ts';
import { heldClock } from '../helpers/clock.ts';
import { makeTerminal, startTestGateway, VILLAGE } from '../helpers/gateway.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';
import { type Page, withKey } from './stage.ts';

/** How long batches and the runs of schedules are kept, with a clock that the test holds. */

const NOON = Date.parse('2026-11-24T12:00:00+08:00');
const DAY = 86_400_000;
const WARMER = { command: 'setpoint', value: 21, reason: 'a cold night' };
const KEPT = { batches: { keepDays: 30 } };

test('batches that are over and runs go after their time; what is open, commands and the audit stay', async () => {
  await using folder = await tempFolder();
  const ids: Record<string, string> = {};
  {
    const clock = heldClock(NOON);
    await using gateway = await startTestGateway({ folder: folder.path, clock, overrides: KEPT });
    const { admin } = gateway;
    await makeTerminal(admin, { id: 'b-1', profile: 'gas-boiler', areaCode: VILLAGE });
    const wish = { ...WARMER, areaCode: VILLAGE };
    const once = { ...wish, at: '2026-11-24T12:00:30+08:00' };
    ids['once'] = (await admin.post<Schedule>('/schedules', once, withKey())).body.id;
    const weekly = { ...wish, weekly: { days: [5], time: '06:00' } };
    ids['weekly'] = (await admin.post<Schedule>('/schedules', weekly, withKey())).body.id;
    await clock.advance(40_000);
    const ran = await eventually(async () => {
      const { body } = await admin.get<Page<ScheduleRun>>(`/schedules/${ids['once']}/runs`);
      return body.items[0]?.batchId ?? false;
    });
    ids['over'] = ran;
    await admin.post(`/command-batches/${ran}/cancel`);
    ids['paused'] = (await postBatch(admin, { ...WARMER, areaCode: VILLAGE })).body.id;
    expect((await admin.post<Batch>(`/command-batches/${ids['paused']}/pause`)).body.state).toBe('paused');
  }
  const commands = async (api: { get: <T>(path: string) => Promise<{ body: T }> }) =>
    (await api.get<Page<object>>('/commands')).body.items.length;
  for (const [days, stays] of [
    [29, true],
    [31, false],
  ] as const) {
    const clock = heldClock(NOON + days * DAY);
    await using gateway = await startTestGateway({ folder: folder.path, clock, overrides: KEPT });
    const { admin } = gateway;
    const known = async () => {
      const paths = [`/command-batches/${ids['over']}`, `/schedules/${ids['once']}`];
      return Promise.all(paths.map(async (path) => (await admin.get(path)).status));
    };
    const before = await commands(admin);
    await clock.advance(3_600_000);
    if (stays) expect(await known()).toEqual([200, 200]);
    else await eventually(async () => (await known()).every((status) => status === 404));
    expect((await admin.get(`/command-batches/${ids['paused']}`)).status).toBe(200);
    expect((await admin.get(`/schedules/${ids['weekly']}`)).status).toBe(200);
    expect(await commands(admin)).toBe(before);
    const { body: audit } = await admin.get<Page<{ subject: string }>>('/audit?limit=500');
    expect(audit.items.some(({ subject }) => subject === ids['over'])).toBe(true);
  }
}, 120_000);
