import { inflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { Payment } from '../../src/http/schemas/billing.ts';
import type { Household } from '../../src/http/schemas/people.ts';
import type { Takings } from '../../src/http/schemas/reports.ts';
import { dayOf, startOfDay } from '../../src/lib/calendar.ts';
import { csvOfSheet } from '../../src/reports/csv.ts';
import type { Cell } from '../../src/reports/sheet.ts';
import { xlsxOfSheet } from '../../src/reports/xlsx.ts';
import { type Page, send, startVillages, withKey } from './stage.ts';

const { gateway, mine, theirs } = await startVillages();
const everything = 'from=2020-01-01T00:00:00Z&to=2099-01-01T00:00:00Z';

async function* rowsOf(rows: Cell[][]): AsyncGenerator<Cell[]> {
  yield* rows;
}

async function all<T>(parts: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const part of parts) found.push(part);
  return found;
}

/** Read by the ZIP's own list, as a spreadsheet does, and not by the code that wrote it. */
function filesOf(zip: Buffer): Map<string, string> {
  const files = new Map<string, string>();
  const end = zip.length - 22;
  expect(zip.readUInt32LE(end)).toBe(0x06054b50);
  let at = zip.readUInt32LE(end + 16);
  for (let n = zip.readUInt16LE(end + 10); n > 0; n -= 1) {
    expect(zip.readUInt32LE(at)).toBe(0x02014b50);
    const [packed, size] = [zip.readUInt32LE(at + 20), zip.readUInt32LE(at + 24)];
    const nameLength = zip.readUInt16LE(at + 28);
    const local = zip.readUInt32LE(at + 42);
    expect(zip.readUInt32LE(local)).toBe(0x04034b50);
    const start = local + 30 + zip.readUInt16LE(local + 26);
    const content = inflateRawSync(zip.subarray(start, start + packed));
    expect(content.length).toBe(size);
    files.set(zip.toString('utf8', at + 46, at + 46 + nameLength), content.toString());
    at += 46 + nameLength;
  }
  expect(at).toBe(end);
  return files;
}

/** Texts and numbers, row by row. */
const cellsOf = (sheet: string): string[][] =>
  [...sheet.matchAll(/<row>(.*?)<\/row>/gs)].map(([, row = '']) =>
    [...row.matchAll(/<c\/>|<c[^>]*>(?:<v>(.*?)<\/v>|<is><t[^>]*>(.*?)<\/t><\/is>)<\/c>/gs)].map(
      ([, number, text]) => number ?? text ?? '',
    ),
  );

async function bytesOf(path: string): Promise<Buffer> {
  const response = await fetch(`${gateway.origin}/api/v1${path}`, {
    headers: { authorization: `Bearer ${mine.clerk.token}` },
  });
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}

test('a text that a spreadsheet would take for a formula stays a text', async () => {
  const sheet = {
    titles: ['a'],
    rows: rowsOf([['=cmd|x'], ['+1'], ['-1'], ['@x'], ['＝1'], ['a,"b"\n<&>'], [-1_234n]]),
  };
  const csv = (await all(csvOfSheet(sheet))).join('');
  expect(csv).toBe('\uFEFFa\r\n\'=cmd|x\r\n\'+1\r\n\'-1\r\n\'@x\r\n\'＝1\r\n"a,""b""\n<&>"\r\n-12.34\r\n');
  const again = { titles: ['a'], rows: rowsOf([['=cmd|x'], ['<&>\u0007'], [5n]]) };
  const files = filesOf(Buffer.concat(await all(xlsxOfSheet(again))));
  const text = files.get('xl/worksheets/sheet1.xml') ?? '';
  expect(text).not.toContain('<f>');
  expect(cellsOf(text)).toEqual([['a'], ['=cmd|x'], ['&lt;&amp;&gt;'], ['0.05']]);
});

test('a file of 100,000 rows comes whole, a part at a time', async () => {
  async function* many(): AsyncGenerator<Cell[]> {
    for (let n = 0; n < 100_000; n += 1) yield [`T${n}`, '张三', BigInt(n)];
  }
  const parts = await all(xlsxOfSheet({ titles: ['户号', '住户', '欠费'], rows: many() }));
  expect(Math.max(...parts.map(({ length }) => length))).toBeLessThan(1_000_000);
  const rows = cellsOf(filesOf(Buffer.concat(parts)).get('xl/worksheets/sheet1.xml') ?? '');
  expect(rows).toHaveLength(100_001);
  expect(rows.at(-1)).toEqual(['T99999', '张三', '999.99']);
});

