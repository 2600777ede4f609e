import { createHash } from 'node:crypto';
import type { Transaction } from 'kysely';
import { isPostgres } from '../db/database.ts';
import type { Tables } from '../db/schema.ts';
import type { AccountRow, EntryRow, TransferKind, TransferRow } from '../db/schema-billing.ts';
import { chunksOf } from '../lib/chunks.ts';
import { GatewayError } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import { type Fen, fromFen } from '../lib/money.ts';
import { NEVER_BELOW_ZERO } from './accounts.ts';
import { balancesOf } from './balances.ts';

/** How transfers are written: all of them or none, each once, and nothing below zero that must not be. */

/** `debit` gets, `credit` gives: a payment in cash debits the company's cash and credits the household's heating. Above zero. */
export interface Line {
  debit: AccountRow;
  credit: AccountRow;
  amountFen: Fen;
}

export interface Posting {
  /** At most 64 characters, e.g. from `newId`. */
  id: string;
  kind: TransferKind;
  companyId: string;
  householdId?: string | undefined;
  /** When it happened, epoch ms; and who did it. A repetition may give others: those of the first count. */
  at: number;
  by: string;
  reason?: string | undefined;
  reference?: string | undefined;
  /** At least one. */
  lines: readonly Line[];
}

/** `first` is false when the same was there already, which then changes nothing. */
export interface Posted {
  id: string;
  first: boolean;
}

/** A statement takes only so many parameters. */
const ROWS_AT_ONCE = 1_000;

export interface Plan {
  row: TransferRow;
  entries: Omit<EntryRow, 'id'>[];
  accounts: readonly AccountRow[];
}

/** What makes two requests for one id the same. */
const contentOf = (row: Omit<TransferRow, 'content' | 'at' | 'byName'>, entries: Plan['entries']): string =>
  createHash('sha256')
    .update(
      JSON.stringify([
        [row.kind, row.phase, row.companyId, row.householdId, row.reason, row.reference],
        [row.expiresAt, row.settles, row.reverses],
        entries.map(({ phase, debit, credit, amountFen }) => [phase, debit, credit, amountFen]),
      ]),
    )
    .digest('base64url');

type Own = Pick<TransferRow, 'phase'> &
  Partial<Pick<TransferRow, 'expiresAt' | 'settles' | 'reverses'>> & {
    /** Pending lines that are pending no longer. */
    releases?: readonly Line[];
  };

/** What a posting writes. Its lines are pending when the transfer is, and count at once otherwise. */
export function planOf(posting: Posting, { releases = [], ...own }: Own): Plan {
  const phase: EntryRow['phase'] = own.phase === 'pending' ? 'pending' : 'posted';
  const lines = [
    ...releases.map((line) => ({ ...line, phase: 'pending' as const, amountFen: -line.amountFen })),
    ...posting.lines.map((line) => ({ ...line, phase })),
  ];
  const entries = lines.map((line, index) => ({
    transferId: posting.id,
    line: index,
    phase: line.phase,
    debit: line.debit.id,
    credit: line.credit.id,
    amountFen: fromFen(line.amountFen),
  }));
  const row = {
    id: posting.id,
    kind: posting.kind,
    companyId: posting.companyId,
    householdId: posting.householdId ?? null,
    at: posting.at,
    byName: posting.by,
    reason: posting.reason ?? null,
    reference: posting.reference ?? null,
    expiresAt: null,
    settles: null,
    reverses: null,
    lineCount: entries.length,
    ...own,
  };
  const accounts = lines.flatMap(({ debit, credit }) => [debit, credit]);
  return { row: { ...row, content: contentOf(row, entries) }, entries, accounts };
}

/**
 * Households' accounts before those of companies, each in the order of their ids, so that two transactions never wait for each other:
 * whoever locked a household's account before it posts takes only later ones.
 */
const inOrder = (accounts: readonly AccountRow[]): AccountRow[] =>
  [...new Map(accounts.map((account) => [account.id, account])).values()].sort(
    (a, b) => Number(a.householdId === null) - Number(b.householdId === null) || (a.id < b.id ? -1 : 1),
  );

