import { registerAddress, registerTable } from '../terminals/encode.ts';
import { unitTrouble } from './field-error.ts';
import { hex, print, table } from './output.ts';
import { type AskedRequest, type MetricRead, type ProfileRead, registerText } from './read-profile.ts';
import type { Words } from './words.ts';

/** What a unit said by its profile, for people and for programs. */

const rawText = (raw: number[] | undefined): [hexadecimal: string, decimal: string] =>
  raw ? [raw.map((word) => hex(word)).join(' '), raw.join(' ')] : ['—', '—'];

function noteOf({ absent, reject, register }: MetricRead, words: Words): string {
  if (reject !== undefined) return words.said(reject);
  if (absent === undefined) return '';
  if (absent !== 'not_valid') return words.absent[absent];
  const { validWhen = {} } = register;
  return words.absent.not_valid(`${registerTable(validWhen)} ${registerAddress(validWhen)}`);
}

export function printMetrics({ metrics, texts }: ProfileRead, words: Words): void {
  const { metric, register, hex: hexadecimal, decimal, value, note } = words.table;
  const rows = metrics.map((one) => [
    one.metric,
    registerText(one.register),
    ...rawText(one.raw),
    one.value === undefined ? '—' : `${one.value} ${one.unit}`.trim(),
    noteOf(one, words),
  ]);
  print(table([metric, register, hexadecimal, decimal, value, note], rows));
  for (const [name, text] of Object.entries(texts)) print(`${name}${words.colon}${text}`);
}

const requestText = ({ table: name, address, count }: AskedRequest): string =>
  count === 1 ? `${name} ${address}` : `${name} ${address}-${address + count - 1}`;

export function printRequests({ requests }: ProfileRead, words: Words): void {
  const { request, took, answer } = words.table;
  const rows = requests.map((one) => [
    requestText(one),
    words.ms(one.tookMs),
    one.error ? words.said(one.error) : words.registersOf(one.count),
  ]);
  print(`${words.requests}${words.colon.trimEnd()}`);
  print(table([request, took, answer], rows));
}

/** What is wrong with a reading; a value that the device has not got now is not. */
export function troublesIn({ metrics, requests, error }: ProfileRead): number {
  const wrong = metrics.filter(({ reject, absent }) => reject !== undefined || absent === 'no_number').length;
  const failed = requests.filter((one) => one.error !== null).length;
  return wrong + failed + (failed === 0 && error !== undefined ? 1 : 0);
}

/** For programs, to which all is said in English. */
export const plain = ({ requests, metrics, texts, error }: ProfileRead) => ({
  requests: requests.map((one) => ({ ...one, error: one.error?.en ?? null })),
  texts,
  metrics: metrics.map(({ metric, register, raw, value, unit, absent, reject }) => ({
    metric,
    register: registerText(register),
    raw: raw ?? null,
    value: value ?? null,
    unit,
    absent: absent ?? null,
    reject: reject?.en ?? null,
  })),
  error: error === undefined ? null : unitTrouble(error).en,
});