test('takings are by method and clerk, what was given back is told, and both files hold what the page shows', async () => {
  const pay = async (people: typeof mine, amountFen: number, method: string, reference: string) =>
    (
      await people.clerk.post<Payment>(
        `/households/${people.household.id}/payments`,
        { amountFen, method, reference },
        withKey(),
      )
    ).body;
  const wrong = await pay(mine, 10_000, 'cash', 'r-1');
  await pay(mine, 2_550, 'cash', 'r-2');
  await pay(mine, 99, 'transfer', 'r-3');
  await pay(theirs, 7_777, 'cash', 'r-4');
  await mine.clerk.post(
    `/households/${mine.household.id}/payments/${wrong.id}/reverse`,
    { reason: 'wrong' },
    withKey(),
  );
  const { body } = await mine.clerk.get<Takings>(`/reports/takings?${everything}`);
  expect(body.total).toEqual({ count: 3, amountFen: 12_649, givenBackCount: 1, givenBackFen: 10_000 });
  expect(body.items).toMatchObject([
    { method: 'cash', count: 2, amountFen: 12_550, givenBackCount: 1, givenBackFen: 10_000 },
    { method: 'transfer', count: 1, amountFen: 99, givenBackCount: 0, givenBackFen: 0 },
  ]);
  const csv = (await bytesOf(`/reports/takings?${everything}&format=csv`)).toString();
  const lines = csv.replace('\uFEFF', '').trim().split('\r\n');
  expect(csv.startsWith('\uFEFF')).toBe(true);
  expect(lines[0]).toBe('企业,经办人,方式,收款笔数,收款（元）,退款笔数,退款（元）,净额（元）');
  expect(lines.at(-1)).toBe('合计,,,3,126.49,1,100.00,26.49');
  const files = filesOf(await bytesOf(`/reports/takings?${everything}&format=xlsx`));
  expect(cellsOf(files.get('xl/worksheets/sheet1.xml') ?? '')).toEqual(lines.map((line) => line.split(',')));
  const { body: both } = await gateway.admin.get<Takings>(`/reports/takings?${everything}`);
  expect(both.total.amountFen).toBe(12_649 + 7_777);
});

test('who owes is given out as a file with the filters of the page', async () => {
  await mine.clerk.post(
    `/households/${mine.household.id}/adjustments`,
    { amountFen: -50_000, reason: 'debt' },
    withKey(),
  );
  const csv = (await bytesOf('/reports/arrears?format=csv')).toString();
  expect(csv).toContain(`${mine.household.accountNo},${mine.household.name},${mine.household.areaCode},473.51,`);
  const elsewhere = (await bytesOf(`/reports/arrears?format=csv&areaCode=${theirs.household.areaCode}`)).toString();
  expect(elsewhere.trim().split('\r\n')).toHaveLength(1);
  const { status } = await send(gateway.origin, 'GET', '/api/v1/reports/arrears?format=pdf', {
    headers: { authorization: `Bearer ${mine.clerk.token}` },
  });
  expect(status).toBe(400);
});

const csvOf = async (path: string) =>
  (await bytesOf(`${path}${path.includes('?') ? '&' : '?'}format=csv`))
    .toString()
    .replace('\uFEFF', '')
    .trim()
    .split('\r\n');

test('takings are by area and by day too, and the filters hold for what was given back as well', async () => {
  const of = async (query: string) =>
    (await gateway.admin.get<Takings>(`/reports/takings?${everything}&${query}`)).body;
  const areas = (await of('by=area&method=cash')).items.map(({ areaCode, amountFen }) => [areaCode, amountFen]);
  expect(areas.sort()).toEqual(
    [
      [mine.household.areaCode, 12_550],
      [theirs.household.areaCode, 7_777],
    ].sort(),
  );
  const today = dayOf(Date.now());
  const days = await of(`by=day&companyId=${mine.company.id}`);
  expect(days.items.map(({ date, method, receivedBy }) => [date, method, receivedBy])).toEqual([
    [today, 'cash', null],
    [today, 'transfer', null],
  ]);
  const [cash] = (await of(`companyId=${mine.company.id}`)).items;
  const clerk = cash?.receivedBy ?? '';
  expect((await of(`receivedBy=${clerk}`)).total).toMatchObject({ count: 3, givenBackCount: 1 });
  expect((await of('receivedBy=nobody')).items).toEqual([]);
  expect((await of('method=wechat')).total).toEqual({ count: 0, amountFen: 0, givenBackCount: 0, givenBackFen: 0 });
  // Midnight is Shanghai's, and the end is not in it.
  const start = startOfDay(today);
  expect(
    (await gateway.admin.get<Takings>(`/reports/takings?from=${start - 86_400_000}&to=${start}`)).body.items,
  ).toEqual([]);
  for (const wrong of [`from=${start}&to=${start}`, 'by=year', 'lang=fr', 'method=']) {
    const query = wrong.startsWith('from') ? wrong : `${everything}&${wrong}`;
    expect((await gateway.admin.get(`/reports/takings?${query}`)).status, wrong).toBe(400);
  }
});

