import type { Transaction } from 'kysely';
import { type Database, isPostgres } from '../db/database.ts';
import type { Tables } from '../db/schema.ts';
import type { AccountRow, EntryRow, TransferRow } from '../db/schema-billing.ts';
import { GatewayError } from '../lib/errors.ts';
import { toFen } from '../lib/money.ts';
import { type Balance, balancesOf, entriesOf } from './balances.ts';
import { type Line, openLocked, type Posted, type Posting, planOf, write, writeAll } from './postings.ts';

/**
 * The ledger: money moves only by a transfer, whose lines each debit one account and credit another, and nothing is ever changed.
 * What was wrong is taken back by a further transfer. A transfer's id is made by who asks, so that to ask twice is to ask once.
 */

export type { Balance, Line, Posted, Posting };
export type Outcome = 'posted' | 'voided' | 'expired';

/** When it is, epoch ms, who does it and why. */
export interface Act {
  at: number;
  by: string;
  reason?: string | undefined;
}

/** A gateway may be slow to commit, or its clock ahead: what came to its end within this time is looked at again. */
const LATE_MS = 3_600_000;
const EXPIRED_AT_ONCE = 500;

/** The row, which nobody else settles or reverses until the transaction's end. */
async function lockedTransfer(transaction: Transaction<Tables>, id: string): Promise<TransferRow> {
  const row = await transaction
    .selectFrom('transfers')
    .selectAll()
    .where('id', '=', id)
    .$if(isPostgres(transaction), (query) => query.forNoKeyUpdate())
    .executeTakeFirst();
  if (!row) throw new GatewayError('not_found', `There is no transfer ${id}`);
  return row;
}

async function linesOf(
  transaction: Transaction<Tables>,
  transferId: string,
  phase: EntryRow['phase'],
): Promise<Line[]> {
  const rows = await transaction
    .selectFrom('entries')
    .selectAll()
    .where('transferId', '=', transferId)
    .where('phase', '=', phase)
    .orderBy('line')
    .execute();
  const ids = rows.flatMap(({ debit, credit }) => [debit, credit]);
  const found = await transaction.selectFrom('accounts').selectAll().where('id', 'in', ids).execute();
  const accountOf = (id: string): AccountRow => {
    const account = found.find((one) => one.id === id);
    if (!account) throw new RangeError(`no account ${id}`);
    return account;
  };
  return rows.map(({ debit, credit, amountFen }) => ({
    debit: accountOf(debit),
    credit: accountOf(credit),
    amountFen: toFen(amountFen),
  }));
}

