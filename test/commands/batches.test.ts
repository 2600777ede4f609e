import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Batch, BatchPreview } from '../../src/http/schemas/batches.ts';
import type { Command } from '../../src/http/schemas/commands.ts';
import type { Problem } from '../../src/http/schemas/common.ts';
import type { Household } from '../../src/http/schemas/people.ts';
import { itemsOf, obey, policiesAtAnyTime, postBatch, reaches } from '../helpers/batches.ts';
import {
  type ApiClient,
  makeHousehold,
  makeTerminal,
  OTHER_VILLAGE,
  signIn,
  startTestGateway,
  type TestGateway,
  type TestTerminal,
  VILLAGE,
} from '../helpers/gateway.ts';
import { tempFolder } from '../helpers/temp.ts';
import { openLive, type Page } from '../http/stage.ts';

/** One command for many terminals, as its users meet it over HTTP. */

let gateway: TestGateway;
const stack = new AsyncDisposableStack();
let made = 0;

beforeAll(async () => {
  const folder = stack.use(await tempFolder());
  gateway = stack.use(
    await startTestGateway({
      overrides: {
        files: { policies: await policiesAtAnyTime(folder.path) },
        batches: { perCellPerMinute: 6_000, failureAtLeast: 3 },
      },
    }),
  );
});
afterAll(() => stack.disposeAsync());

const OFF = { command: 'power', value: 'off', reason: 'the main is being mended' };
const WARMER = { command: 'setpoint', value: 21, reason: 'a cold night' };

/** A company with two persons and boilers in a village. */
async function company(boilers: number, areaCode = VILLAGE) {
  made += 1;
  const people = await makeHousehold(gateway, areaCode);
  const username = `colleague-${made}`;
  const password = 'a-long-password';
  await gateway.admin.post('/users', { username, password, role: 'company', companyId: people.company.id });
  const terminals: TestTerminal[] = [];
  for (let n = 0; n < boilers; n += 1) {
    const id = `b${made}-${n}`;
    terminals.push(await makeTerminal(gateway.admin, { id, profile: 'gas-boiler', householdId: people.household.id }));
  }
  const terminalIds = terminals.map(({ id }) => id);
  return { ...people, terminals, terminalIds, colleague: await signIn(gateway.origin, { username, password }) };
}

const codeOf = (body: unknown): string => (body as Problem).code;
const commandsOf = async (api: ApiClient, id: string) =>
  (await api.get<Page<Command>>(`/commands?terminalId=${id}`)).body.items;

describe('a dry run', () => {
  test('counts by cell and by rule, says how many homes lose their heat, and keeps nothing', async () => {
    const { clerk, company: owner, household, terminalIds } = await company(12);
    const { body: other } = await gateway.admin.post<Household>('/households', {
      accountNo: 'grandmother',
      name: 'Grandmother',
      areaCode: OTHER_VILLAGE,
      companyId: owner.id,
      vulnerable: true,
    });
    await makeTerminal(gateway.admin, { id: 'b-old', profile: 'gas-boiler', householdId: other.id });
    await makeTerminal(gateway.admin, { id: 'meter-1', profile: 'gas-meter', householdId: household.id });
    const ids = [...terminalIds, 'b-old', 'meter-1'];
    const { status, body } = await postBatch<BatchPreview>(clerk, { ...OFF, terminalIds: ids, dryRun: true });
    expect(status).toBe(200);
    expect(body).toMatchObject({ dryRun: true, decision: 'held', total: 14, homes: 2 });
    expect(body.byArea).toEqual([
      { areaCode: OTHER_VILLAGE, allowed: 0, held: 1, refused: 0 },
      { areaCode: VILLAGE, allowed: 0, held: 12, refused: 1 },
    ]);
    expect(body.byReason.map(({ rule, decision, count }) => [rule, decision, count])).toEqual([
      ['mass_off', 'held', 13],
      ['vulnerable_household', 'held', 1],
      ['no_such_command', 'refused', 1],
    ]);
    expect((await clerk.get<Page<Batch>>('/command-batches')).body.items).toEqual([]);
    expect((await clerk.get<Page<Command>>('/commands')).body.items).toEqual([]);
  });

  test('takes the terminals of an area, of a kind or a profile, and those that are online', async () => {
    const { clerk, terminals, terminalIds, household } = await company(3);
    await makeTerminal(gateway.admin, { id: 'heater-1', profile: 'electric-heater', householdId: household.id });
    await using _one = await obey(gateway, terminals[0] ?? { id: '', secret: '' });
    const total = async (more: object) =>
      (await postBatch<BatchPreview>(clerk, { ...WARMER, areaCode: '141023', dryRun: true, ...more })).body.total;
    expect(await total({})).toBe(4);
    expect(await total({ kind: 'electric_heater' })).toBe(1);
    expect(await total({ profile: 'gas-boiler' })).toBe(3);
    const away = await postBatch<BatchPreview>(clerk, { ...WARMER, areaCode: '141024', dryRun: true });
    expect([away.status, codeOf(away.body)]).toEqual([422, 'unknown_reference']);
    const both = await postBatch(clerk, { ...WARMER, areaCode: '141023', terminalIds });
    expect([both.status, codeOf(both.body)]).toEqual([400, 'invalid_request']);
  });
});

