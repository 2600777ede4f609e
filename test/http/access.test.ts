import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Account } from '../../src/http/schemas/billing.ts';
import type { Problem } from '../../src/http/schemas/common.ts';
import type { Area, AreaOverview } from '../../src/http/schemas/people.ts';
import type { Terminal } from '../../src/http/schemas/terminals.ts';
import { newSecret } from '../../src/lib/ids.ts';
import { OTHER_VILLAGE, startTestGateway, type TestGateway, VILLAGE } from '../helpers/gateway.ts';
import { type Example, examples, isPublic, type Operation, operationsOf, SCOPED, type Scoped } from './routes.ts';
import { type Bare, makeWorld, type Page, send, type World, withKey } from './stage.ts';

/** Who reaches what: every route of the OpenAPI document, asked for by those whom it is not for. */

let gateway: TestGateway;
let mine: World;
let theirs: World;
let operations: Map<string, Operation>;
let table: Record<string, Example>;

beforeAll(async () => {
  gateway = await startTestGateway({ overrides: { payments: { sandbox: true } } });
  mine = await makeWorld(gateway, 'mine', VILLAGE);
  theirs = await makeWorld(gateway, 'theirs', OTHER_VILLAGE);
  operations = await operationsOf(gateway.origin);
  table = examples(theirs, mine);
});
afterAll(() => gateway[Symbol.asyncDispose]());

const closed = () =>
  [...operations].filter(([route, found]) => route.includes(' /api/v1/') && !isPublic(found)).map(([route]) => route);

const methodOf = (route: string) => route.split(' ')[0] ?? '';

