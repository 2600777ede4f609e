import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { sql } from 'kysely';
import type { Caller } from '../../src/areas/scope.ts';
import { type Account, companyAccount, householdAccount } from '../../src/billing/accounts.ts';
import { openBilling } from '../../src/billing/billing.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import { accountStatements } from '../../src/reports/accounts.ts';
import { takingsOf } from '../../src/reports/takings.ts';
import { fillRows } from './billing-fill.ts';
import { residentMiB } from './machine.ts';

/** What is asked of the books every day, in books of some size: 100,000 households, each billed and paying every month. */

const HOUSEHOLDS = 100_000;
const ENTRIES_A_MONTH = 2 * HOUSEHOLDS;
const MONTH_MS = 30 * 86_400_000;
const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;
const START = Date.UTC(2016, 9, 31, 16);
/** Of these, one does not pay the last bill. */
const OWING_EVERY = 20;
const TIMES = 5;
const ADMIN: Caller = { id: 'u', name: 'a', role: 'admin', companyId: null, areaCode: null, householdId: null };

/** A household with few lines and one with many, beside those that have two a month. */
const OTHERS = { hh_few: 12, hh_many: 1_200 };

async function fillMonth(db: Database, month: number, isLast: boolean): Promise<void> {
  const key = sql.raw(`'${String(month).padStart(4, '0')}_' || substr(h.id, 4)`);
  const at = START + month * MONTH_MS;
  const transfer = (kind: string, of: ReturnType<typeof sql>) => sql`insert into transfers
    (id, kind, phase, company_id, household_id, at, by_name, line_count, content)
    select '${sql.raw(kind)}_' || ${key}, ${kind}, 'posted', 'co', h.id, ${at} + h.rowid * 20000, 'bench', 1, '' from households h where ${of} order by h.id`;
  const entry = (
    kind: string,
    debit: ReturnType<typeof sql>,
    credit: ReturnType<typeof sql>,
    of: ReturnType<typeof sql>,
  ) => sql`
    insert into entries (id, transfer_id, line, phase, debit, credit, amount_fen)
    select ${kind} || ${key}, '${sql.raw(kind)}_' || ${key}, 0, 'posted', ${debit}, ${credit}, 30000 from households h where ${of} order by h.id`;
  const heating = sql`h.id || ':heating'`;
  const every = sql`true`;
  const paying = isLast ? sql`h.rowid % ${OWING_EVERY} <> 0` : every;
  await transfer('a', every).execute(db);
  await entry('a', heating, sql`'co:revenue'`, every).execute(db);
  await transfer('b', paying).execute(db);
  await entry('b', sql`'co:cash'`, heating, paying).execute(db);
  await sql`insert into payments (id, company_id, household_id, transfer_id, purpose, amount_fen, method, reference, payer_name,
      received_by, received_at, receipt_year, receipt_number)
    select 'pay_' || ${key}, 'co', h.id, 'b_' || ${key}, 'heating', 30000, 'cash', '', h.name, 'bench', ${at} + h.rowid * 20000, ${month}, h.rowid
    from households h where ${paying} order by h.id`.execute(db);
}

async function fillOther(db: Database, id: string, lines: number): Promise<void> {
  for (let n = 0; n < lines; n += 1) {
    await sql`insert into transfers (id, kind, phase, company_id, household_id, at, by_name, line_count, content)
      values (${`${id}_${n}`}, 'payment', 'posted', 'co', null, ${START + n}, 'bench', 1, '')`.execute(db);
    await sql`insert into entries (id, transfer_id, line, phase, debit, credit, amount_fen)
      values (${`c${id}_${n}`}, ${`${id}_${n}`}, 0, 'posted', 'co:bank', ${`${id}:heating`}, 100)`.execute(db);
  }
}

async function fill(db: Database, entries: number): Promise<void> {
  await fillRows(db, HOUSEHOLDS);
  await sql`insert into accounts select id || ':heating', 'co', id, 'heating' from households`.execute(db);
  for (const kind of ['revenue', 'cash', 'bank'])
    await sql`insert into accounts values (${`co:${kind}`}, 'co', null, ${kind})`.execute(db);
  for (const id of Object.keys(OTHERS))
    await sql`insert into accounts values (${`${id}:heating`}, 'co', 'hh_000000', 'heating')`.execute(db);
  await db.transaction().execute(async (transaction) => {
    for (const [id, lines] of Object.entries(OTHERS)) await fillOther(transaction, id, lines);
  });
  const months = Math.max(1, Math.round(entries / ENTRIES_A_MONTH));
  for (let month = 0; month < months; month += 1) {
    await db.transaction().execute((transaction) => fillMonth(transaction, month, month === months - 1));
  }
}