test('who asked, who allowed and what came of a batch is in the audit', async () => {
  const { clerk, colleague, terminalIds } = await company(12);
  const asked = { ...OFF, terminalIds };
  await postBatch(clerk, { ...asked, dryRun: true });
  const { body: batch } = await postBatch(clerk, asked);
  await colleague.post(`/command-batches/${batch.id}/approve`, { listHash: batch.listHash });
  await clerk.post(`/command-batches/${batch.id}/cancel`);
  const { body } = await colleague.get<Page<{ action: string; actor: string }>>('/audit?limit=500');
  const rows = body.items.filter(({ action }) => action.startsWith('batch_')).toReversed();
  const requester = batch.requestedBy;
  expect(rows.map(({ action, actor }) => [action, actor])).toEqual([
    ['batch_previewed', requester],
    ['batch_held', requester],
    ['batch_approved', expect.stringMatching(/^colleague/)],
    ['batch_cancelled', requester],
  ]);
});

describe('a mass off', () => {
  test('waits for a second person, who approves the list that was shown and no other', async () => {
    const { clerk, colleague, terminals, terminalIds } = await company(12);
    const { status, headers, body: batch } = await postBatch(clerk, { ...OFF, terminalIds });
    expect([status, batch.state, batch.counts]).toEqual([202, 'held', { waiting: 12 }]);
    expect(headers.get('location')).toBe(`/api/v1/command-batches/${batch.id}`);
    const path = `/command-batches/${batch.id}`;
    const own = await clerk.post(`${path}/approve`, {});
    expect([own.status, codeOf(own.body)]).toEqual([403, 'own_request']);
    const stranger = await company(0);
    expect((await stranger.clerk.post(`${path}/approve`, {})).status).toBe(404);
    const another = await colleague.post(`${path}/approve`, { listHash: 'f'.repeat(64) });
    expect([another.status, codeOf(another.body)]).toEqual([409, 'wrong_state']);
    const items = await itemsOf(colleague, batch.id);
    expect(items.map(({ state, rules }) => [state, rules.map(({ rule }) => rule)])).toEqual(
      Array.from({ length: 12 }, () => ['waiting', ['mass_off']]),
    );
    await using obedient = new AsyncDisposableStack();
    const all = [];
    for (const terminal of terminals) all.push(obedient.use(await obey(gateway, terminal)));
    const approved = await colleague.post<Batch>(`${path}/approve`, { listHash: batch.listHash, reason: 'seen' });
    expect([approved.status, approved.body.state]).toEqual([200, 'running']);
    const done = await reaches(clerk, batch.id, 'done');
    expect(done.counts).toEqual({ confirmed: 12 });
    expect(done.history.map(({ state, detail }) => [state, detail])).toEqual([
      ['held', null],
      ['running', 'seen'],
      ['done', null],
    ]);
    expect(all.map(({ told }) => told)).toEqual(all.map(() => [{ command: 'power', value: 'off' }]));
    const [command] = await commandsOf(clerk, terminalIds[0] ?? '');
    expect(command).toMatchObject({ requestedBy: batch.requestedBy, approvedBy: expect.stringMatching(/^colleague/) });
    const csv = await fetch(`${gateway.origin}/api/v1${path}/items.csv`, {
      headers: { authorization: `Bearer ${clerk.token}` },
    });
    const bytes = Buffer.from(await csv.arrayBuffer());
    expect(bytes.subarray(0, 3).toString('hex')).toBe('efbbbf');
    expect(bytes.toString().match(/,confirmed,/g)).toHaveLength(12);
  }, 60_000);

  test('is over when a second person refuses it: nothing is sent', async () => {
    const { clerk, colleague, terminalIds } = await company(12);
    const { body: batch } = await postBatch(clerk, { ...OFF, terminalIds });
    const { body: refused } = await colleague.post<Batch>(`/command-batches/${batch.id}/refuse`, {
      reason: 'too cold',
    });
    expect([refused.state, refused.counts]).toEqual(['refused', { cancelled: 12 }]);
    expect((await clerk.get<Page<Command>>('/commands')).body.items).toEqual([]);
    expect((await colleague.post(`/command-batches/${batch.id}/approve`, {})).status).toBe(409);
  });

  test('counts what other batches have yet to switch off; a small one and switching on are never held', async () => {
    const { clerk, terminalIds } = await company(16);
    const few = await postBatch(clerk, { ...OFF, terminalIds: terminalIds.slice(0, 8), perCellPerMinute: 1 });
    expect(few.body.state).toBe('running');
    const more = await postBatch(clerk, { ...OFF, terminalIds: terminalIds.slice(8) });
    expect(more.body.state).toBe('held');
    const on = await postBatch(clerk, { ...OFF, value: 'on', terminalIds });
    expect(on.body.state).toBe('running');
  });
});

