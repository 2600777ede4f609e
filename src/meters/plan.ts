import type { Profile } from '../terminals/profile.ts';

/** Which data identifiers are read for a profile's metrics: the fewest, since each is a request of half a second. Pure. */
export function planReads({ metrics, dlt645 }: Profile): string[] {
  const items = Object.values(metrics).flatMap(({ meter }) => (meter && 'di' in meter ? [meter.di] : []));
  const wanted = new Set(items);
  const reads: string[] = [];
  for (const [block, members] of Object.entries(dlt645?.blocks ?? {})) {
    const within = members.filter((member) => wanted.has(member));
    if (within.length < 2) continue;
    reads.push(block);
    for (const member of within) wanted.delete(member);
  }
  return [...reads, ...wanted];
}

/** The items of a block that the profile wants, for a meter that does not give it in one. An item is itself alone. */
export function membersOf({ metrics, dlt645 }: Profile, di: string): string[] {
  const members = dlt645?.blocks[di];
  if (!members) return [di];
  const wanted = new Set(Object.values(metrics).flatMap(({ meter }) => (meter && 'di' in meter ? [meter.di] : [])));
  return members.filter((member) => wanted.has(member));
}
