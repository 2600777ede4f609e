import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Command } from '../../src/http/schemas/commands.ts';
import type { Problem } from '../../src/http/schemas/common.ts';
import type { Household } from '../../src/http/schemas/people.ts';
import {
  type ApiClient,
  connectTerminal,
  createApi,
  makeHousehold,
  makeTerminal,
  sendReading,
  signIn,
  startTestGateway,
  type TestGateway,
  type TestTerminal,
  VILLAGE,
} from '../helpers/gateway.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';
import type { Page } from '../http/stage.ts';

/** What needs a second person, and what no policy lets through, as its users meet it over HTTP. */

let gateway: TestGateway;
let people: Awaited<ReturnType<typeof makeHousehold>>;
/** A second person of the same company. */
let colleague: ApiClient;

async function personOf(companyId: string, username: string): Promise<ApiClient> {
  const password = 'a-long-password';
  await gateway.admin.post('/users', { username, password, role: 'company', companyId });
  return signIn(gateway.origin, { username, password });
}

beforeAll(async () => {
  gateway = await startTestGateway();
  people = await makeHousehold(gateway);
  colleague = await personOf(people.company.id, 'colleague');
});
afterAll(() => gateway[Symbol.asyncDispose]());

let boilers = 0;

/** A boiler in a household that is marked vulnerable. */
async function vulnerableBoiler(): Promise<TestTerminal> {
  boilers += 1;
  const { body: household } = await gateway.admin.post<Household>('/households', {
    accountNo: `V${boilers}`,
    name: `Grandmother ${boilers}`,
    areaCode: VILLAGE,
    companyId: people.company.id,
    vulnerable: true,
  });
  return makeTerminal(gateway.admin, { id: `boiler-${boilers}`, profile: 'gas-boiler', householdId: household.id });
}

const OFF = { command: 'power', value: 'off', reason: 'the flue is being cleaned' };

async function held(terminal?: TestTerminal): Promise<Command> {
  const { status, body } = await people.clerk.command((terminal ?? (await vulnerableBoiler())).id, OFF);
  expect([status, body.state]).toEqual([202, 'held']);
  return body;
}

const rulesOf = (body: unknown): string[] => ((body as Problem).rules ?? []).map(({ rule }) => rule);
const codeOf = (body: unknown): string => (body as Problem).code;

