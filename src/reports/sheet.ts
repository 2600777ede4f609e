/** A table that is given out as a file: what stands above its columns, and its rows as they come. */

/** Money is a bigint of fen; a file has it in yuan. */
export type Cell = string | number | bigint | null;
export interface Sheet {
  titles: string[];
  rows: AsyncIterable<Cell[]>;
}
