/** Lists are paged by a cursor, which is the id of the last item shown. */
export interface Page {
  limit: number;
  cursor?: string | undefined;
}

/** Cuts rows that were read with `limit + 1` into a page. */
export function pageOf<T extends { id: string }>(rows: T[], limit: number): { items: T[]; nextCursor: string | null } {
  const items = rows.slice(0, limit);
  return { items, nextCursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
}
