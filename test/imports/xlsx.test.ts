import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SheetTrouble } from '../../src/imports/errors.ts';
import { readSheet } from '../../src/imports/sheet.ts';
import { sheetFen } from '../../src/imports/values.ts';
import { xlsxOfSheet } from '../../src/reports/xlsx.ts';
import { zipOf } from '../../src/reports/zip.ts';
import { tempFolder } from '../helpers/temp.ts';

/**
 * Workbooks as rows. `openpyxl.xlsx` was written by openpyxl 3.0.9; what other programs write, and what none should, is made by hand here after
 * ECMA-376.
 */

const NAMES = ['户号', '户名', '区域代码', '地址', '重点照护', '执行日期', '期初余额', '押金'] as const;
const layout = { columns: Object.fromEntries(NAMES.map((name, n) => [`c${n}`, [name]])), required: ['c0'] };

async function read(file: string, mostBytes = 1_000_000) {
  const rows: [number, Record<string, string | undefined>][] = [];
  const errors: unknown[] = [];
  for await (const part of readSheet(file, layout, { signal: new AbortController().signal, mostBytes })) {
    rows.push(...part.rows.map(({ row, cells }): [number, typeof cells] => [row, cells]));
    errors.push(...part.errors);
  }
  return { rows, errors };
}

async function bytesOf(chunks: AsyncIterable<Buffer> | Buffer[]): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

async function readBytes(chunks: AsyncIterable<Buffer> | Buffer[], mostBytes?: number) {
  await using folder = await tempFolder();
  const file = join(folder.path, 'f');
  await writeFile(file, await bytesOf(chunks));
  return await read(file, mostBytes);
}

const troubleOf = (reading: Promise<unknown>) =>
  reading.then(
    () => undefined,
    (error: unknown) => (error instanceof SheetTrouble ? error.code : error),
  );

/** A workbook of one sheet; `parts` replaces or adds files. */
const workbook = (sheetData: string, parts: Record<string, string> = {}) => {
  const files: Record<string, string> = {
    'xl/workbook.xml': '<workbook xmlns:r="r"><sheets><sheet name="S" r:id="rId1"/></sheets></workbook>',
    'xl/_rels/workbook.xml.rels':
      '<Relationships><Relationship Id="rId1" Type="t/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="t/sharedStrings" Target="/xl/sharedStrings.xml"/></Relationships>',
    'xl/worksheets/sheet1.xml': `<worksheet><sheetData>${sheetData}</sheetData></worksheet>`,
    ...parts,
  };
  return zipOf(Object.entries(files).map(([name, text]) => ({ name, content: [text] })));
};
const HEAD = '<row r="1"><c t="inlineStr"><is><t>户号</t></is></c><c t="inlineStr"><is><t>户名</t></is></c></row>';

test('a workbook of openpyxl gives texts, numbers, days and truths as they are shown, of the sheet that is shown first', async () => {
  expect(await read(join(import.meta.dirname, 'openpyxl.xlsx'))).toEqual({
    errors: [],
    rows: [
      [
        2,
        {
          ...{ c0: '10001', c1: '张三 & <李四>', c2: '141023105201', c3: '一组 "3" 号', c4: 'TRUE' },
          ...{ c5: '2026-11-01', c6: '-120.5', c7: '1000' },
        },
      ],
      [3, { c0: 'A-2', c1: '王五', c2: '141023105201', c4: 'FALSE', c5: '2026-01-05 08:30:00', c6: '0.3' }],
      [5, { c0: 'A-3', c1: '赵六', c2: '141023105201', c4: '是', c5: '2026/1/5', c7: '1234567.89' }],
    ],
  });
});

test('what the gateway itself exports is read back', async () => {
  async function* rowsOf(): AsyncGenerator<(string | number | bigint | null)[]> {
    yield ['1', '甲<&>"', '=SUM(A1)'];
    yield [2, 5n, null];
  }
  const { rows } = await readBytes(xlsxOfSheet({ titles: [...NAMES.slice(0, 3)], rows: rowsOf() }));
  expect(rows).toEqual([
    [2, { c0: '1', c1: '甲<&>"', c2: '=SUM(A1)' }],
    [3, { c0: '2', c1: '0.05' }],
  ]);
});

test.each([
  [
    'a text in parts, without how it is spoken',
    '<c t="inlineStr"><is><r><t>张</t></r><r><t>三</t></r><rPh><t>zhang</t></rPh></is></c>',
    '张三',
  ],
  ['a formula’s text', '<c t="str"><f>A1</f><v>甲</v></c>', '甲'],
  ['a formula’s number', '<c><f>A1*3</f><v>0.30000000000000004</v></c>', '0.3'],
  ['a long number', '<c><v>1.41023105201E+11</v></c>', '141023105201'],
  ['a letter that XML has no place for', '<c t="inlineStr"><is><t>a_x000A_b</t></is></c>', 'a\nb'],
  [
    'letters by number, and marked text',
    '<c t="inlineStr"><is><t>&#24352;&#x4e09;<![CDATA[<&>]]></t></is></c>',
    '张三<&>',
  ],
  ['another prefix', '<x:c r="A2" t="inlineStr"><x:is><x:t>甲</x:t></x:is></x:c>', '甲'],
  ['a text that cells share', '<c t="s"><v>1</v></c>', '乙'],
])('%s is what it says', async (_what, cell, text) => {
  const shared = { 'xl/sharedStrings.xml': '<sst><si><t>甲</t></si><si><r><t>乙</t></r></si></sst>' };
  const { rows } = await readBytes(workbook(`${HEAD}<row r="2">${cell}</row>`, shared));
  expect(rows).toEqual([[2, { c0: text }]]);
});