test('arming a valve is refused in a batch', async () => {
  const { clerk, household } = await company(0);
  await makeTerminal(gateway.admin, { id: 'meter-2', profile: 'gas-meter', householdId: household.id });
  const arm = { command: 'valve', value: 'arm', reason: 'gas is back', terminalIds: ['meter-2'] };
  for (const dryRun of [true, false]) {
    const { status, body } = await postBatch<Problem>(clerk, { ...arm, dryRun });
    expect([status, codeOf(body), body.rules?.map(({ rule }) => rule)]).toEqual([
      422,
      'refused_by_policy',
      ['arm_by_person_only'],
    ]);
  }
});

test('a batch names nothing that its caller may not see', async () => {
  const [mine, theirs] = [await company(1), await company(1)];
  const terminalIds = [...mine.terminalIds, ...theirs.terminalIds];
  expect((await postBatch(mine.clerk, { ...WARMER, terminalIds })).status).toBe(404);
});

test('the same Idempotency-Key gives the same batch, and with another body it is refused', async () => {
  const { clerk, terminalIds } = await company(2);
  const first = await postBatch(clerk, { ...WARMER, terminalIds }, 'a-key');
  const again = await postBatch(clerk, { ...WARMER, terminalIds }, 'a-key');
  expect([again.status, again.body.id]).toEqual([202, first.body.id]);
  // What would come of it today does not matter.
  await clerk.delete(`/terminals/${terminalIds[1]}`);
  expect((await postBatch(clerk, { ...WARMER, terminalIds }, 'a-key')).body.id).toBe(first.body.id);
  const other = await postBatch(clerk, { ...WARMER, value: 22, terminalIds }, 'a-key');
  expect([other.status, codeOf(other.body)]).toEqual([422, 'idempotency_key_reused']);
  expect((await clerk.post('/command-batches', { ...WARMER, terminalIds })).status).toBe(400);
});

