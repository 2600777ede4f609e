import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import type { Account, LedgerEntry } from '../../src/http/schemas/billing.ts';
import type { Household } from '../../src/http/schemas/people.ts';
import type { FileImport, ImportError } from '../../src/http/schemas/provisioning.ts';
import { VILLAGE } from '../helpers/gateway.ts';
import { finished, type Importer, upload } from '../helpers/imports.ts';
import { type Page, startVillages, withKey } from './stage.ts';

/** Households and what they begin with from a file, as a heating company brings them. */

let names = 0;

const { gateway, mine, theirs } = await startVillages({
  overrides: { provisioning: { importRows: 1_000, importBytes: 300_000 } },
});

const HEAD = 'accountNo,name,areaCode';
const newNo = () => `N${++names}`;
const by = (token = mine.clerk.token): Importer => ({ origin: gateway.origin, token });
const bring = async (file: string | Uint8Array<ArrayBuffer>, query = '', who = by()) =>
  finished(who, (await upload(who, file, query, 'households')).body);
const errorsOf = async ({ id }: FileImport, api = mine.clerk) =>
  (await api.get<Page<ImportError>>(`/imports/${id}/errors`)).body.items.map(({ row, column, code }) => [
    row,
    column,
    code,
  ]);
const find = async (accountNo: string) =>
  (await gateway.admin.get<Page<Household>>(`/households?search=${accountNo}`)).body.items.find(
    (one) => one.accountNo === accountNo,
  );
const accountOf = async (accountNo: string) =>
  (await gateway.admin.get<Account>(`/households/${(await find(accountNo))?.id}/account`)).body;

describe('a file that is well', () => {
  test('makes households with all that it says of them, and books what each begins with', async () => {
    const [owes, has] = [newNo(), newNo()];
    const done = await bring(
      `户号,户名,区域代码,地址,电话,重点照护,期初余额,押金,补贴余额\n${owes},王五,${VILLAGE},一组 3 号,138,是,-120.5,1000,\n${has},赵六,${VILLAGE},,,,"1,234.56",,80.00\n`,
      '?fileName=%E6%88%B7.csv',
    );
    expect(done).toMatchObject({
      ...{ kind: 'households', state: 'done', progress: 1, rows: 2, created: 2, unchanged: 0, booked: 2 },
      ...{ credentialsUntil: null, fileName: '户.csv' },
    });
    expect(await find(owes)).toMatchObject({
      ...{ name: '王五', areaCode: VILLAGE, address: '一组 3 号', phone: '138', vulnerable: true },
      companyId: mine.company.id,
    });
    expect(await accountOf(owes)).toMatchObject({ balanceFen: -12_050, depositFen: 100_000 });
    expect(await accountOf(has)).toMatchObject({ balanceFen: 123_456, subsidyFen: 8_000 });
    const { body } = await mine.clerk.get<Page<LedgerEntry>>(`/households/${(await find(owes))?.id}/ledger`);
    expect(body.items).toMatchObject([
      { kind: 'opening', amountFen: -12_050, balanceFen: -12_050, reference: done.id },
    ]);
  });

  test('may be in GB18030, as Excel saves it in China, with names that only that has besides UTF-8', async () => {
    const no = newNo();
    const text = `户号,户名,区域代码,地址,期初余额\n${no},㛃𠀋朋,${VILLAGE},曲沃县史村镇,-8.05\n`;
    const done = await bring(execFileSync('iconv', ['-f', 'UTF-8', '-t', 'GB18030'], { input: text }));
    expect(done).toMatchObject({ state: 'done', created: 1, booked: 1 });
    expect(await find(no)).toMatchObject({ name: '㛃𠀋朋', address: '曲沃县史村镇' });
    expect(await accountOf(no)).toMatchObject({ balanceFen: -805 });
  });

  test('gives the terms that it names, by their names or titles', async () => {
    const { body } = await mine.clerk.get<{ items: { tariff: string; title: { zh: string } }[] }>('/tariffs');
    const [one, other] = body.items;
    const [a, b] = [newNo(), newNo()];
    const file = `${HEAD},tariff,mode,since\n${a},甲,${VILLAGE},${one?.tariff},prepaid,2026/1/5\n${b},乙,${VILLAGE},${other?.title.zh},后付费,\n`;
    expect(await bring(file)).toMatchObject({ state: 'done', created: 2, booked: 0 });
    const id = (await find(a))?.id;
    const tariffs = await mine.clerk.get<{ items: unknown[] }>(`/households/${id}/tariff`);
    expect(tariffs.body.items).toMatchObject([
      { tariff: one?.tariff, since: '2026-01-05', setBy: expect.stringMatching(/^company-/) },
    ]);
    const mode = await mine.clerk.get(`/households/${id}/billing-mode`);
    expect(mode.body).toMatchObject({ mode: 'prepaid', since: '2026-01-05' });
    expect(await bring(file)).toMatchObject({ state: 'done', created: 0, unchanged: 2 });
  });

  test('brought again changes nothing and books nothing twice', async () => {
    const no = newNo();
    const file = `${HEAD},heatingBalance\n${no},甲,${VILLAGE},50\n`;
    await bring(file);
    expect(await bring(file)).toMatchObject({ state: 'done', created: 0, unchanged: 1, booked: 0 });
    expect((await accountOf(no)).balanceFen).toBe(5_000);
    expect(await bring(`${HEAD}\n${no},甲,${VILLAGE}\n`)).toMatchObject({ state: 'done', unchanged: 1 });
  });

  test('in a dry run makes and books nothing', async () => {
    const no = newNo();
    const done = await bring(`${HEAD},deposit\n${no},甲,${VILLAGE},50\n`, '?dryRun=true');
    expect(done).toMatchObject({ state: 'done', dryRun: true, created: 1, booked: 1 });
    expect(await find(no)).toBeUndefined();
  });

  test('brings what a household begins with that was registered before', async () => {
    const no = newNo();
    await bring(`${HEAD}\n${no},甲,${VILLAGE}\n`);
    const done = await bring(`${HEAD},heatingBalance\n${no},甲,${VILLAGE},-3\n`);
    expect(done).toMatchObject({ state: 'done', created: 0, unchanged: 0, booked: 1 });
    expect((await accountOf(no)).balanceFen).toBe(-300);
  });

  test('of an admin names the company of each household', async () => {
    const [a, b] = [newNo(), newNo()];
    const file = `${HEAD},企业\n${a},甲,${VILLAGE},${mine.company.name}\n${b},乙,${VILLAGE},${theirs.company.id}\n`;
    expect(await bring(file, '', by(gateway.admin.token))).toMatchObject({ state: 'done', created: 2 });
    expect([(await find(a))?.companyId, (await find(b))?.companyId]).toEqual([mine.company.id, theirs.company.id]);
    const none = await bring(`${HEAD}\n${newNo()},甲,${VILLAGE}\n`, '', by(gateway.admin.token));
    expect(await errorsOf(none, gateway.admin)).toEqual([[2, 'company', 'missing']]);
  });

  test('is in the audit, with who brought it and what came of it', async () => {
    const no = newNo();
    const { id } = await bring(`${HEAD}\n${no},甲,${VILLAGE}\n`, '?fileName=a.csv');
    const { body } = await gateway.admin.get<Page<{ subject: string }>>('/audit?action=import_finished');
    expect(body.items.find(({ subject }) => subject === id)).toMatchObject({
      actor: expect.stringMatching(/^company-/),
      detail: { kind: 'households', fileName: 'a.csv', rowCount: 1, created: 1, unchanged: 0, booked: 0 },
    });
  });
});

