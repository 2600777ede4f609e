import type { Account } from '../http/schemas/billing.ts';
import type { Bill, BillingRun } from '../http/schemas/bills.ts';
import type { Household } from '../http/schemas/people.ts';
import { dayOf } from '../lib/calendar.ts';
import { type Clock, pause } from '../lib/clock.ts';
import type { Api } from './township.ts';

/** The money of a company of the demo, through the gateway's API: the bills of a year, and who paid what of them. */

const MONTHS = 12;
const POLL_MS = 100;
const AT_ONCE = 8;
/** What a prepaid household has left: little, or enough for a while. Fen. */
const LITTLE_LEFT = 3_000;
const MUCH_LEFT = 80_000;
export const EMERGENCY_CREDIT = 3_000;

interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

const numberOf = ({ accountNo }: Household): number => Number(accountNo.slice(-5));

/** `2026-11`, so many months before. */
function monthBefore(month: string, back: number): string {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return new Date(Date.UTC(year, number - 1 - back)).toISOString().slice(0, 7);
}

/** Days of the past that the bills need, and of the same month a year before. */
export function pastDays(now: number): number {
  const today = dayOf(now);
  const first = `${monthBefore(today.slice(0, 7), MONTHS + 1)}-01`;
  return Math.round((Date.parse(today) - Date.parse(first)) / 86_400_000) + 1;
}

/** From which day on a household has its tariff; and prepaid ones, which are charged day by day, their mode. */
export const termsSince = (now: number) => {
  const month = dayOf(now).slice(0, 7);
  return { tariff: `${monthBefore(month, MONTHS)}-01`, mode: `${month}-01` };
};

export const isPrepaid = (number: number): boolean => number % 10 === 3;
const hasLittle = (number: number): boolean => number % 20 === 3;
const paysInPart = (number: number): boolean => number % 9 === 4;
const paysNothing = (number: number): boolean => number % 23 === 7;

/** What the household pays now, in fen: of what it owes, all, a part or nothing; beforehand, something more. */
function payment(number: number, owed: number, lastBill: number): number {
  if (isPrepaid(number)) return owed + (hasLittle(number) ? LITTLE_LEFT : MUCH_LEFT);
  if (paysNothing(number)) return 0;
  if (paysInPart(number)) return Math.floor((owed * 0.6) / 1_000) * 1_000;
  // The resident who may log in has a bill to pay.
  return number === 1 ? owed - lastBill : owed;
}

export async function makeMoney(api: Api, clock: Clock, { gas }: { gas: boolean }): Promise<number> {
  const month = dayOf(clock.now()).slice(0, 7);

  async function all<T>(path: string): Promise<T[]> {
    const items: T[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: Page<T> = await api('GET', `${path}limit=500${cursor && `&cursor=${cursor}`}`);
      items.push(...page.items);
      cursor = page.nextCursor;
    }
    return items;
  }

  async function run(kind: BillingRun['kind'], period: string): Promise<BillingRun> {
    let found = await api<BillingRun>('POST', '/billing-runs', { kind, period });
    while (found.state === 'running') {
      await pause(clock, POLL_MS);
      found = await api<BillingRun>('GET', `/billing-runs/${found.id}`);
    }
    return found;
  }

  async function pay(household: Household): Promise<void> {
    const number = numberOf(household);
    const { balanceFen } = await api<Account>('GET', `/households/${household.id}/account`);
    const { items } = await api<Page<Bill>>('GET', `/households/${household.id}/bills?limit=1`);
    const [last] = items;
    const amountFen = payment(number, Math.max(0, -balanceFen), last ? last.chargeFen - last.subsidyFen : 0);
    if (amountFen > 0) {
      const method = number % 3 === 0 ? 'transfer' : 'cash';
      const reference = `${month}-${household.accountNo}`;
      await api('POST', `/households/${household.id}/payments`, { amountFen, method, reference });
    }
    const owes = -balanceFen - amountFen > 0 && !isPrepaid(number);
    if (owes && (paysInPart(number) || paysNothing(number))) await notify(household, 'reminder');
    if (owes && paysNothing(number)) await notify(household, 'final_notice');
  }

  const notify = (household: Household, step: string) => api('POST', `/households/${household.id}/notices`, { step });

  /** The clerk read another value off one meter: its bill would be another. */
  async function correct(households: Household[]): Promise<void> {
    const one = households.find((household) => numberOf(household) === 6);
    const day = `${monthBefore(month, 1)}-15`;
    const correction = { metric: 'gas_m3', day, amount: '0.5', reason: '抄表核对 read at the meter' };
    if (one) await api('POST', `/terminals/${one.accountNo}-2/usage-corrections`, correction);
  }

  const households = await all<Household>('/households?');
  let bills = 0;
  for (let back = MONTHS; back >= 1; back -= 1) {
    const { seen, failed } = await run('monthly', monthBefore(month, back));
    bills += seen - failed;
  }
  const hasDays = dayOf(clock.now()) > termsSince(clock.now()).mode;
  if (hasDays) await run('daily', month);
  for (let start = 0; start < households.length; start += AT_ONCE) {
    await Promise.all(households.slice(start, start + AT_ONCE).map(pay));
  }
  // Who has little left is warned when its day is charged.
  if (hasDays) await run('daily', month);
  if (gas) await correct(households);
  return bills;
}