/** The sum of its lines, as every balance was read before it was kept. */
async function replayed(db: Database, { id }: Account): Promise<bigint> {
  const { rows } = await sql<{ sum: number }>`select
    coalesce((select sum(amount_fen) from entries where credit = ${id} and phase = 'posted'), 0)
      - coalesce((select sum(amount_fen) from entries where debit = ${id} and phase = 'posted'), 0) as sum`.execute(db);
  return BigInt(rows[0]?.sum ?? 0);
}

/** The median of a few, ms. */
async function timed<T>(task: () => Promise<T>): Promise<{ ms: string; answer: T }> {
  const times: number[] = [];
  let answer = await task();
  for (let n = 0; n < TIMES; n += 1) {
    const began = performance.now();
    answer = await task();
    times.push(performance.now() - began);
  }
  return { ms: `${(times.sort((a, b) => a - b)[Math.floor(TIMES / 2)] ?? 0).toFixed(2)} ms`, answer };
}

export async function benchLedger(entries: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'hearthgate-bench-'));
  try {
    const log = createLog('silent');
    await using db = await openDatabase(join(folder, 'db.sqlite'), log);
    const began = performance.now();
    await fill(db, entries);
    const seconds = ((performance.now() - began) / 1_000).toFixed(0);
    const { ledger, arrears } = openBilling({
      ...{ db, log, clock: systemClock },
      settings: { depositFen: 100_000, adjustmentFen: 100_000 },
    });
    console.log(`ledger of ${entries} entries of ${HOUSEHOLDS} households, made in ${seconds} s:`);
    const accounts: [string, Account][] = [
      ...Object.entries(OTHERS).map(([id, lines]): [string, Account] => [
        `balance of a household with ${lines} entries`,
        householdAccount({ id, companyId: 'co' }, 'heating'),
      ]),
      ['balance of the company’s revenue', companyAccount('co', 'revenue')],
    ];
    for (const [what, account] of accounts) {
      const kept = await timed(async () => (await ledger.balance(account)).postedFen);
      const summed = await timed(() => replayed(db, account));
      if (kept.answer !== summed.answer) throw new Error(`${what}: ${kept.answer} is kept, and it is ${summed.answer}`);
      console.log(`  ${what}: ${kept.ms}; as the sum of its lines ${summed.ms}`);
    }
    const page = await timed(() => ledger.entriesOf(companyAccount('co', 'revenue'), { limit: 50 }));
    console.log(`  the newest 50 lines of the company’s revenue, with the balance after each: ${page.ms}`);
    const owing = await timed(() => arrears.owing(ADMIN, { limit: 100 }));
    console.log(`  the first ${owing.answer.items.length} of those who owe: ${owing.ms}`);
    const to = START + (entries / ENTRIES_A_MONTH) * MONTH_MS;
    const takings = await timed(() =>
      takingsOf(db, ADMIN, { by: 'clerk', from: to - MONTH_MS, to: to - MONTH_MS + DAY_MS }, to),
    );
    console.log(`  the takings of a day, ${takings.answer[0]?.count} payments: ${takings.ms}`);
    for (const [what, from] of [
      ['month', to - MONTH_MS],
      ['year', to - YEAR_MS],
    ] as const) {
      const held = monitorEventLoopDelay({ resolution: 1 });
      held.enable();
      const accounts = await timed(() => accountStatements(db, ADMIN, { from, to }, to));
      const moved = await timed(() => takingsOf(db, ADMIN, { by: 'clerk', from, to }, to));
      held.disable();
      const most = Math.round(held.max / 1_000_000);
      console.log(
        `  all accounts over the last ${what}: ${accounts.ms}; takings: ${moved.ms}; others waited at most ${most} ms`,
      );
    }
    console.log(`  memory ${residentMiB(process.pid)} MiB`);
  } finally {
    await rm(folder, { recursive: true });
  }
}