describe('a file with errors', () => {
  const head = `${HEAD},address,phone,vulnerable,company,tariff,mode,since,heatingBalance,deposit,subsidy`;
  test.each([
    ['nothing but a phone', ',,,,1', ['accountNo', 'missing'], ['name', 'missing'], ['areaCode', 'missing']],
    ['an account number with a blank', `a b,甲,${VILLAGE}`, ['accountNo', 'bad_account']],
    ['a name of 101 letters', `x,${'甲'.repeat(101)},${VILLAGE}`, ['name', 'too_long']],
    ['an area that does not exist', 'x,甲,999999', ['areaCode', 'unknown_area']],
    ['neither yes nor no', `x,甲,${VILLAGE},,,maybe`, ['vulnerable', 'bad_flag']],
    ['a company that does not exist', `x,甲,${VILLAGE},,,,nobody`, ['company', 'unknown_company']],
    ['a tariff that does not exist', `x,甲,${VILLAGE},,,,,free`, ['tariff', 'unknown_tariff']],
    ['a mode that does not exist', `x,甲,${VILLAGE},,,,,,credit`, ['mode', 'bad_mode']],
    ['a day that does not exist', `x,甲,${VILLAGE},,,,,,,2026-02-30`, ['since', 'bad_day']],
    ['three decimals', `x,甲,${VILLAGE},,,,,,,,1.234`, ['heatingBalance', 'bad_amount']],
    ['an amount in words', `x,甲,${VILLAGE},,,,,,,,一千`, ['heatingBalance', 'bad_amount']],
    ['less than nothing that is nothing', `x,甲,${VILLAGE},,,,,,,,-0`, ['heatingBalance', 'bad_amount']],
    ['an amount with an exponent', `x,甲,${VILLAGE},,,,,,,,1e3`, ['heatingBalance', 'bad_amount']],
    ['commas in the wrong places', `x,甲,${VILLAGE},,,,,,,,"12,34"`, ['heatingBalance', 'bad_amount']],
    ['a deposit below zero', `x,甲,${VILLAGE},,,,,,,,,-1`, ['deposit', 'below_zero']],
    ['a subsidy below zero', `x,甲,${VILLAGE},,,,,,,,,,-0.01`, ['subsidy', 'below_zero']],
  ])('says row and column of %s, and imports nothing', async (_what, line, ...wrong) => {
    const good = newNo();
    const refused = await bring(`${head}\n${good},好,${VILLAGE}\n${line}\n`);
    expect(refused).toMatchObject({ state: 'refused', created: 0, booked: 0 });
    expect(await errorsOf(refused)).toEqual(wrong.map(([column, code]) => [3, column, code]));
    expect(await find(good)).toBeUndefined();
  });

  test('says which rows have an account number twice', async () => {
    const no = newNo();
    expect(await errorsOf(await bring(`${HEAD}\n${no},甲,${VILLAGE}\n${no},乙,${VILLAGE}\n`))).toEqual([
      [3, 'accountNo', 'duplicate_account'],
    ]);
  });

  test('says what differs from a household that is there, cell by cell', async () => {
    const no = newNo();
    await bring(`${HEAD},phone,heatingBalance\n${no},甲,${VILLAGE},1,5\n`);
    const refused = await bring(`${HEAD},phone,heatingBalance,deposit\n${no},乙,${VILLAGE},2,6,1\n`);
    expect(await errorsOf(refused)).toEqual([
      [2, 'name', 'differs'],
      [2, 'phone', 'differs'],
      [2, 'heatingBalance', 'differs'],
      [2, 'deposit', 'differs'],
    ]);
  });

  test('does not bring what a household begins with when it has paid already', async () => {
    const no = newNo();
    await bring(`${HEAD}\n${no},甲,${VILLAGE}\n`);
    const payment = { amountFen: 100, method: 'cash', reference: 'r' };
    const paid = await mine.clerk.post(`/households/${(await find(no))?.id}/payments`, payment, withKey());
    expect(paid.status).toBe(201);
    const refused = await bring(`${HEAD},deposit\n${no},甲,${VILLAGE},7\n`);
    expect(await errorsOf(refused)).toEqual([[2, 'deposit', 'has_entries']]);
  });

  test('of another company learns that a number is taken and nothing else, nor that the company exists', async () => {
    const refused = await bring(`${HEAD}\n${theirs.household.accountNo},甲,${VILLAGE}\n`);
    expect(await errorsOf(refused)).toEqual([[2, 'accountNo', 'account_taken']]);
    const named = await bring(`${HEAD},company\n${newNo()},甲,${VILLAGE},${theirs.company.name}\n`);
    expect(await errorsOf(named)).toEqual([[2, 'company', 'unknown_company']]);
  });

  test('names columns and a half row as what they are', async () => {
    expect(await errorsOf(await bring(`${HEAD},profile\nx,甲,${VILLAGE},y\n`))).toEqual([[1, null, 'unknown_column']]);
    expect(await errorsOf(await bring(`accountNo,name\nx,甲\n`))).toEqual([[1, null, 'missing_column']]);
    const half = await errorsOf(await bring(`${HEAD}\n${newNo()},甲,${VILLAGE}\n${newNo()},"乙`));
    expect(half).toEqual([[3, null, 'bad_csv']]);
  });
});