test('cells stand where they say, in rows that may be left out', async () => {
  const { rows } = await readBytes(workbook(`${HEAD}<row r="7"><c r="B7"><v>1</v></c></row><row r="9"/>`));
  expect(rows).toEqual([[7, { c1: '1' }]]);
});

test('days counted from 1904 are the same days', async () => {
  const parts = {
    'xl/workbook.xml':
      '<workbook xmlns:r="r"><workbookPr date1904="1"/><sheets><sheet name="S" r:id="rId1"/></sheets></workbook>',
    'xl/styles.xml':
      '<styleSheet><cellStyleXfs><xf numFmtId="0"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>',
    'xl/_rels/workbook.xml.rels':
      '<Relationships><Relationship Id="rId1" Type="t/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId3" Type="t/styles" Target="styles.xml"/></Relationships>',
  };
  const { rows } = await readBytes(
    workbook(`${HEAD}<row r="2"><c s="1"><v>44865</v></c><c s="0"><v>44865</v></c></row>`, parts),
  );
  expect(rows).toEqual([[2, { c0: '2026-11-01', c1: '44865' }]]);
});

test('a formula that failed is an error of its row and column', async () => {
  const { errors } = await readBytes(workbook(`${HEAD}<row r="2"><c t="e"><v>#N/A</v></c></row>`));
  expect(errors).toEqual([{ row: 2, column: 'c0', code: 'cell_error', value: '#N/A' }]);
});

test('what is no workbook says what it is', async () => {
  const ole = Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(2_000)]);
  const locked = Buffer.concat([ole, Buffer.from('EncryptedPackage', 'utf16le')]);
  expect(await troubleOf(readBytes([ole]))).toBe('old_excel');
  expect(await troubleOf(readBytes([locked]))).toBe('locked_file');
  const whole = await bytesOf(workbook(HEAD));
  expect(await troubleOf(readBytes([whole.subarray(0, whole.length / 2)]))).toBe('bad_xlsx');
  expect(await troubleOf(readBytes(zipOf([{ name: 'word/document.xml', content: ['<x/>'] }])))).toBe('bad_xlsx');
  expect(await troubleOf(readBytes(workbook(`${HEAD}<row r="2"><c t="s"><v>4</v></c></row>`)))).toBe('bad_xlsx');
  expect(await troubleOf(readBytes(workbook(`${HEAD}<row r="2"><c><v>1`)))).toBe('bad_xlsx');
});

test('what would take too much room or time is refused', async () => {
  const bomb = workbook(HEAD + `<row><c><v>${' '.repeat(1_000)}</v></c></row>`.repeat(2_000));
  expect(await troubleOf(readBytes(bomb, 10_000))).toBe('bad_xlsx');
  expect(await troubleOf(readBytes(workbook(`${HEAD}<row r="2"><c r="ZZZ2"><v>1</v></c></row>`)))).toBe('bad_xlsx');
  const type = '<!DOCTYPE x [<!ENTITY a "b">]>';
  const entity = { 'xl/worksheets/sheet1.xml': `${type}<worksheet/>` };
  expect(await troubleOf(readBytes(workbook('', entity)))).toBe('bad_xlsx');
  const long = `<row r="2"><c t="inlineStr"><is><t>${'x'.repeat(10_001)}</t></is></c></row>`;
  expect(await troubleOf(readBytes(workbook(HEAD + long)))).toBe('bad_xlsx');
});

test('whatever happens to a workbook on its way, it is read or refused', async () => {
  const whole = await bytesOf(workbook(`${HEAD}<row r="2"><c><v>1</v></c></row>`));
  const change = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }));
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
      const file = Buffer.from(whole);
      for (const [at, byte] of changes) file[at] = byte;
      const trouble = await troubleOf(readBytes([file]));
      expect(trouble === undefined || typeof trouble === 'string').toBe(true);
    }),
    { numRuns: 150 },
  );
});

test.each([
  ['0', 0n],
  ['-120.5', -12_050n],
  ['1,234.56', 123_456n],
  ['999999999.99', 99_999_999_999n],
  ['-0', undefined],
  ['1.234', undefined],
  ['1,23', undefined],
  ['+1', undefined],
  ['', undefined],
  ['一千', undefined],
])('“%s” yuan are %s fen', (text, fen) => expect(sheetFen(text)).toBe(fen));