async function openAccounts(transaction: Transaction<Tables>, accounts: readonly AccountRow[]): Promise<void> {
  for (const some of chunksOf(accounts, ROWS_AT_ONCE)) {
    await transaction
      .insertInto('accounts')
      .values(some)
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute();
  }
}

async function lock(transaction: Transaction<Tables>, accounts: readonly AccountRow[]): Promise<void> {
  if (!isPostgres(transaction)) return;
  for (const some of chunksOf(accounts, ROWS_AT_ONCE)) {
    const ids = some.map(({ id }) => id);
    const rows = transaction.selectFrom('accounts').select('id').where('id', 'in', ids);
    await rows
      .orderBy((row) => row('householdId', 'is', null))
      .orderBy('id')
      .forNoKeyUpdate()
      .execute();
  }
}

/** Opens accounts, and keeps other transactions that lock one of them waiting until this one's end. */
export async function openLocked(transaction: Transaction<Tables>, accounts: readonly AccountRow[]): Promise<void> {
  const sorted = inOrder(accounts);
  await openAccounts(transaction, sorted);
  await lock(transaction, sorted);
}

/** Writes those that are not there yet, and gives their ids. One that is there with another content is refused. */
async function writeTransfers(transaction: Transaction<Tables>, plans: readonly Plan[]): Promise<Set<string>> {
  const written = new Set<string>();
  for (const some of chunksOf(plans, ROWS_AT_ONCE)) {
    const rows = await transaction
      .insertInto('transfers')
      .values(some.map(({ row }) => row))
      .onConflict((conflict) => conflict.column('id').doNothing())
      .returning('id')
      .execute();
    for (const { id } of rows) written.add(id);
    const known = some.filter(({ row }) => !written.has(row.id));
    if (known.length > 0) await mustBeSame(transaction, known);
  }
  return written;
}

async function mustBeSame(transaction: Transaction<Tables>, plans: readonly Plan[]): Promise<void> {
  const ids = plans.map(({ row }) => row.id);
  const rows = await transaction.selectFrom('transfers').select(['id', 'content']).where('id', 'in', ids).execute();
  const contents = new Map(rows.map(({ id, content }) => [id, content]));
  for (const { row } of plans) {
    if (contents.get(row.id) !== row.content) throw new GatewayError('conflict', `Transfer ${row.id} is another one`);
  }
}

async function writeEntries(transaction: Transaction<Tables>, entries: Plan['entries']): Promise<void> {
  for (const some of chunksOf(entries, ROWS_AT_ONCE)) {
    await transaction
      .insertInto('entries')
      .values(some.map((entry) => ({ id: newId('ent'), ...entry })))
      .execute();
  }
}

async function mustNotBeBelowZero(transaction: Transaction<Tables>, accounts: readonly AccountRow[]): Promise<void> {
  for (const [account, { postedFen, pendingOutFen }] of await balancesOf(transaction, accounts)) {
    if (postedFen - pendingOutFen < 0n) {
      throw new GatewayError('not_enough_money', `The ${account.kind} account does not hold that much`);
    }
  }
}

/** Several transfers, whose ids differ. `conflict` for one that is there with another content, `not_enough_money` below zero. */
export async function writeAll(transaction: Transaction<Tables>, plans: readonly Plan[]): Promise<Posted[]> {
  const accounts = inOrder(plans.flatMap((plan) => plan.accounts));
  const limited = accounts.filter(({ kind }) => NEVER_BELOW_ZERO.has(kind));
  await openAccounts(transaction, accounts);
  // Their balances are about to change. A company's are locked last, since all of its transactions wait for them.
  const isCompanys = ({ householdId }: AccountRow) => householdId === null;
  await lock(
    transaction,
    accounts.filter((account) => !isCompanys(account)),
  );
  const written = await writeTransfers(transaction, plans);
  const first = plans.filter(({ row }) => written.has(row.id));
  await lock(transaction, accounts.filter(isCompanys));
  await writeEntries(
    transaction,
    first.flatMap(({ entries }) => entries),
  );
  await mustNotBeBelowZero(transaction, limited);
  return plans.map(({ row }) => ({ id: row.id, first: written.has(row.id) }));
}

export async function write(transaction: Transaction<Tables>, plan: Plan): Promise<Posted> {
  const [posted] = await writeAll(transaction, [plan]);
  return posted ?? { id: plan.row.id, first: false };
}
