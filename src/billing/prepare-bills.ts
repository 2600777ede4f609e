import { setImmediate } from 'node:timers/promises';
import type { Database } from '../db/database.ts';
import type { HouseholdRow, TerminalRow } from '../db/schema.ts';
import type { BillingTroubleRow, HouseholdTariffRow } from '../db/schema-bills.ts';
import { startOfDay } from '../lib/calendar.ts';
import type { Profile } from '../terminals/profile.ts';
import { chooseTariffs, type Segment } from './choose-tariff.ts';
import { createEarlierBills } from './earlier-bills.ts';
import { countsFrom, type Earlier, type MadeBill, makeBill } from './make-bill.ts';
import { type Meter, type MeterUse, type ReadMeterUse, windowOfBands } from './meter-use.ts';
import type { Tariff } from './tariff-schema.ts';

/** Bills of some households at once: everything is read that they need, and nothing is written. */

export type Trouble = Pick<BillingTroubleRow, 'code' | 'detail'>;
export type Prepared = { made: MadeBill; firstDay: string } | { trouble: Trouble };

export interface Span {
  /** Both included. */
  from: string;
  through: string;
}

interface Counted {
  meter: Meter;
  kind: Profile['kind'];
}

interface Plan {
  household: HouseholdRow;
  metrics: { metric: string; segments: Segment[]; meters: Meter[] }[];
}

/** Where one of these is, it counts, and a device that counts for itself does not. */
const METERS: ReadonlySet<Profile['kind']> = new Set<Profile['kind']>(['gas_meter', 'electricity_meter', 'heat_meter']);

function countersOf(row: TerminalRow, profile: Profile | undefined): [string, Counted][] {
  if (!profile) return [];
  const { id, householdSince, installedAt, createdAt, removedAt } = row;
  const since = Math.max(householdSince ?? 0, installedAt ?? 0) || null;
  return Object.entries(profile.metrics).flatMap(([metric, counter]): [string, Counted][] =>
    counter.kind === 'counter'
      ? [
          [
            metric,
            { kind: profile.kind, meter: { terminalId: id, metric, counter, since, createdAt, until: removedAt } },
          ],
        ]
      : [],
  );
}

function byMetric(counters: [string, Counted][]): Map<string, Counted[]> {
  const all = Map.groupBy(counters, ([metric]) => metric);
  return new Map(
    [...all].map(([metric, found]) => {
      const counted = found.map(([, one]) => one);
      const meters = counted.filter(({ kind }) => METERS.has(kind));
      return [metric, meters.length > 0 ? meters : counted];
    }),
  );
}

const clocksOf = (segments: Segment[]): string[] =>
  segments.flatMap(({ tariff }) =>
    tariff.versions.flatMap(({ bands }) =>
      Object.values(bands ?? {}).flatMap((spans) => spans.flatMap(({ from, to }) => [from, to])),
    ),
  );