/** Books; each in the transaction of who asks, so that it counts together with what it was asked for, or not at all. */
export function createLedger({ db }: { db: Database }) {
  let expiredUntil = 0;

  async function settle(
    transaction: Transaction<Tables>,
    id: string,
    outcome: Outcome,
    { at, by, reason }: Act,
  ): Promise<Posted> {
    const pending = await lockedTransfer(transaction, id);
    if (pending.phase !== 'pending') throw new GatewayError('wrong_state', `Transfer ${id} is not pending`);
    const before = await transaction.selectFrom('transfers').selectAll().where('settles', '=', id).executeTakeFirst();
    if (before && before.phase !== outcome) {
      throw new GatewayError('wrong_state', `Transfer ${id} is ${before.phase} already`);
    }
    if (before) return { id: before.id, first: false };
    const lines = await linesOf(transaction, id, 'pending');
    return write(
      transaction,
      planOf(
        {
          id: `${id}:${outcome}`,
          kind: pending.kind,
          companyId: pending.companyId,
          householdId: pending.householdId ?? undefined,
          reference: pending.reference ?? undefined,
          lines: outcome === 'posted' ? lines : [],
          at,
          by,
          reason,
        },
        { phase: outcome, settles: id, releases: lines },
      ),
    );
  }

  return {
    /** Posts at once. The same id with the same content changes nothing more; with another it is a `conflict`. */
    post: (transaction: Transaction<Tables>, posting: Posting): Promise<Posted> =>
      write(transaction, planOf(posting, { phase: 'posted' })),

    /** Many, as of a billing run, with few statements. Their ids differ. Gives what `post` would of each, in order. */
    postAll: (transaction: Transaction<Tables>, postings: readonly Posting[]): Promise<Posted[]> =>
      writeAll(
        transaction,
        postings.map((posting) => planOf(posting, { phase: 'posted' })),
      ),

    /** Notes what is about to happen: it shows apart from balances, and what it takes cannot be spent otherwise, until it is settled. */
    reserve: (transaction: Transaction<Tables>, posting: Posting & { expiresAt: number }): Promise<Posted> =>
      write(transaction, planOf(posting, { phase: 'pending', expiresAt: posting.expiresAt })),

    /** A pending transfer takes place, by a transfer `{id}:posted`. `wrong_state` when it was voided or has expired. */
    settle: (transaction: Transaction<Tables>, id: string, act: Act) => settle(transaction, id, 'posted', act),

    /** A pending transfer does not take place. `wrong_state` when it did or has expired. */
    void: (transaction: Transaction<Tables>, id: string, act: Act) => settle(transaction, id, 'voided', act),

    /** Ends what was pending until `now`; gives the ids. Looked at by every gateway, done by one. */
    async expire(now: number): Promise<string[]> {
      const expired: string[] = [];
      for (let more = true; more; ) {
        const rows = await db
          .selectFrom('transfers')
          .select('id')
          .where('phase', '=', 'pending')
          .where('expiresAt', '>', expiredUntil - LATE_MS)
          .where('expiresAt', '<=', now)
          .where((row) =>
            row.not(
              row.exists(
                row
                  .selectFrom('transfers as settled')
                  .select('settled.id')
                  .whereRef('settled.settles', '=', 'transfers.id'),
              ),
            ),
          )
          .limit(EXPIRED_AT_ONCE)
          .execute();
        for (const { id } of rows) if (await expireOne(id, now)) expired.push(id);
        more = rows.length === EXPIRED_AT_ONCE;
      }
      expiredUntil = now;
      return expired;
    },

    /** Takes a posted transfer back, once: every line the other way round. `wrong_state` when another one did already. */
    async reverse(transaction: Transaction<Tables>, id: string, reversalId: string, act: Act): Promise<Posted> {
      const row = await lockedTransfer(transaction, id);
      if (row.phase !== 'posted' || row.reverses !== null) {
        throw new GatewayError('wrong_state', `Transfer ${id} cannot be reversed`);
      }
      const before = await transaction
        .selectFrom('transfers')
        .select('id')
        .where('reverses', '=', id)
        .executeTakeFirst();
      if (before && before.id !== reversalId)
        throw new GatewayError('wrong_state', `Transfer ${id} is reversed already`);
      const lines = await linesOf(transaction, id, 'posted');
      const { companyId, householdId, reference } = row;
      return write(
        transaction,
        planOf(
          {
            id: reversalId,
            kind: 'reversal',
            companyId,
            householdId: householdId ?? undefined,
            reference: reference ?? undefined,
            lines: lines.map(({ debit, credit, amountFen }) => ({ debit: credit, credit: debit, amountFen })),
            ...act,
          },
          { phase: 'posted', reverses: id },
        ),
      );
    },

    /** Keeps other transactions that lock one of these accounts waiting until this one's end. Lock before you decide by a balance. */
    lock: openLocked,

    /** What people call its balance: of a household's account what it has, of cash and bank what is there. */
    async balance(account: AccountRow, at: Database | Transaction<Tables> = db): Promise<Balance> {
      const balances = await balancesOf(at, [account]);
      return balances.get(account) ?? { postedFen: 0n, pendingInFen: 0n, pendingOutFen: 0n };
    },
    balances: (accounts: readonly AccountRow[]) => balancesOf(db, accounts),

    /** Posted lines of an account, the newest first, with the balance after each. */
    entriesOf: (account: AccountRow, page: Parameters<typeof entriesOf>[2]) => entriesOf(db, account, page),
  };

  async function expireOne(id: string, now: number): Promise<boolean> {
    try {
      const { first } = await db
        .transaction()
        .execute((transaction) => settle(transaction, id, 'expired', { at: now, by: 'gateway' }));
      return first;
    } catch (error) {
      // It was settled at this very moment.
      if (error instanceof GatewayError && error.code === 'wrong_state') return false;
      throw error;
    }
  }
}
export type Ledger = ReturnType<typeof createLedger>;
