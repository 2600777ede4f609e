import type { HouseholdTariffRow } from '../db/schema-bills.ts';
import { dayBefore } from '../lib/calendar.ts';
import { versionOn } from './season.ts';
import type { Tariff } from './tariff-schema.ts';

/** Which tariff a household's use of a metric falls under: the one that it was given, else the one that applies most closely. */

export interface Segment {
  /** Both included. */
  from: string;
  through: string;
  tariff: Tariff;
  tierReset: string | null;
}

export interface Belongs {
  companyId: string;
  companyName: string;
  areaCode: string;
  /** Of the terminals that count the metric. */
  profileKinds: readonly string[];
}

export type Choice = { segments: Segment[] } | { trouble: 'no_tariff' | 'several_tariffs'; detail: string };

/** How closely a tariff fits a household; undefined where it does not. A company's own is before an area's, the smaller area before the larger. */
function closeness({ applies }: Tariff, household: Belongs): number | undefined {
  if (!applies) return undefined;
  const { companies, areas, profileKinds } = applies;
  const isCompany = companies?.some((one) => one === household.companyId || one === household.companyName) ?? true;
  const area = areas
    ?.filter((code) => household.areaCode.startsWith(code))
    .reduce((a, b) => (a.length > b.length ? a : b), '');
  const isKind = profileKinds?.some((kind) => household.profileKinds.includes(kind)) ?? true;
  if (!isCompany || area === '' || !isKind) return undefined;
  return (companies ? 10_000 : 0) + (area?.length ?? 0) * 10 + (profileKinds ? 1 : 0);
}

function applied(tariffs: Iterable<Tariff>, metric: string, household: Belongs): Tariff[] {
  let best: { rank: number; found: Tariff[] } = { rank: -1, found: [] };
  for (const tariff of tariffs) {
    const rank = tariff.metric === metric ? closeness(tariff, household) : undefined;
    if (rank === undefined || rank < best.rank) continue;
    best = { rank, found: rank === best.rank ? [...best.found, tariff] : [tariff] };
  }
  return best.found;
}

/** For the days from one to another, both included. `given` are the household's own, for this metric. */
export function chooseTariffs(
  tariffs: ReadonlyMap<string, Tariff>,
  metric: string,
  household: Belongs,
  given: HouseholdTariffRow[],
  { from, through }: { from: string; through: string },
): Choice {
  const own = given.filter((row) => row.metric === metric).toSorted((a, b) => (a.since < b.since ? -1 : 1));
  const starts = [from, ...own.map(({ since }) => since).filter((since) => since > from && since <= through)];
  const segments: Segment[] = [];
  for (const [index, start] of starts.entries()) {
    const next = starts[index + 1];
    const end = next === undefined ? through : dayBefore(next);
    const row = own.findLast(({ since }) => since <= start);
    const found = row
      ? [tariffs.get(row.tariff)].filter((one) => one !== undefined)
      : applied(tariffs.values(), metric, household);
    const [tariff] = found;
    if (row && !tariff)
      return { trouble: 'no_tariff', detail: `${row.tariff} is given to it and is no tariff any more` };
    if (found.length > 1) return { trouble: 'several_tariffs', detail: found.map((one) => one.tariff).join(', ') };
    if (!tariff) continue;
    if (!versionOn(tariff.versions, start))
      return { trouble: 'no_tariff', detail: `${tariff.tariff} has no price for ${start}` };
    segments.push({ from: start, through: end, tariff, tierReset: row?.tierReset ?? null });
  }
  return { segments };
}