test('a deposit that is given back out of the till makes the takings less', async () => {
  const { household, clerk } = mine;
  const before = (await clerk.get<Takings>(`/reports/takings?${everything}&method=cash`)).body.total;
  await clerk.post(
    `/households/${household.id}/adjustments`,
    { amountFen: 50_000, reason: 'nothing is owed' },
    withKey(),
  );
  const cash = { method: 'cash', reference: 'd-1' };
  await clerk.post(`/households/${household.id}/deposit/receive`, { ...cash, amountFen: 30_000 }, withKey());
  await clerk.post(
    `/households/${household.id}/deposit/refund`,
    { ...cash, amountFen: 20_000, reason: 'moves out' },
    withKey(),
  );
  const { total } = (await clerk.get<Takings>(`/reports/takings?${everything}&method=cash`)).body;
  expect(total.amountFen - before.amountFen).toBe(30_000);
  expect([total.givenBackCount - before.givenBackCount, total.givenBackFen - before.givenBackFen]).toEqual([1, 20_000]);
  expect((await clerk.get<Takings>(`/reports/takings?${everything}&method=transfer`)).body.total.givenBackFen).toBe(0);
});

test('every file has its headings in one language, its amounts in yuan, and rows of nobody else', async () => {
  const { name } = (
    await mine.clerk.post<Household>('/households', {
      accountNo: 'F-1',
      name: '=HYPERLINK("http://x","y")',
      areaCode: mine.household.areaCode,
      companyId: mine.company.id,
    })
  ).body;
  const { body } = await mine.clerk.get<Page<Household>>(`/households?search=F-1`);
  const id = body.items[0]?.id ?? '';
  await mine.clerk.post(`/households/${id}/adjustments`, { amountFen: -1_234, reason: 'debt' }, withKey());
  await mine.clerk.post(`/households/${id}/notices`, { step: 'final_notice' });
  const arrears = await csvOf('/reports/arrears?lang=en');
  expect(arrears[0]).toBe('Account no.,Household,Area code,Owed (yuan),Told');
  expect(arrears).toContain(`F-1,"'${name.replaceAll('"', '""')}",${mine.household.areaCode},12.34,Final notice`);
  const proposals = await csvOf('/reports/proposals?lang=en&state=open');
  expect(proposals[1]).toMatch(/^F-1,.*,Switch off,Final notice,12\.34,-12\.34,/);
  expect(await csvOf('/reports/proposals?state=dismissed')).toHaveLength(1);
  expect((await csvOf(`/reports/deposits?${everything}`))[0]).toMatch(/^企业,县（代码）,期初（元）,/);
  const deposits = await csvOf(`/reports/deposits?${everything}&lang=en`);
  expect(deposits[1]).toBe(`${mine.company.name},141023,0.00,300.00,0.00,200.00,0.00,100.00`);
  expect((await csvOf('/reports/differences'))[0]).toMatch(/^日期,支付渠道,差异/);
  expect(await csvOf('/reports/payment-notifications?state=held')).toHaveLength(1);
  for (const lines of [arrears, proposals, deposits]) {
    expect(lines.join()).not.toContain(theirs.household.accountNo);
    expect(lines.join()).not.toContain(theirs.company.name);
  }
  const cells = filesOf(await bytesOf('/reports/arrears?format=xlsx')).get('xl/worksheets/sheet1.xml') ?? '';
  expect(cells).toContain('<c s="1"><v>12.34</v></c>');
  expect(cells).not.toContain('<f>');
  expect((await mine.clerk.get('/reports/reconciliations?format=csv')).status).toBe(403);
});
