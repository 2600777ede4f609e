import { inflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { Payment } from '../../src/http/schemas/billing.ts';
import type { Takings } from '../../src/http/schemas/reports.ts';
import { csvOfSheet } from '../../src/reports/csv.ts';
import type { Cell } from '../../src/reports/sheet.ts';
import { xlsxOfSheet } from '../../src/reports/xlsx.ts';
import { send, startVillages, withKey } from './stage.ts';

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
  const sheet = { titles: ['a'], rows: rowsOf([['=cmd|x'], ['+1'], ['-1'], ['@x'], ['a,"b"\n<&>'], [-1_234n]]) };
  const csv = (await all(csvOfSheet(sheet))).join('');
  expect(csv).toBe('\uFEFFa\r\n\'=cmd|x\r\n\'+1\r\n\'-1\r\n\'@x\r\n"a,""b""\n<&>"\r\n-12.34\r\n');
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
  expect(lines.at(-1)).toBe('合计 Total,,,3,126.49,1,100.00,26.49');
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
