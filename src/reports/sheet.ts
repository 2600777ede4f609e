/** A table that is given out as a file: what stands above its columns, and its rows as they come. */

/** Money is a bigint of fen; a file has it in yuan. */
export type Cell = string | number | bigint | null;
export interface Sheet {
  titles: string[];
  rows: AsyncIterable<Cell[]>;
}

/** 123456n → `1234.56`. */
export function yuanText(fen: bigint): string {
  const amount = fen < 0n ? -fen : fen;
  return `${fen < 0n ? '-' : ''}${amount / 100n}.${String(amount % 100n).padStart(2, '0')}`;
}
