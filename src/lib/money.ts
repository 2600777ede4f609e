import { Decimal as Exact } from 'decimal.js';

/** Money is a whole number of fen, a bigint in code and a plain integer in JSON and in the database. */
export type Fen = bigint;

/** From JSON or a row; a database may give a sum as text. */
export const toFen = (value: number | string): Fen => BigInt(value);

/** For JSON and rows. Throws above 2^53 fen (90 trillion yuan), which no account reaches. */
export function fromFen(amount: Fen): number {
  const value = Number(amount);
  if (!Number.isSafeInteger(value)) throw new RangeError(`${amount} fen is more than JSON can carry`);
  return value;
}

/** 123456n → `1234.56`, in yuan. */
export function yuanText(amount: Fen): string {
  const size = amount < 0n ? -amount : amount;
  return `${amount < 0n ? '-' : ''}${size / 100n}.${String(size % 100n).padStart(2, '0')}`;
}

const DIGITS = '零壹贰叁肆伍陆柒捌玖';
const PLACES = ['', '拾', '佰', '仟'];
const GROUPS = ['', '万', '亿', '万亿'];

/** Up to 9999, with 零 for zeros between digits. */
function groupInWords(group: string): string {
  const words = [...group].map((digit, index) =>
    digit === '0' ? '零' : `${DIGITS[Number(digit)]}${PLACES[group.length - 1 - index]}`,
  );
  return words.join('').replace(/零+/g, '零').replace(/零$/, '');
}

/** In the capitals that a receipt has 大写金额: 120050 → 壹仟贰佰元伍角. Not below zero, below 10^16 yuan. */
export function inCapitals(amount: Fen): string {
  const yuan = String(amount / 100n);
  const [jiao, fen] = [Number((amount / 10n) % 10n), Number(amount % 10n)];
  const padded = yuan.padStart(Math.ceil(yuan.length / 4) * 4, '0');
  const groups = (padded.match(/\d{4}/g) ?? []).map(groupInWords);
  const whole = groups
    .map((words, index) => (words === '' ? '零' : words + GROUPS[groups.length - 1 - index]))
    .join('')
    .replace(/零+/g, '零')
    .replace(/^零|零$/g, '');
  if (jiao === 0 && fen === 0) return `${whole || '零'}元整`;
  const rest = jiao === 0 ? (whole ? '零' : '') : `${DIGITS[jiao]}角`;
  return `${whole && `${whole}元`}${rest}${fen === 0 ? '整' : `${DIGITS[fen]}分`}`;
}
/** For prices and quantities, which have parts of a fen; 40 digits are more than any bill needs. */
const Digits = Exact.clone({ precision: 40, rounding: Exact.ROUND_HALF_UP });
export type Decimal = Exact;

export const decimal = (value: string | number): Decimal => new Digits(value);
export const least = (a: Decimal, b: Decimal): Decimal => Digits.min(a, b);

/** The one rounding of a bill: yuan to whole fen, half a fen up. */
export const roundToFen = (yuan: Decimal): Fen => BigInt(yuan.times(100).toDecimalPlaces(0).toFixed());
