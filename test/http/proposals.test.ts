import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { AuditEntry } from '../../src/http/schemas/audit.ts';
import type { Command } from '../../src/http/schemas/commands.ts';
import type { Problem } from '../../src/http/schemas/common.ts';
import type { Household } from '../../src/http/schemas/people.ts';
import type { Accepted, Proposal } from '../../src/http/schemas/proposals.ts';
import { newSecret } from '../../src/lib/ids.ts';
import { policiesAtAnyTime } from '../helpers/batches.ts';
import { makeTerminal, VILLAGE } from '../helpers/gateway.ts';
import { tempFolder } from '../helpers/temp.ts';
import { type Page, startVillages, withKey } from './stage.ts';

/** What is proposed about a debt: people decide, and what they ask for is judged as any other command. */

const folder = await tempFolder();
afterAll(() => folder[Symbol.asyncDispose]());
const policies = await policiesAtAnyTime(folder.path);
// Two notices are enough here, on one day.
const file = join(policies, 'policy.yaml');
const text = await readFile(file, 'utf8');
await writeFile(
  file,
  text
    .replace(/notices: 3/, 'notices: 2')
    .replace(/daysBetween: \d+/, 'daysBetween: 0')
    .replace(/daysAfterLast: \d+/, 'daysAfterLast: 0'),
);
const { gateway, mine, theirs } = await startVillages({ overrides: { files: { policies } } });
const { admin } = gateway;

let made = 0;
/** A household that owes 100 yuan and was told so, with its gas meter. */
async function owing({
  steps = ['reminder', 'final_notice'],
  ...more
}: {
  steps?: string[];
  vulnerable?: boolean;
} = {}) {
  const n = ++made;
  const { body } = await admin.post<Household>('/households', {
    accountNo: `P-${n}`,
    name: `Owing ${n}`,
    areaCode: VILLAGE,
    companyId: mine.company.id,
    ...more,
  });
  const meter = await makeTerminal(admin, { id: `owing-${n}`, profile: 'gas-meter', householdId: body.id });
  await admin.post(`/households/${body.id}/adjustments`, { amountFen: -10_000, reason: 'debt' }, withKey());
  for (const step of steps) await mine.clerk.post(`/households/${body.id}/notices`, { step });
  const [proposal] = await proposalsOf(body.id);
  if (!proposal) throw new Error('nothing is proposed');
  return { id: body.id, meter: meter.id, proposal };
}
const proposalsOf = async (id: string) =>
  (await mine.clerk.get<Page<Proposal>>('/proposals?limit=500')).body.items.filter((one) => one.householdId === id);

const CLOSE = { command: 'valve', value: 'close' };
const accept = (id: string, body: object, { by = mine.clerk, key = newSecret() } = {}) =>
  by.post<Accepted & Problem>(`/proposals/${id}/accept`, body, withKey(key));
const commandsOf = async (id: string) =>
  (await admin.get<Page<Command>>(`/commands?terminalId=${id}`)).body.items.map(({ state }) => state);

test('what the policy refuses leaves the proposal open, and only the household’s own terminals can be named', async () => {
  const { id, meter, proposal } = await owing({ steps: ['final_notice'] });
  expect(proposal).toMatchObject({ state: 'open', cause: 'final_notice', owedFen: 10_000, balanceFen: -10_000 });
  const elsewhere = await makeTerminal(admin, {
    id: 'elsewhere',
    profile: 'gas-meter',
    householdId: mine.household.id,
  });
  expect((await accept(proposal.id, { ...CLOSE, terminalId: elsewhere.id })).body.code).toBe('unknown_reference');
  expect((await accept(proposal.id, { ...CLOSE, terminalId: 'nobody-has-this' })).status).toBe(404);
  expect((await accept(proposal.id, { command: 'valve', value: 'arm', terminalId: meter })).status).toBe(400);
  expect((await accept(proposal.id, { ...CLOSE, terminalId: meter }, { by: theirs.clerk })).status).toBe(404);
  const { status, body } = await accept(proposal.id, { ...CLOSE, terminalId: meter });
  expect([status, body.code]).toEqual([422, 'refused_by_policy']);
  expect(body.rules?.map(({ rule }) => rule)).toEqual(['arrears_notices']);
  expect(await commandsOf(meter)).toEqual(['refused']);
  expect(await proposalsOf(id)).toMatchObject([{ state: 'open', commandId: null }]);
});

