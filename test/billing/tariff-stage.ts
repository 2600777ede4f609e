import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BillLine } from '../../src/billing/pricing.ts';
import { parseTariff } from '../../src/billing/tariff-files.ts';
import type { Tariff } from '../../src/billing/tariff-schema.ts';
import { projectRoot } from '../../src/config.ts';
import { startOfDay } from '../../src/lib/calendar.ts';
import { decimal } from '../../src/lib/money.ts';

/** What tests of tariffs share: shipped files, use as `2026-12-01 08:00`, and lines as an accountant writes them. */

export const shippedTariff = (name: string): Tariff =>
  parseTariff(readFileSync(join(projectRoot, 'config/tariffs', `${name}.yaml`), 'utf8'), name);

/** `2026-12-01 12:00` or a day alone, in Shanghai: epoch ms. */
export function timeAt(text: string): number {
  const [day = '', clock = '00:00'] = text.split(' ');
  return startOfDay(day) + Number(clock.slice(0, 2)) * 3_600_000 + Number(clock.slice(3)) * 60_000;
}

export const used = (...of: [at: string, amount: string | number][]) =>
  of.map(([at, amount]) => ({ time: timeAt(at), amount: decimal(amount) }));

/** `300 × 2.72 = 81600`, with what it belongs to. */
export const written = ({ rule, band, tier, quantity, unitPrice, amountFen }: BillLine): string =>
  [rule, tier === null ? '' : `tier ${tier}`, band ?? '', `${quantity} × ${unitPrice} = ${amountFen}`]
    .filter((part) => part !== '')
    .join(' ');

export const sumOf = (lines: BillLine[]): number => lines.reduce((sum, { amountFen }) => sum + amountFen, 0);
