import { expect, test } from 'vitest';
import type { ClockState } from '../../src/http/schemas/clock.ts';
import type { Ready } from '../../src/http/schemas/health.ts';
import { heldClock } from '../helpers/clock.ts';
import { makeHousehold, makeTerminal, startTestGateway } from '../helpers/gateway.ts';
import type { Page } from './stage.ts';

/** Somebody sets the gateway's clock, and an admin says that it is right. */

const NOON = Date.parse('2026-11-24T12:00:00+08:00');
const OFF = { command: 'power', value: 'off' };
const at = (time: number) => ({ time: new Date(time).toISOString() });

async function open() {
  const clock = heldClock(NOON);
  const gateway = await startTestGateway({ clock });
  const people = await makeHousehold(gateway);
  const householdId = people.household.id;
  for (const id of ['b-1', 'b-2']) await makeTerminal(gateway.admin, { id, profile: 'gas-boiler', householdId });
  const health = async () => {
    const ready = (await (await fetch(`${gateway.origin}/health/ready`)).json()) as Ready;
    return ready.parts.find(({ name }) => name === 'clock');
  };
  const { admin } = gateway;
  return { clock, admin, ...people, health, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() };
}

test('after the clock was set nothing is switched off for a minute, and everybody is told', async () => {
  await using gateway = await open();
  const { clock, clerk, health } = gateway;
  expect((await clerk.get<ClockState>('/clock')).body).toMatchObject({ trouble: null, jumpS: null, sureInS: 0 });
  clock.set(NOON + 3_600_000);
  expect((await clerk.get<ClockState>('/clock')).body).toMatchObject({ trouble: 'jumped', jumpS: 3_600, sureInS: 60 });
  expect(await health()).toMatchObject({ state: 'degraded', detail: expect.stringMatching(/^jumped by \+3600 s; /) });
  const refused = await clerk.command('b-1', OFF);
  expect([refused.status, refused.body]).toMatchObject([422, { rules: [{ rule: 'clock_unsure' }] }]);
  expect((await clerk.command('b-1', { ...OFF, value: 'on' })).status).toBe(202);
  await clock.advance(60_000);
  expect((await clerk.command('b-2', OFF)).status).toBe(202);
  expect(await health()).toMatchObject({ state: 'ok', detail: null });
});

test('an admin whose own clock agrees ends that minute, and it is on record', async () => {
  await using gateway = await open();
  const { clock, clerk, admin, health } = gateway;
  clock.set(NOON + 3_600_000);
  expect((await clerk.post('/clock/trust', at(NOON + 3_600_000))).status).toBe(403);
  const wrong = await admin.post('/clock/trust', at(NOON));
  expect([wrong.status, wrong.body.code]).toEqual([409, 'clock_differs']);
  expect((await clerk.command('b-1', OFF)).status).toBe(422);
  const right = await admin.post<ClockState>('/clock/trust', at(NOON + 3_590_000));
  expect([right.status, right.body]).toMatchObject([200, { trouble: null, jumpS: 3_600 }]);
  expect((await clerk.command('b-1', OFF)).status).toBe(202);
  expect(await health()).toMatchObject({ state: 'ok' });
  type Entry = { actor: string; detail: object };
  const { body } = await admin.get<Page<Entry>>('/audit?action=clock_trusted');
  expect(body.items).toMatchObject([{ actor: 'admin', detail: { jumpMs: 3_600_000 } }]);
  // The next time is another.
  clock.set(clock.now() + 7_200_000);
  expect((await clerk.command('b-2', OFF)).status).toBe(422);
});

test('a clock that says a year in which this program was not there is right for nobody', async () => {
  await using gateway = await open();
  const { clock, admin } = gateway;
  const long = Date.UTC(2020, 0);
  clock.set(long);
  const { status, body } = await admin.post('/clock/trust', at(long));
  expect([status, body.code]).toEqual([409, 'clock_differs']);
});
