import type { Fen } from '../../lib/money.ts';

/** Amounts as providers write them: yuan with at most two decimals that count. */

/** `12.30`, `-0.05`, `12.30000` → fen; undefined for anything else, also for parts of a fen. */
export function fenOfYuan(text: string): Fen | undefined {
  const match = /^(-?)(\d{1,13})(?:\.(\d{1,2})0*)?$/.exec(text);
  if (!match) return undefined;
  const [, sign, whole = '0', part = ''] = match;
  const fen = BigInt(whole) * 100n + BigInt(part.padEnd(2, '0'));
  return sign ? -fen : fen;
}
