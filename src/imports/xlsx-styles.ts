import type { Zip } from '../lib/unzip.ts';
import { readXml } from './zip-xml.ts';

/** Which of a workbook's styles show a number as a day or a time: ECMA-376 part 1, §18.8.30 and §18.8.31. */

/** Those that need no code, of which 27 to 36 and 50 to 58 are Chinese, Japanese and Korean. */
const KNOWN_DATES = [
  [14, 22],
  [27, 36],
  [45, 47],
  [50, 58],
] as const;

/** Whether what is left without texts, colours and conditions has a letter of days or times. */
const isDateCode = (code: string): boolean =>
  /[ymdhs]/i.test(code.replace(/"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]/gi, '')) && !/General/i.test(code);

/** By the number of the style. */
export async function readStyles(zip: Zip, name: string): Promise<boolean[]> {
  const codes = new Map<number, string>();
  const styles: number[] = [];
  let isCell = false;
  await readXml(zip, name, {
    open(tag, attribute) {
      if (tag === 'numFmt') codes.set(Number(attribute('numFmtId')), attribute('formatCode') ?? '');
      if (tag === 'cellXfs') isCell = true;
      if (tag === 'xf' && isCell) styles.push(Number(attribute('numFmtId') ?? 0));
    },
    close(tag) {
      if (tag === 'cellXfs') isCell = false;
    },
    text: () => undefined,
  });
  return styles.map((id) => {
    const code = codes.get(id);
    return code === undefined ? KNOWN_DATES.some(([from, to]) => id >= from && id <= to) : isDateCode(code);
  });
}