function ask(
  authorization: string | undefined,
  method: string,
  { path, body }: Pick<Example, 'path' | 'body'>,
  origin = gateway.origin,
) {
  return send(origin, method, `/api/v1${path}`, {
    headers: {
      ...withKey(),
      ...(authorization !== undefined && { authorization }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

const tokenOf = (role: Scoped): string =>
  ({ operator: mine.operator, company: mine.clerk, resident: mine.resident })[role].token;
const askAs = (role: Scoped, method: string, example: Pick<Example, 'path' | 'body'>) =>
  ask(`Bearer ${tokenOf(role)}`, method, example);

/** Everything by which the other household would show. An operator may know every company. */
const tracesFor = (role: Scoped): string[] => [
  theirs.terminal.id,
  theirs.terminal.secret,
  theirs.household.id,
  theirs.household.name,
  theirs.command.id,
  theirs.batch.id,
  theirs.schedule.id,
  theirs.alarm.id,
  theirs.payment.id,
  theirs.order.id,
  theirs.deposit.id,
  theirs.importId,
  theirs.bill.id,
  theirs.billingRunId,
  theirs.noticeId,
  theirs.proposalId,
  'run-theirs',
  'receipt-theirs',
  'deposit-theirs',
  'reason-theirs',
  'quarantined-theirs',
  ...(role === 'operator' ? [OTHER_VILLAGE] : [theirs.company.id, theirs.company.name]),
];
/** What an answer shows of them that the request did not say itself. */
const leaks = (role: Scoped, example: Example, { text }: Bare): string[] =>
  tracesFor(role).filter((trace) => text.includes(trace) && !JSON.stringify(example.body ?? '').includes(trace));

/** Whatever was tried, everything of the other household is as it was. */
async function expectUntouched(): Promise<void> {
  const { admin } = gateway;
  const { body: terminal } = await admin.get<Terminal>(`/terminals/${theirs.terminal.id}`);
  expect(terminal).toMatchObject({ householdId: theirs.household.id, areaCode: OTHER_VILLAGE });
  expect((await admin.commandState(theirs.command.id)).state).toBe('queued');
  const { body: commands } = await admin.get<Page<unknown>>(`/commands?terminalId=${theirs.terminal.id}`);
  expect(commands.items).toHaveLength(1);
  const { body: open } = await admin.get<Page<unknown>>(`/alarms?state=open&terminalId=${theirs.terminal.id}`);
  expect(open.items).toHaveLength(1);
  const { body: account } = await admin.get<Account>(`/households/${theirs.household.id}/account`);
  const balanceFen = theirs.payment.amountFen + theirs.order.amountFen - theirs.bill.totalFen;
  expect(account).toMatchObject({ balanceFen, depositFen: theirs.deposit.amountFen });
  const { body: areas } = await admin.get<{ items: Area[] }>('/areas');
  expect(areas.items.find(({ code }) => code === OTHER_VILLAGE)?.responsiblePerson).toBeNull();
}

test('every route of the API has a row in the table of these tests, and the table has no others', () => {
  expect(closed().length).toBeGreaterThan(30);
  expect(Object.keys(table).sort()).toEqual(closed().sort());
});

test('only signing in, the first setup and payment providers’ notifications are open to everybody', () => {
  const open = [...operations].filter(([, found]) => isPublic(found)).map(([route]) => route);
  expect(open.filter((route) => route.includes('/api/')).sort()).toEqual([
    'POST /api/v1/payment-notifications/{provider}',
    'POST /api/v1/sessions',
    'POST /api/v1/setup',
  ]);
});

describe.each([
  ['without a token', () => undefined],
  ['with a token that nobody has', () => `Bearer ${newSecret()}`],
  ['with a token in another scheme', () => `Basic ${gateway.admin.token}`],
  ['with an empty token', () => 'Bearer '],
  ['with a terminal’s secret', () => `Bearer ${theirs.terminal.secret}`],
])('%s', (_how, authorization) => {
  test('every route answers 401 and tells nothing', async () => {
    const wrong: string[] = [];
    for (const route of closed()) {
      const example = table[route];
      if (!example) throw new Error(`no example of ${route}`);
      const answer = await ask(authorization(), methodOf(route), example);
      const problem: Partial<Problem> = JSON.parse(answer.text);
      if (answer.status !== 401 || problem.code !== 'unauthenticated') wrong.push(`${route}: ${answer.status}`);
    }
    expect(wrong).toEqual([]);
  });
});

describe.each(SCOPED)('the %s of another household, company or area', (role) => {
  test('gets 404 for what is there, 403 where the role may not go, and changes nothing', async () => {
    const wrong: string[] = [];
    for (const route of closed()) {
      const example = table[route];
      if (!example || example.neutral) continue;
      const answer = await askAs(role, methodOf(route), example);
      const wanted = example.answers[role] ?? 403;
      if (answer.status !== wanted) wrong.push(`${route}: ${answer.status}, not ${wanted}`);
      const shown = role === 'operator' && route.startsWith('GET /api/v1/compan') ? [] : leaks(role, example, answer);
      if (shown.length > 0) wrong.push(`${route} shows ${shown.join(', ')}`);
    }
    expect(wrong).toEqual([]);
    await expectUntouched();
  });

  test('sees the own things in every list', async () => {
    const missing: string[] = [];
    for (const [route, example] of Object.entries(table)) {
      if (example.own === undefined || example.answers[role] !== 200) continue;
      const answer = await askAs(role, 'GET', example);
      if (!answer.text.includes(example.own)) missing.push(route);
    }
    expect(missing).toEqual([]);
  });

  test('finds nothing by asking a list for it', async () => {
    const asked: string[] = [];
    for (const example of Object.values(table)) {
      if (example.answers[role] === undefined) continue;
      for (const path of example.empty ?? []) {
        const answer = await askAs(role, 'GET', { path });
        expect(JSON.parse(answer.text), path).toMatchObject({ items: [] });
        asked.push(path);
      }
    }
    expect(asked.length).toBeGreaterThan(7);
  });

  test('cannot tell a thing that is there from one that is not', async () => {
    const names: [string, string][] = [
      [`/terminals/${theirs.terminal.id}`, '/terminals/nobody-has-this'],
      [`/terminals/${theirs.terminal.id}/latest`, '/terminals/nobody-has-this/latest'],
      [`/households/${theirs.household.id}`, '/households/hh_none'],
      [`/households/${theirs.household.id}/account`, '/households/hh_none/account'],
      [`/commands/${theirs.command.id}`, '/commands/cmd_none'],
      [`/payments/${theirs.payment.id}/receipt`, '/payments/pay_none/receipt'],
    ];
    for (const [there, nowhere] of names) {
      const [one, other] = [await askAs(role, 'GET', { path: there }), await askAs(role, 'GET', { path: nowhere })];
      expect([one.status, one.text], there).toEqual([404, other.text]);
    }
  });

  test('gets 403 for every route that is the admin’s', async () => {
    const wrong: string[] = [];
    for (const [route, example] of Object.entries(table)) {
      if (Object.keys(example.answers).length > 0) continue;
      const answer = await askAs(role, methodOf(route), example);
      const problem: Problem = JSON.parse(answer.text);
      if (answer.status !== 403 || problem.code !== 'forbidden') wrong.push(`${route}: ${answer.status}`);
    }
    expect(wrong).toEqual([]);
  });
});

test('a company that looks at another company’s village counts nothing there', async () => {
  const { body } = await mine.clerk.get<AreaOverview>(`/areas/${OTHER_VILLAGE}/overview`);
  expect(body).toMatchObject({ terminals: 0, online: 0, offline: 0, unknown: 0, openAlarms: 0, coldHomes: 0 });
});

test('the admin reaches each of those things, so they were there to be hidden', async () => {
  await using own = await startTestGateway({ overrides: { payments: { sandbox: true } } });
  const one = await makeWorld(own, 'mine', VILLAGE);
  const other = await makeWorld(own, 'theirs', OTHER_VILLAGE);
  // What deletes comes last, and what moves a terminal just before, since both take its queued commands back.
  const rank = (route: string) =>
    Number(route.startsWith('PATCH')) +
    2 * Number(route.startsWith('DELETE')) +
    Number(route === 'DELETE /api/v1/terminals/{id}');
  const rows = Object.entries(examples(other, one)).sort(([a], [b]) => rank(a) - rank(b));
  const wrong: string[] = [];
  for (const [route, example] of rows) {
    if (example.admin === undefined) continue;
    const answer = await ask(`Bearer ${own.admin.token}`, methodOf(route), example, own.origin);
    if (answer.status !== example.admin) wrong.push(`${route}: ${answer.status} ${answer.text}`);
  }
  expect(wrong).toEqual([]);
});
