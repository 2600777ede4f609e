import { expect, test } from 'vitest';
import type { Batch } from '../../src/http/schemas/batches.ts';
import type { Problem } from '../../src/http/schemas/common.ts';
import type { User } from '../../src/http/schemas/people.ts';
import type { NewSchedule, Schedule, ScheduleRun } from '../../src/http/schemas/schedules.ts';
import { heldClock } from '../helpers/clock.ts';
import { type ApiClient, makeHousehold, makeTerminal, signIn, startTestGateway, VILLAGE } from '../helpers/gateway.ts';
import { eventually } from '../helpers/temp.ts';
import { type Page, withKey } from './stage.ts';

/** Commands at a time, with a clock that the test holds. */

const NOON = Date.parse('2026-11-24T12:00:00+08:00');
const HOUR = 3_600_000;
/** 12:10 every day: ten minutes from the start. */
const DAILY = { days: [1, 2, 3, 4, 5, 6, 7], time: '12:10' };
const WARMER = { command: 'setpoint', value: 21, reason: 'before people come home' };

async function open(boilers = 2) {
  const clock = heldClock(NOON);
  const gateway = await startTestGateway({ clock });
  const people = await makeHousehold(gateway);
  for (let n = 0; n < boilers; n += 1) {
    const householdId = people.household.id;
    await makeTerminal(gateway.admin, { id: `b-${n}`, profile: 'gas-boiler', householdId });
  }
  return {
    clock,
    ...people,
    admin: gateway.admin,
    origin: gateway.origin,
    /** A step at a time, so that what is due ends before the next. */
    async wait(ms: number) {
      for (let left = ms; left > 0; left -= 10_000) {
        await clock.advance(Math.min(10_000, left));
        await people.clerk.get('/me');
      }
    },
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  };
}

async function make(api: ApiClient, more: Partial<NewSchedule> = {}): Promise<Schedule> {
  const wish = { ...WARMER, areaCode: VILLAGE, weekly: DAILY, ...more };
  const { status, body } = await api.post<Schedule>('/schedules', wish, withKey());
  expect([status, body.active]).toEqual([201, true]);
  return body;
}

const runsOf = async (api: ApiClient, { id }: Schedule) =>
  (await api.get<Page<ScheduleRun>>(`/schedules/${id}/runs`)).body.items;
const statesOf = async (api: ApiClient, schedule: Schedule) =>
  (await runsOf(api, schedule)).map(({ dueAt, state }) => `${dueAt} ${state}`);

test('a schedule runs at its time in Shanghai, as a batch, and again the next day', async () => {
  await using at = await open();
  const schedule = await make(at.clerk);
  expect(schedule.nextAt).toBe('2026-11-24T04:10:00.000Z');
  await at.wait(9 * 60_000);
  expect(await runsOf(at.clerk, schedule)).toEqual([]);
  await at.wait(2 * 60_000);
  const run = await eventually(async () => (await runsOf(at.clerk, schedule))[0]);
  expect(run).toMatchObject({ dueAt: schedule.nextAt, state: 'ran' });
  const { body: batch } = await at.clerk.get<Batch>(`/command-batches/${run.batchId}`);
  expect(batch).toMatchObject({ via: 'schedule', total: 2, command: 'setpoint', value: 21 });
  const { body: now } = await at.clerk.get<Schedule>(`/schedules/${schedule.id}`);
  expect(now.nextAt).toBe('2026-11-25T04:10:00.000Z');
}, 60_000);

test('a mass off waits for a second person at its time', async () => {
  await using at = await open(11);
  const off = { command: 'power', value: 'off', reason: 'the season is over' };
  const schedule = await make(at.clerk, { ...off, weekly: undefined, at: '2026-11-24T12:10:00+08:00' });
  await at.wait(11 * 60_000);
  const run = await eventually(async () => (await runsOf(at.clerk, schedule))[0]);
  expect(run.state).toBe('held');
  expect((await at.clerk.get<Batch>(`/command-batches/${run.batchId}`)).body.state).toBe('held');
  expect((await at.clerk.get<Schedule>(`/schedules/${schedule.id}`)).body.nextAt).toBeNull();
}, 60_000);

test('a time that a clock jumped over is noted as missed and not made up', async () => {
  await using at = await open();
  const schedule = await make(at.clerk);
  at.clock.set(NOON + 2 * HOUR);
  await at.wait(60_000);
  expect(await statesOf(at.clerk, schedule)).toEqual(['2026-11-24T04:10:00.000Z missed']);
  expect((await at.clerk.get<Page<Batch>>('/command-batches')).body.items).toEqual([]);
  expect((await at.clerk.get<Schedule>(`/schedules/${schedule.id}`)).body.nextAt).toBe('2026-11-25T04:10:00.000Z');
}, 60_000);

