import type { z } from 'zod';
import { rfc3339 } from '../lib/calendar.ts';
import { GatewayError } from '../lib/errors.ts';
import { unitOf } from '../lib/units.ts';
import { readUsage, windowFor } from '../readings/usage.ts';
import type { Terminal } from '../terminals/registry.ts';
import type { HouseholdUsage } from './schemas/billing.ts';
import type { usageQuery } from './schemas/readings.ts';
import type { HttpParts } from './server.ts';

type Query = z.output<typeof usageQuery>;

/** Refuses a range that is empty or would give more points than the limit. */
export function checkRange({ from, to }: { from: number; to: number }, everyMs: number, maxPoints: number): void {
  if (from >= to) throw new GatewayError('invalid_request', 'from must be before to');
  if ((to - from) / everyMs > maxPoints) {
    throw new GatewayError(
      'invalid_request',
      `more than ${maxPoints} points: ask for a shorter range or a longer every`,
    );
  }
}

/** A window that ends after the year 9999 has no RFC 3339 time. */
const LATEST = Date.UTC(9000, 0, 1);

type CounterUsage = HouseholdUsage['items'][number];

/** The use of each counter of a terminal since a time, the profile's first counter first. */
export async function counterUsage(
  { store, config, clock, meterExchanges }: HttpParts,
  terminal: Terminal,
  query: Query,
  since: number,
): Promise<CounterUsage[]> {
  const { to, every } = query;
  if (to > LATEST) throw new GatewayError('invalid_request', 'to must be before the year 9000');
  checkRange(query, windowFor(every), config.readings.maxPoints);
  const from = Math.max(query.from, since);
  const counters = Object.entries(terminal.profile.metrics).flatMap(([metric, definition]) =>
    definition.kind === 'counter' ? [{ metric, definition }] : [],
  );
  return Promise.all(
    counters.map(async ({ metric, definition: { rollsOverAt, maxPerHour } }): Promise<CounterUsage> => {
      const counter = { terminalId: terminal.id, metric };
      const request = { from, to, everyMs: every, rollsOverAt, maxPerHour };
      const exchanges = await meterExchanges.of(terminal.id, metric);
      const known = { since, now: clock.now() };
      const uses = from < to ? await readUsage(store, { ...counter, exchanges }, request, known) : [];
      return {
        ...counter,
        unit: unitOf(metric) ?? '',
        items: uses.map((use) => ({ ...use, from: rfc3339(use.from), to: rfc3339(use.to) })),
      };
    }),
  );
}
