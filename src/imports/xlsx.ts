import { openZip, type Zip } from '../lib/unzip.ts';
import { SheetTrouble } from './errors.ts';
import type { SheetReader } from './sheet.ts';
import { createCellReader } from './xlsx-cells.ts';
import { readStyles } from './xlsx-styles.ts';
import { readXml, xmlOf } from './zip-xml.ts';

/**
 * The rows of the first sheet that is shown of a workbook: ECMA-376 part 1, §18. Cells are what they show without their format, dates excepted.
 * The readers on npm hold the whole sheet in memory.
 */

/** Sheets are written in much less room than they take; what takes still more is not meant well. */
const PACKED_AT_MOST = 16;

interface Workbook {
  sheet: string;
  styles: string | undefined;
  strings: string | undefined;
  /** Its days are counted from 1904, not from 1900. */
  from1904: boolean;
}

async function readWorkbook(zip: Zip): Promise<Workbook> {
  const sheets: { relation: string; isHidden: boolean }[] = [];
  let from1904 = false;
  const nothing = () => undefined;
  await readXml(zip, 'xl/workbook.xml', {
    open(name, attribute) {
      if (name === 'sheet') {
        const state = attribute('state') ?? 'visible';
        sheets.push({ relation: attribute('id') ?? '', isHidden: state !== 'visible' });
      }
      if (name === 'workbookPr') from1904 = ['1', 'true'].includes(attribute('date1904') ?? '');
    },
    close: nothing,
    text: nothing,
  });
  const targets = new Map<string, string>();
  await readXml(zip, 'xl/_rels/workbook.xml.rels', {
    open(name, attribute) {
      if (name !== 'Relationship') return;
      const target = attribute('Target') ?? '';
      const path = target.startsWith('/') ? target.slice(1) : `xl/${target.replace(/^\.\//, '')}`;
      targets.set(attribute('Id') ?? '', path);
      targets.set((attribute('Type') ?? '').replace(/^.*\//, 'the '), path);
    },
    close: nothing,
    text: nothing,
  });
  const first = sheets.find(({ isHidden }) => !isHidden);
  const sheet = targets.get(first?.relation ?? '');
  if (sheet === undefined) throw new RangeError('a workbook without a sheet');
  const known = (path: string | undefined) => (path !== undefined && zip.has(path) ? path : undefined);
  const [styles, strings] = [known(targets.get('the styles')), known(targets.get('the sharedStrings'))];
  return { sheet, styles, strings, from1904 };
}

/** What many cells share is kept once. */
async function readStrings(zip: Zip, name: string, mostLetters: number): Promise<string[]> {
  const strings: string[] = [];
  let letters = 0;
  let text = '';
  let isText = false;
  let spoken = 0;
  await readXml(zip, name, {
    open(tag) {
      if (tag === 'si') text = '';
      // How it is spoken is not what it says.
      if (tag === 'rPh') spoken += 1;
      isText = tag === 't' && spoken === 0;
    },
    close(tag) {
      if (tag === 'rPh') spoken -= 1;
      isText = false;
      if (tag !== 'si') return;
      letters += text.length;
      if (letters > mostLetters) throw new RangeError('too much text');
      // A copy, so that it does not hold the whole part of the file that it was read from.
      strings.push(Buffer.from(text).toString());
    },
    text(more) {
      if (isText) text += more;
    },
  });
  return strings;
}

export const readXlsx: SheetReader = async function* (file, { signal, mostBytes }) {
  let row = 1;
  try {
    await using zip = await openZip(file, { mostBytes: mostBytes * PACKED_AT_MOST, signal });
    if (zip.encrypted) throw new SheetTrouble(1, 'locked_file', '');
    const { sheet, styles, strings, from1904 } = await readWorkbook(zip);
    const isDate = styles === undefined ? [] : await readStyles(zip, styles);
    const shared = strings === undefined ? [] : await readStrings(zip, strings, mostBytes);
    const cells = createCellReader({ isDate, shared, from1904 });
    for await (const bytesRead of xmlOf(zip, sheet, cells.events)) {
      for (const read of cells.take()) {
        row = read.row;
        yield { ...read, bytesRead };
      }
    }
  } catch (error) {
    const isBroken = error instanceof RangeError || error instanceof TypeError || isUnpacking(error);
    throw isBroken && !signal.aborted ? new SheetTrouble(row, 'bad_xlsx', '') : error;
  }
};

const isUnpacking = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('Z_');
