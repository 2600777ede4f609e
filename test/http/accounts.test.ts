import { expect, test } from 'vitest';
import type { AccountReport } from '../../src/http/schemas/reports.ts';
import { startVillages, withKey } from './stage.ts';

/** 科目余额: what an accountant compares with the till, the bank and the books of the county. */

const { gateway, mine, theirs } = await startVillages();

type People = typeof mine;
const book = async (people: People, path: string, body: object): Promise<string> => {
  const answer = await people.clerk.post<{ id: string }>(`/households/${people.household.id}${path}`, body, withKey());
  expect([200, 201], path).toContain(answer.status);
  return answer.body.id;
};

const report = async (people: People, from: number, to: number, more = ''): Promise<AccountReport> => {
  const span = `from=${new Date(from).toISOString()}&to=${new Date(to).toISOString()}`;
  return (await people.clerk.get<AccountReport>(`/reports/accounts?${span}${more}`)).body;
};

/** `kind: opening +debits -credits = closing`, in fen. */
const linesOf = ({ items }: AccountReport): string[] =>
  items.map((one) => `${one.kind}: ${one.openingFen} +${one.debitFen} -${one.creditFen} = ${one.closingFen}`);

const nextMs = async (): Promise<number> => {
  const began = Date.now();
  while (Date.now() === began) await new Promise((resolve) => setImmediate(resolve));
  return Date.now();
};

test('opening, debits, credits and closing are those of the time, whichever time is asked for', async () => {
  const began = Date.now();
  await book(mine, '/payments', { amountFen: 10_000, method: 'cash', reference: 'a-1' });
  await book(mine, '/deposit/receive', { method: 'transfer', reference: 'a-2' });
  const middle = await nextMs();
  const wrong = await book(mine, '/payments', { amountFen: 700, method: 'cash', reference: 'a-3' });
  await book(mine, `/payments/${wrong}/reverse`, { reason: 'typed twice' });
  await book(mine, '/payments', { amountFen: 300, method: 'cash', reference: 'a-5' });
  await book(theirs, '/payments', { amountFen: 55, method: 'cash', reference: 'a-4' });
  const ended = await nextMs();

  const first = await report(mine, began, middle);
  expect(linesOf(first)).toEqual([
    'cash: 0 +10000 -0 = 10000',
    'bank: 0 +100000 -0 = 100000',
    'heating: 0 +0 -10000 = 10000',
    'deposit: 0 +0 -100000 = 100000',
  ]);
  const second = await report(mine, middle, ended);
  expect(linesOf(second)).toEqual([
    'cash: 10000 +1000 -700 = 10300',
    'bank: 100000 +0 -0 = 100000',
    'heating: 10000 +700 -1000 = 10300',
    'deposit: 100000 +0 -0 = 100000',
  ]);
  const whole = await report(mine, Date.parse('2020-01-01T00:00:00Z'), Date.parse('2099-01-01T00:00:00Z'));
  expect(whole.items.map(({ openingFen }) => openingFen)).toEqual([0, 0, 0, 0]);
  expect(whole.items.map(({ closingFen }) => closingFen)).toEqual(second.items.map(({ closingFen }) => closingFen));
  for (const { total } of [first, second, whole]) expect(total.debitFen).toBe(total.creditFen);
  expect(first.items.map(({ kind, side }) => [kind, side])).toEqual([
    ['cash', 'debit'],
    ['bank', 'debit'],
    ['heating', 'credit'],
    ['deposit', 'credit'],
  ]);
});

test('a company sees its own books only, an admin those of one or all, and the file has the names that people use', async () => {
  const span = 'from=2020-01-01T00:00:00Z&to=2099-01-01T00:00:00Z';
  const companies = async (api: typeof mine.clerk, more = '') => {
    const { body } = await api.get<AccountReport>(`/reports/accounts?${span}${more}`);
    return [...new Set(body.items.map(({ companyId }) => companyId))].sort();
  };
  const both = [mine.company.id, theirs.company.id].sort();
  expect(await companies(mine.clerk)).toEqual([mine.company.id]);
  expect(await companies(mine.clerk, `&companyId=${theirs.company.id}`)).toEqual([]);
  expect(await companies(gateway.admin)).toEqual(both);
  expect(await companies(gateway.admin, `&companyId=${theirs.company.id}`)).toEqual([theirs.company.id]);
  expect((await mine.operator.get(`/reports/accounts?${span}`)).status).toBe(403);
  expect((await mine.clerk.get('/reports/accounts?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z')).status).toBe(
    400,
  );

  const file = await fetch(`${gateway.origin}/api/v1/reports/accounts?${span}&format=csv`, {
    headers: { authorization: `Bearer ${mine.clerk.token}` },
  });
  const rows = (await file.text()).trim().split('\r\n');
  expect(rows[0]).toBe('企业,科目,方向,期初余额（元）,本期借方（元）,本期贷方（元）,期末余额（元）');
  expect(rows[1]).toBe(`${mine.company.name},现金,借,0.00,110.00,7.00,103.00`);
  expect(rows.at(-1)).toBe('合计,,,,1117.00,1117.00,');
});