export function createPreparation({
  db,
  profiles,
  tariffs,
  meterUse,
}: {
  db: Database;
  profiles: ReadonlyMap<string, Profile>;
  tariffs: ReadonlyMap<string, Tariff>;
  meterUse: ReadMeterUse;
}) {
  const earlierBills = createEarlierBills(db);

  async function rowsOf(ids: string[], { from, through }: Span) {
    const terminals = await db
      .selectFrom('terminals')
      .selectAll()
      .where('householdId', 'in', ids)
      .where((row) => row.or([row('removedAt', 'is', null), row('removedAt', '>', startOfDay(from))]))
      .orderBy('id')
      .execute();
    const given = await db
      .selectFrom('householdTariffs')
      .selectAll()
      .where('householdId', 'in', ids)
      .where('since', '<=', through)
      .execute();
    return {
      terminals: Map.groupBy(terminals, ({ householdId }) => householdId ?? ''),
      given: Map.groupBy(given, ({ householdId }) => householdId),
    };
  }

  function planOf(
    household: HouseholdRow,
    companyName: string,
    terminals: TerminalRow[],
    given: HouseholdTariffRow[],
    span: Span,
  ): Plan | { trouble: Trouble } {
    const counters = byMetric(terminals.flatMap((row) => countersOf(row, profiles.get(row.profile))));
    if (counters.size === 0) return { trouble: { code: 'no_meter', detail: null } };
    const metrics: Plan['metrics'] = [];
    for (const [metric, counted] of counters) {
      const belongs = {
        companyId: household.companyId,
        companyName,
        areaCode: household.areaCode,
        profileKinds: counted.map(({ kind }) => kind),
      };
      const choice = chooseTariffs(tariffs, metric, belongs, given, span);
      if ('trouble' in choice) return { trouble: { code: choice.trouble, detail: choice.detail } };
      const meters = counted.map(({ meter }) => meter);
      if (choice.segments.length > 0) metrics.push({ metric, segments: choice.segments, meters });
    }
    if (metrics.length === 0) return { trouble: { code: 'no_tariff', detail: [...counters.keys()].join(', ') } };
    return { household, metrics };
  }

  function billOf({ metrics }: Plan, { from }: Span, used: ReadonlyMap<Meter, MeterUse>, earlier: Earlier): Prepared {
    const billed = metrics.map(({ metric, segments, meters }) => ({
      metric,
      segments,
      meters: meters.flatMap((meter) => used.get(meter) ?? []),
    }));
    if (billed.every(({ meters }) => meters.every(({ days }) => days.length === 0))) {
      return { trouble: { code: 'no_meter', detail: 'It was not there yet' } };
    }
    const made = makeBill(billed, earlier);
    const firstDay = made.usage.flatMap(({ days }) => days.slice(0, 1).map(({ day }) => day)).sort()[0] ?? from;
    return { made, firstDay };
  }

  /** What all their meters counted, read at once. */
  async function countedBy(plans: Plan[], { from, through }: Span): Promise<Map<Meter, MeterUse>> {
    const wanted = plans.flatMap(({ metrics }) =>
      metrics.flatMap(({ segments, meters }) => {
        const everyMs = windowOfBands(clocksOf(segments));
        return meters.map((meter) => ({ meter, from: segments[0]?.from ?? from, through, everyMs }));
      }),
    );
    const used = await meterUse(wanted);
    return new Map(wanted.flatMap(({ meter }, index) => (used[index] ? [[meter, used[index]] as const] : [])));
  }

  /** For each household its bill, or why there can be none. */
  return async function prepare(
    households: HouseholdRow[],
    { companyName, ...span }: Span & { companyName: string },
  ): Promise<Map<string, Prepared>> {
    const ids = households.map(({ id }) => id);
    const { terminals, given } = await rowsOf(ids, span);
    const prepared = new Map<string, Prepared>();
    const plans: Plan[] = [];
    for (const household of households) {
      const { id } = household;
      const plan = planOf(household, companyName, terminals.get(id) ?? [], given.get(id) ?? [], span);
      if ('trouble' in plan) prepared.set(id, plan);
      else plans.push(plan);
    }
    const earliest = plans
      .flatMap(({ metrics }) => metrics.flatMap(({ segments }) => segments.map(countsFrom)))
      .sort()[0];
    const earlier = await earlierBills(
      plans.map(({ household }) => household.id),
      earliest ?? span.from,
      span.from,
    );
    const used = await countedBy(plans, span);
    for (const plan of plans) {
      const { id } = plan.household;
      // Others get their turn between two bills.
      await setImmediate();
      try {
        prepared.set(id, billOf(plan, span, used, earlier.get(id) ?? { lines: [], usage: [] }));
      } catch (error) {
        // One household's trouble does not stop the others.
        const detail = error instanceof Error ? error.message : String(error);
        prepared.set(id, { trouble: { code: 'failed', detail } });
      }
    }
    return prepared;
  };
}
export type PrepareBills = ReturnType<typeof createPreparation>;