test('an accepted proposal asks for one command, however often it is sent, and is over when the debt is paid', async () => {
  const { id, meter, proposal } = await owing();
  const key = newSecret();
  const body = { ...CLOSE, terminalId: meter, reason: 'told twice' };
  const [first, again] = await Promise.all([accept(proposal.id, body, { key }), accept(proposal.id, body, { key })]);
  expect([first.status, again.status]).toEqual([202, 202]);
  expect(again.body.command.id).toBe(first.body.command.id);
  expect(first.body.command).toMatchObject({ state: 'queued', purpose: 'arrears', reason: 'told twice' });
  expect((await accept(proposal.id, body)).body.code).toBe('wrong_state');
  expect(await commandsOf(meter)).toEqual(['queued']);
  const accepted = { state: 'accepted', terminalId: meter, commandState: 'queued', reason: 'told twice' };
  expect(await proposalsOf(id)).toMatchObject([accepted]);
  // While its command is under way, nothing is proposed about the debt once more.
  await mine.clerk.post(`/households/${id}/notices`, { step: 'final_notice' });
  expect(await proposalsOf(id)).toMatchObject([accepted]);
  const { body: audit } = await mine.clerk.get<Page<AuditEntry>>('/audit?action=proposal_accepted');
  expect(audit.items[0]).toMatchObject({ subject: proposal.id, terminalId: meter });

  await mine.clerk.post(
    `/households/${id}/payments`,
    { amountFen: 10_000, method: 'cash', reference: 'all' },
    withKey(),
  );
  expect(await proposalsOf(id)).toMatchObject([{ state: 'over', reason: 'told twice' }]);
  expect(await commandsOf(meter)).toEqual(['cancelled']);
});

test('when the command came to nothing, the next notice proposes it again', async () => {
  const { id, meter, proposal } = await owing();
  const { body } = await accept(proposal.id, { ...CLOSE, terminalId: meter });
  await mine.clerk.post(`/commands/${body.command.id}/cancel`);
  await mine.clerk.post(`/households/${id}/notices`, { step: 'final_notice' });
  expect((await proposalsOf(id)).map(({ state, commandState }) => [state, commandState])).toEqual([
    ['open', null],
    ['accepted', 'cancelled'],
  ]);
});

test('of two clerks who accept at once one gets the command, and for a vulnerable household it is held', async () => {
  const { id, meter, proposal } = await owing({ vulnerable: true });
  const body = { ...CLOSE, terminalId: meter, reason: 'told twice' };
  const answers = await Promise.all([accept(proposal.id, body), accept(proposal.id, body)]);
  expect(answers.map(({ status }) => status).sort()).toEqual([202, 409]);
  expect(await commandsOf(meter)).toEqual(['held']);
  expect(await proposalsOf(id)).toMatchObject([{ state: 'accepted', commandState: 'held' }]);
});

test('of two people of whom one accepts and one dismisses at once, one decides', async () => {
  for (let n = 0; n < 3; n += 1) {
    const { id, meter, proposal } = await owing();
    const [accepted, dismissed] = await Promise.all([
      accept(proposal.id, { ...CLOSE, terminalId: meter }),
      mine.clerk.post(`/proposals/${proposal.id}/dismiss`, { reason: 'no' }),
    ]);
    expect([accepted.status, dismissed.status].toSorted()).toEqual(accepted.status === 202 ? [202, 409] : [200, 409]);
    const [now] = await proposalsOf(id);
    expect(now?.state).toBe(accepted.status === 202 ? 'accepted' : 'dismissed');
    expect(await commandsOf(meter)).toHaveLength(accepted.status === 202 ? 1 : 0);
  }
});

test('proposals are filtered by state, area and company, and an operator looks and decides nothing', async () => {
  const { proposal } = await owing();
  const count = async (query: string, by = mine.clerk) =>
    (await by.get<Page<Proposal>>(`/proposals?limit=500&${query}`)).body.items.filter(({ id }) => id === proposal.id)
      .length;
  expect(await count('state=open')).toBe(1);
  expect(await count('state=accepted')).toBe(0);
  expect(await count(`areaCode=${VILLAGE}`, mine.operator)).toBe(1);
  expect(await count(`areaCode=${theirs.household.areaCode}`)).toBe(0);
  expect(await count(`companyId=${theirs.company.id}`, admin)).toBe(0);
  expect(await count('', theirs.clerk)).toBe(0);
  expect((await mine.clerk.get('/proposals?state=done')).status).toBe(400);
  const dismiss = (by = mine.clerk) => by.post<Proposal>(`/proposals/${proposal.id}/dismiss`, { reason: 'an old man' });
  expect((await dismiss(mine.operator)).status).toBe(403);
  expect((await dismiss(theirs.clerk)).status).toBe(404);
  expect((await dismiss()).body).toMatchObject({ state: 'dismissed', reason: 'an old man' });
  expect((await dismiss()).status).toBe(409);
});