describe('a held command', () => {
  test('says who asked, why it is held, and by which policy; nothing is sent', async () => {
    const command = await held();
    expect(command).toMatchObject({ requestedBy: expect.stringMatching(/^company-/), policyVersion: '2026-11' });
    expect(command.rules).toEqual([
      {
        rule: 'vulnerable_household',
        zh: '该户已标记为重点照顾住户：须第二人审批。',
        en: 'The household is marked as vulnerable: a second person must approve.',
      },
    ]);
    expect(Date.parse(command.expiresAt) - Date.parse(command.createdAt)).toBe(900_000);
    const list = await colleague.get<Page<Command>>('/commands?state=held');
    expect(list.body.items.map(({ id }) => id)).toContain(command.id);
  });

  test('is not approved or refused by who asked, nor by an API key that they made', async () => {
    const { id } = await held();
    for (const decision of ['approve', 'refuse']) {
      const answer = await people.clerk.post(`/commands/${id}/${decision}`, {});
      expect([answer.status, codeOf(answer.body)]).toEqual([403, 'own_request']);
    }
    const { body: made } = await gateway.admin.post<{ key: string }>('/api-keys', { name: 'office', role: 'admin' });
    const key = createApi(gateway.origin, made.key);
    const { body: asked } = await gateway.admin.command((await vulnerableBoiler()).id, OFF);
    const byKey = await key.post(`/commands/${asked.id}/approve`, {});
    expect([byKey.status, codeOf(byKey.body)]).toEqual([403, 'own_request']);
    const { body: askedByKey } = await key.command((await vulnerableBoiler()).id, OFF);
    expect((await gateway.admin.post(`/commands/${askedByKey.id}/approve`, {})).status).toBe(403);
    expect((await key.post(`/commands/${id}/approve`, {})).status).toBe(200);
  });

  test('is not for an operator or a resident to decide, and for another company it is not there', async () => {
    const { id } = await held();
    const stranger = await makeHousehold(gateway);
    for (const [api, status] of [
      [people.operator, 403],
      [people.resident, 403],
      [stranger.clerk, 404],
    ] as const) {
      expect((await api.post(`/commands/${id}/approve`, {})).status).toBe(status);
    }
  });

  test('is queued when a second person approves, and its time to be sent begins then', async () => {
    const { id, sequence, policyVersion, createdAt } = await held();
    const body = { reason: 'spoke with her son', sequence, policyVersion };
    const { status, body: approved } = await colleague.post<Command>(`/commands/${id}/approve`, body);
    expect([status, approved.state, approved.approvedBy]).toEqual([200, 'queued', 'colleague']);
    const left = Date.parse(approved.expiresAt) - Date.parse(createdAt);
    expect(left).toBeGreaterThanOrEqual(120_000);
    expect(left).toBeLessThan(180_000);
    expect(approved.history.map(({ state, cause, detail }) => [state, cause, detail])).toEqual([
      ['held', 'requested', approved.requestedBy],
      ['queued', 'approved', 'colleague: spoke with her son'],
    ]);
    const again = await colleague.post(`/commands/${id}/approve`, body);
    expect([again.status, codeOf(again.body)]).toEqual([409, 'wrong_state']);
  });

  test('is over when a second person refuses it', async () => {
    const { id } = await held();
    const { body } = await colleague.post<Command>(`/commands/${id}/refuse`, { reason: 'not in winter' });
    expect(body.state).toBe('refused');
    expect(body.history.at(-1)).toMatchObject({ cause: 'not_allowed', detail: 'colleague: not in winter' });
  });

  test('is decided once when two decide at the same moment', async () => {
    const { id } = await held();
    const answers = await Promise.all([
      colleague.post(`/commands/${id}/approve`, {}),
      gateway.admin.post(`/commands/${id}/refuse`, {}),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  test('is not approved by who was shown something else', async () => {
    const { id, sequence } = await held();
    for (const seen of [{ sequence: sequence + 1 }, { policyVersion: '2025-11' }]) {
      const answer = await colleague.post(`/commands/${id}/approve`, seen);
      expect([answer.status, codeOf(answer.body)]).toEqual([409, 'wrong_state']);
    }
    expect((await colleague.post(`/commands/${id}/approve`, { sequence })).status).toBe(200);
  });

  test('is refused at its approval when the room has become cold since', async () => {
    const terminal = await vulnerableBoiler();
    const command = await held(terminal);
    const client = await connectTerminal(gateway, terminal);
    await sendReading(client, command.terminalId, { room_c: 9 });
    const answer = await eventually(async () => {
      const { body } = await gateway.admin.get<{ values: object }>(`/terminals/${command.terminalId}/latest`);
      return 'room_c' in body.values && colleague.post(`/commands/${command.id}/approve`, {});
    });
    expect([answer.status, codeOf(answer.body), rulesOf(answer.body)]).toEqual([
      422,
      'refused_by_policy',
      ['room_too_cold', 'vulnerable_household'],
    ]);
    const now = await colleague.commandState(command.id);
    expect(now.history.at(-1)).toMatchObject({ state: 'refused', cause: 'policy' });
    await client.endAsync();
  });
});

test('without a reason, what needs two persons is refused, and that is on record', async () => {
  const { id } = await vulnerableBoiler();
  const body = { command: 'power', value: 'off' };
  const first = await people.clerk.command(id, body, 'one-key');
  expect([first.status, codeOf(first.body), rulesOf(first.body)]).toEqual([
    422,
    'refused_by_policy',
    ['reason_required', 'vulnerable_household'],
  ]);
  const again = await people.clerk.command(id, body, 'one-key');
  expect(again.body).toEqual(first.body);
  const { body: page } = await people.clerk.get<Page<Command>>(`/commands?terminalId=${id}&state=refused`);
  expect(page.items).toHaveLength(1);
  expect(page.items[0]?.history).toMatchObject([{ cause: 'policy', detail: 'reason_required, vulnerable_household' }]);
});

test('what would become of a command can be asked before, and keeps nothing', async () => {
  const { id } = await vulnerableBoiler();
  const ask = async (query: string) => (await people.clerk.get(`/terminals/${id}/commands/judgement?${query}`)).body;
  expect(await ask('command=power&value=off&reason=cleaning')).toMatchObject({
    decision: 'held',
    rules: [{ rule: 'vulnerable_household' }],
    policyVersion: '2026-11',
  });
  expect(await ask('command=power&value=on')).toMatchObject({ decision: 'allowed', rules: [] });
  expect(await ask('command=setpoint&value=21.5')).toMatchObject({ decision: 'allowed' });
  expect(await ask('command=setpoint&value=99')).toMatchObject({ code: 'value_not_allowed' });
  const { body } = await people.clerk.get<Page<Command>>(`/commands?terminalId=${id}`);
  expect(body.items).toEqual([]);
});

test('what was allowed and waits is refused in the last moment when the room has become cold', async () => {
  const terminal = await makeTerminal(gateway.admin, {
    id: 'cold-room',
    profile: 'gas-boiler',
    householdId: people.household.id,
  });
  const { body } = await people.clerk.command(terminal.id, { command: 'power', value: 'off' });
  expect(body.state).toBe('queued');
  const client = await connectTerminal(gateway, terminal);
  const received: unknown[] = [];
  client.on('message', (_topic, payload) => received.push(JSON.parse(payload.toString())));
  await sendReading(client, terminal.id, { room_c: 8, power_on: true });
  await client.subscribeAsync(`terminals/${terminal.id}/commands`, { qos: 1 });
  await eventually(async () => (await people.clerk.commandState(body.id)).state === 'refused');
  const now = await people.clerk.commandState(body.id);
  expect(now.history.at(-1)).toMatchObject({ cause: 'policy', detail: 'room_too_cold' });
  // The next goes out, and the refused one never did.
  const { body: on } = await people.clerk.command(terminal.id, { command: 'power', value: 'on' });
  await eventually(() => received.length > 0);
  expect(received).toMatchObject([{ id: on.id }]);
  await client.endAsync();
});

test('of many single calls at the same moment, no more are let through than the policy says; on is never held', async () => {
  const other = await makeHousehold(gateway);
  const second = await personOf(other.company.id, 'second');
  const ids = Array.from({ length: 14 }, (_, i) => `mass-${i}`);
  for (const id of ids)
    await makeTerminal(gateway.admin, { id, profile: 'electric-heater', householdId: other.household.id });
  const callers = [other.clerk, second, gateway.admin];
  const off = { command: 'power', value: 'off' };
  const answers = await Promise.all(ids.map((id, i) => (callers[i % 3] ?? second).command(id, off)));
  expect(answers.map(({ status }) => status)).toEqual(ids.map(() => 202));
  const of = (state: string) => answers.filter(({ body }) => body.state === state).map(({ body }) => body);
  expect([of('queued').length, of('held').length]).toEqual([10, 4]);
  expect(of('held').map(({ rules }) => rules.map(({ rule }) => rule))).toEqual([
    ['mass_off'],
    ['mass_off'],
    ['mass_off'],
    ['mass_off'],
  ]);
  // One that is off already makes no more of them.
  const [first] = of('queued');
  expect((await second.command(first?.terminalId ?? '', off)).body).toMatchObject({ state: 'queued' });
  const on = await Promise.all(ids.map((id) => second.command(id, { command: 'power', value: 'on' })));
  expect(on.every(({ body }) => body.state === 'queued')).toBe(true);
  // Another company's are counted apart.
  const third = await makeHousehold(gateway);
  const theirs = await makeTerminal(gateway.admin, {
    id: 'mass-other',
    profile: 'gas-boiler',
    householdId: third.household.id,
  });
  expect((await third.clerk.command(theirs.id, off)).body).toMatchObject({ state: 'queued' });
});

test('an arm waits half a minute at most, and is refused when its terminal is known to be away', async () => {
  const meter = await makeTerminal(gateway.admin, {
    id: 'meter',
    profile: 'gas-meter',
    householdId: people.household.id,
  });
  const arm = { command: 'valve', value: 'arm', expiresInS: 900 };
  const { status, body } = await people.clerk.command(meter.id, arm);
  expect(status).toBe(202);
  expect(Date.parse(body.expiresAt) - Date.parse(body.createdAt)).toBe(30_000);
  const client = await connectTerminal(gateway, meter);
  await sendReading(client, meter.id, { gas_m3: 100 });
  await client.publishAsync(`terminals/${meter.id}/status`, '{"online": false}', { qos: 1 });
  await client.endAsync();
  const away = await eventually(async () => {
    const answer = await people.clerk.command(meter.id, arm);
    return answer.status === 422 && answer;
  });
  expect(rulesOf(away.body)).toEqual(['not_reachable']);
});

test('with a policy file that is broken the gateway starts, switches on and nothing off, until the file is mended', async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, 'winter.yaml');
  await writeFile(file, 'version: "1"\neffectiveFrom: tomorrow\n');
  await using broken = await startTestGateway({ overrides: { files: { policies: folder.path } } });
  await makeTerminal(broken.admin, { id: 'A', profile: 'gas-boiler' });
  const off = await broken.admin.command('A', { command: 'power', value: 'off' });
  expect([off.status, rulesOf(off.body)]).toEqual([422, ['policy_unreadable']]);
  expect((await broken.admin.command('A', { command: 'power', value: 'on' })).status).toBe(202);
  await writeFile(file, await readFile('config/policies/default.yaml'));
  await eventually(async () => (await broken.admin.command('A', { command: 'power', value: 'off' })).status === 202);
});
