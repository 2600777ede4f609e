/** A table that is given out as a file: what stands above its columns, and its rows as they come. */

/** Money is a bigint of fen; a file has it in yuan. */
export type Cell = string | number | bigint | null;
export interface Sheet {
  titles: string[];
  rows: AsyncIterable<Cell[]>;
}

export const SHEET_LANGUAGES = ['zh', 'en'] as const;
export type SheetLanguage = (typeof SHEET_LANGUAGES)[number];

/** What a column is called, and what stands in it for a row. */
export type Column<T> = [zh: string, en: string, cell: (row: T) => Cell];

const NAMES = { zh: 0, en: 1 } as const;

async function* cellsOf<T>(rows: AsyncIterable<T> | Iterable<T>, columns: Column<T>[]): AsyncGenerator<Cell[]> {
  for await (const row of rows) yield columns.map(([, , cell]) => cell(row));
}

export const sheetOf = <T>(
  language: SheetLanguage,
  columns: Column<T>[],
  rows: AsyncIterable<T> | Iterable<T>,
): Sheet => ({
  titles: columns.map((column) => column[NAMES[language]]),
  rows: cellsOf(rows, columns),
});

const AT_ONCE = 500;

/** All rows of a list that is given out page by page. */
export async function* rowsOf<T>(
  pageOf: (page: { limit: number; cursor: string | undefined }) => Promise<{ items: T[]; nextCursor: string | null }>,
): AsyncGenerator<T> {
  let cursor: string | undefined;
  do {
    const page = await pageOf({ limit: AT_ONCE, cursor });
    yield* page.items;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
}