test('a clock that is set back runs nothing twice', async () => {
  await using at = await open();
  const schedule = await make(at.clerk);
  await at.wait(11 * 60_000);
  await eventually(async () => (await runsOf(at.clerk, schedule)).length === 1);
  at.clock.set(NOON);
  await at.wait(12 * 60_000);
  expect(await statesOf(at.clerk, schedule)).toEqual(['2026-11-24T04:10:00.000Z ran']);
  expect((await at.clerk.get<Page<Batch>>('/command-batches')).body.items).toHaveLength(1);
}, 60_000);

test('what no batch may do, what is over, and what is another’s is refused when it is asked for', async () => {
  await using at = await open(1);
  const refused = async (more: object) => {
    const body = { ...WARMER, areaCode: VILLAGE, ...more };
    const answer = await at.clerk.post<Problem>('/schedules', body, withKey());
    return [answer.status, answer.body.code];
  };
  expect(await refused({ weekly: DAILY, command: 'valve', value: 'arm' })).toEqual([422, 'refused_by_policy']);
  expect(await refused({ at: '2026-11-24T11:59:00+08:00' })).toEqual([400, 'invalid_request']);
  expect(await refused({})).toEqual([400, 'invalid_request']);
  expect(await refused({ at: '2026-11-25T12:00:00+08:00', weekly: DAILY })).toEqual([400, 'invalid_request']);
  expect(await refused({ weekly: { days: [8], time: '12:00' } })).toEqual([400, 'invalid_request']);
});

test('the same Idempotency-Key is the same schedule, also when its time is over; without one there is none', async () => {
  await using at = await open(1);
  const wish = { ...WARMER, areaCode: VILLAGE, at: '2026-11-24T12:10:00+08:00' };
  const post = (body: object, headers = {}) => at.clerk.post<Schedule & Problem>('/schedules', body, headers);
  expect((await post(wish)).body.code).toBe('idempotency_key_required');
  const key = withKey();
  const { body: first } = await post(wish, key);
  await at.wait(11 * 60_000);
  const again = await post(wish, key);
  expect([again.status, again.body.id]).toEqual([201, first.id]);
  expect((await post({ ...wish, value: 22 }, key)).body.code).toBe('idempotency_key_reused');
  expect((await at.clerk.get<Page<Schedule>>('/schedules')).body.items.map(({ id }) => id)).toEqual([first.id]);
}, 60_000);

test('a schedule is changed, set aside and removed; set aside it does not run', async () => {
  await using at = await open();
  const schedule = await make(at.clerk);
  const path = `/schedules/${schedule.id}`;
  const weekly = { days: [3], time: '06:00' };
  const { body: changed } = await at.clerk.patch<Schedule>(path, { version: schedule.version, value: 22, weekly });
  expect(changed).toMatchObject({ value: 22, weekly, nextAt: '2026-11-24T22:00:00.000Z' });
  await at.clerk.patch(path, { version: changed.version, weekly: DAILY, active: false });
  await at.wait(11 * 60_000);
  expect(await runsOf(at.clerk, schedule)).toEqual([]);
  expect((await at.clerk.delete(path)).status).toBe(204);
  expect((await at.clerk.get(path)).status).toBe(404);
}, 60_000);

test('of two who change the same schedule the second is told that it is another by now, and changes nothing', async () => {
  await using at = await open();
  const schedule = await make(at.clerk);
  const path = `/schedules/${schedule.id}`;
  const { version } = schedule;
  const both = await Promise.all([20, 22].map((value) => at.clerk.patch<Schedule & Problem>(path, { version, value })));
  expect(both.map(({ status }) => status).toSorted()).toEqual([200, 409]);
  expect(both.find(({ status }) => status === 409)?.body.code).toBe('changed_since');
  const { body: now } = await at.clerk.get<Schedule>(path);
  expect(now).toMatchObject({ version: version + 1, value: both.find(({ status }) => status === 200)?.body.value });
  const arm = await at.clerk.patch<Problem>(path, { version: now.version, value: 'arm' });
  expect(arm.status).toBe(422);
  expect((await at.clerk.patch<Problem>(path, { value: 22 })).status).toBe(400);
});

test('a schedule whose maker is no longer a user does not run, and the code says so', async () => {
  await using at = await open();
  const username = 'leaves-soon';
  const password = 'a-long-password';
  const user = { username, password, role: 'company', companyId: at.company.id };
  const { body: made } = await at.admin.post<User>('/users', user);
  const colleague = await signIn(at.origin, { username, password });
  const schedule = await make(colleague);
  expect((await at.admin.delete(`/users/${made.id}`)).status).toBe(204);
  await at.wait(11 * 60_000);
  const [run] = await eventually(async () => {
    const runs = await runsOf(at.clerk, schedule);
    return runs.length > 0 && runs;
  });
  expect(run).toMatchObject({ state: 'refused', detail: 'requester_gone', batchId: null });
}, 60_000);