test('a batch stops itself when its terminals refuse, and goes on or is taken back by a person', async () => {
  const { clerk, terminals, terminalIds } = await company(10);
  await using obedient = new AsyncDisposableStack();
  for (const terminal of terminals) obedient.use(await obey(gateway, terminal, 'rejected'));
  const { body: batch } = await postBatch(clerk, { ...WARMER, terminalIds, inFlight: 1 });
  const stopped = await reaches(clerk, batch.id, 'stopped');
  expect(stopped.counts).toEqual({ rejected: 3, waiting: 7 });
  const { body: resumed } = await clerk.post<Batch>(`/command-batches/${batch.id}/resume`);
  expect(resumed.state).toBe('running');
  const again = await reaches(clerk, batch.id, 'stopped');
  expect(again.counts).toEqual({ rejected: 6, waiting: 4 });
  const { body: cancelled } = await clerk.post<Batch>(`/command-batches/${batch.id}/cancel`);
  expect([cancelled.state, cancelled.counts]).toEqual(['cancelled', { rejected: 6, cancelled: 4 }]);
  expect((await clerk.post(`/command-batches/${batch.id}/resume`)).status).toBe(409);
}, 60_000);

test('a paused batch gives out nothing more; cancelled, it takes back what was not sent', async () => {
  const { clerk, terminalIds } = await company(6);
  const { body: batch } = await postBatch(clerk, { ...WARMER, terminalIds, inFlight: 2, expiresInS: 900 });
  const path = `/command-batches/${batch.id}`;
  await using live = await openLive(gateway, clerk.token);
  await live.next('batch', (data) => (data['batch'] as Batch).counts.queued === 2);
  expect((await clerk.post<Batch>(`${path}/pause`)).body).toMatchObject({ state: 'paused' });
  expect((await clerk.post(`${path}/pause`)).status).toBe(409);
  const { body: cancelled } = await clerk.post<Batch>(`${path}/cancel`);
  expect([cancelled.state, cancelled.counts]).toEqual(['cancelled', { cancelled: 6 }]);
});

test('progress is told to those who see the batch, and to nobody else', async () => {
  const { clerk, operator, resident, terminalIds } = await company(1, VILLAGE);
  const streams = new AsyncDisposableStack();
  const [own, watcher, home] = [
    streams.use(await openLive(gateway, clerk.token)),
    streams.use(await openLive(gateway, operator.token)),
    streams.use(await openLive(gateway, resident.token)),
  ];
  const { body: list } = await postBatch(clerk, { ...WARMER, terminalIds });
  const { body: area } = await postBatch(clerk, { ...WARMER, areaCode: VILLAGE });
  const isOf = (id: string) => (data: Record<string, unknown>) => (data['batch'] as Batch).id === id;
  await own.next('batch', isOf(list.id));
  await own.next('batch', isOf(area.id));
  await watcher.next('batch', isOf(area.id));
  expect(watcher.messages.filter(({ event, data }) => event === 'batch' && isOf(list.id)(data))).toEqual([]);
  expect(home.messages.filter(({ event }) => event === 'batch')).toEqual([]);
  expect((await operator.get(`/command-batches/${area.id}`)).status).toBe(200);
  expect((await operator.get(`/command-batches/${list.id}`)).status).toBe(404);
  expect((await resident.get(`/command-batches/${area.id}`)).status).toBe(403);
  await streams.disposeAsync();
});

test('a terminal that is gone before its turn is left out, and the rule says so', async () => {
  const { clerk, colleague, terminalIds } = await company(12);
  const { body: batch } = await postBatch(clerk, { ...OFF, terminalIds, inFlight: 1 });
  await clerk.delete(`/terminals/${terminalIds[0]}`);
  await colleague.post(`/command-batches/${batch.id}/approve`, { listHash: batch.listHash });
  const live = await openLive(gateway, clerk.token);
  await live.next('batch', (data) => (data['batch'] as Batch).counts.queued === 1);
  const [gone] = await itemsOf(clerk, batch.id);
  expect([gone?.state, gone?.rules.map(({ rule }) => rule), gone?.commandId]).toEqual(['refused', ['moved'], null]);
  await live[Symbol.asyncDispose]();
});