describe('the upload', () => {
  test('is for admins and companies only, of a size, and of a type', async () => {
    for (const { token } of [mine.operator, mine.resident]) {
      expect((await upload(by(token), `${HEAD}\n`, '', 'households')).status).toBe(403);
    }
    expect((await upload(by(), 'x'.repeat(300_001), '', 'households')).status).toBe(413);
    expect((await mine.clerk.post('/households/import', {})).status).toBe(415);
    expect((await upload(by(), HEAD, '?unclaimed=true', 'households')).status).toBe(400);
  });

  test('begins with a template that is itself a file of households', async () => {
    for (const lang of ['zh', 'en']) {
      const template = await fetch(`${gateway.origin}/api/v1/imports/template?kind=households&lang=${lang}`, {
        headers: { authorization: `Bearer ${mine.clerk.token}` },
      });
      const refused = await bring(await template.text());
      expect(await errorsOf(refused)).toEqual([
        [2, 'areaCode', 'unknown_area'],
        [3, 'areaCode', 'unknown_area'],
      ]);
    }
  });

  test('gives no credentials', async () => {
    const { id } = await bring(`${HEAD}\n${newNo()},甲,${VILLAGE}\n`);
    expect((await mine.clerk.post(`/imports/${id}/credentials`)).status).toBe(409);
  });
});
