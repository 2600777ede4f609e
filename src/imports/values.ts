import { OFFSET_MS } from '../lib/calendar.ts';
import type { Fen } from '../lib/money.ts';

/** What is written in the cells of a sheet, however a person or a spreadsheet has written it. Undefined for what is none. */

const LOCAL_TIME = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2}))?)?$/;
const WITH_ZONE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/;

/** With a zone as it says, without one in Asia/Shanghai, however a spreadsheet has written it. Epoch ms; undefined for no time. */
export function sheetTime(text: string): number | undefined {
  if (WITH_ZONE.test(text)) return Number.isNaN(Date.parse(text)) ? undefined : Date.parse(text);
  const match = LOCAL_TIME.exec(text);
  if (!match) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1)
    .map((part) => Number(part ?? 0));
  const time = Date.UTC(year, month - 1, day, hour, minute, second);
  const real = new Date(time).getUTCMonth() === month - 1 && hour < 24 && minute < 60 && second < 60;
  return real ? time - OFFSET_MS : undefined;
}

/** With at most two decimals; spreadsheets write commas between thousands. */
const YUAN = /^(-?)(\d{1,9}|\d{1,3}(?:,\d{3}){1,2})(?:\.(\d{1,2}))?$/;

/** An amount in yuan, below zero too; "-0" is none. */
export function sheetFen(text: string): Fen | undefined {
  const [, sign = '', yuan = '', fen = ''] = YUAN.exec(text) ?? [];
  if (yuan === '') return undefined;
  const size = BigInt(yuan.replaceAll(',', '')) * 100n + BigInt(fen.padEnd(2, '0'));
  if (sign === '') return size;
  return size === 0n ? undefined : -size;
}

const FLAGS: Record<string, boolean> = {
  是: true,
  yes: true,
  true: true,
  1: true,
  否: false,
  no: false,
  false: false,
  0: false,
};

export const sheetFlag = (text: string): boolean | undefined => FLAGS[text.toLowerCase()];
