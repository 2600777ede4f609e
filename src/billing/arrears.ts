import type { Transaction } from 'kysely';
import { type Caller, visibleHouseholds } from '../areas/scope.ts';
import type { Database, DatabaseOrTransaction as Reader } from '../db/database.ts';
import { type Page, pageOf } from '../db/page.ts';
import type { HouseholdRow, Tables } from '../db/schema.ts';
import type { NoticeRow } from '../db/schema-bills.ts';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import { type Fen, fromFen, toFen } from '../lib/money.ts';
import { householdAccount } from './accounts.ts';
import { balancesOf } from './balances.ts';
import { openLocked } from './postings.ts';
import { createProposals } from './proposals.ts';
import type { Mode } from './terms.ts';

/**
 * Who owes, what was told to them, and what is proposed. Nothing here switches anything: a proposal waits for a person, who may dismiss
 * it or give a command, which the rules for commands judge.
 */

export type OwingHousehold = Pick<HouseholdRow, 'id' | 'companyId' | 'accountNo' | 'name' | 'areaCode'> & {
  owedFen: Fen;
  notices: NoticeRow[];
};

export function createArrears({ db, clock }: { db: Database; clock: Clock }) {
  /** Below zero when the household owes. */
  async function balancesFor(households: Pick<HouseholdRow, 'id' | 'companyId'>[], at: Reader = db) {
    const accounts = households.map((one) => householdAccount(one, 'heating'));
    const balances = await balancesOf(at, accounts);
    return new Map(accounts.map((account) => [account.householdId ?? '', balances.get(account)?.postedFen ?? 0n]));
  }

  const proposals = createProposals({ db, clock, balancesFor });

  /** Whoever gives a notice and whoever ends notices wait for each other, so that no notice outlives a debt that was paid meanwhile. */
  async function lockedBalance(
    transaction: Transaction<Tables>,
    household: Pick<HouseholdRow, 'id' | 'companyId'>,
  ): Promise<Fen> {
    await openLocked(transaction, [householdAccount(household, 'heating')]);
    return (await balancesFor([household], transaction)).get(household.id) ?? 0n;
  }

  async function currentNotices(ids: string[], at: Reader = db): Promise<NoticeRow[]> {
    if (ids.length === 0) return [];
    return at
      .selectFrom('notices')
      .selectAll()
      .where('householdId', 'in', ids)
      .where('overAt', 'is', null)
      .orderBy('id')
      .execute();
  }

  /** Nothing is owed any more: notices and proposals of this debt are over. */
  async function end(at: Reader, ids: string[]): Promise<void> {
    if (ids.length === 0) return;
    await at
      .updateTable('notices')
      .set({ overAt: clock.now() })
      .where('householdId', 'in', ids)
      .where('overAt', 'is', null)
      .execute();
    await proposals.end(at, ids);
  }

  const noticeOf = (notice: Pick<NoticeRow, 'householdId' | 'step' | 'givenBy'> & { owedFen: Fen }): NoticeRow => ({
    ...notice,
    id: newId('note'),
    at: clock.now(),
    owedFen: fromFen(notice.owedFen),
    overAt: null,
  });

  return {
    proposals,

    /** What somebody who judges a command asks: undefined when the household owes nothing, or is none. */
    async noticesOf(
      householdId: string,
      from: Reader = db,
    ): Promise<{ owedFen: Fen; notices: { step: NoticeRow['step']; at: number }[] } | undefined> {
      const household = await from
        .selectFrom('households')
        .selectAll()
        .where('id', '=', householdId)
        .executeTakeFirst();
      if (!household) return undefined;
      const owedFen = -((await balancesFor([household], from)).get(householdId) ?? 0n);
      if (owedFen <= 0n) return undefined;
      // A warning that money runs out speaks of no debt yet.
      const notices = (await currentNotices([householdId], from)).filter(({ step }) => step !== 'low_balance');
      return { owedFen, notices: notices.map(({ step, at }) => ({ step, at })) };
    },

    /** After money came. */
    async settled(householdId: string): Promise<void> {
      const household = await db.selectFrom('households').selectAll().where('id', '=', householdId).executeTakeFirst();
      if (!household) return;
      await db.transaction().execute(async (transaction) => {
        if ((await lockedBalance(transaction, household)) >= 0n) await end(transaction, [householdId]);
      });
    },

    /** Refused when nothing is owed. The last step of the ladder makes a proposal. */
    async giveNotice(caller: Caller, household: HouseholdRow, step: NoticeRow['step']): Promise<NoticeRow> {
      return db.transaction().execute(async (transaction) => {
        const balance = await lockedBalance(transaction, household);
        if (balance >= 0n) throw new GatewayError('wrong_state', 'The household owes nothing');
        const owing = { householdId: household.id, owedFen: -balance };
        const row = noticeOf({ ...owing, step, givenBy: caller.name });
        await transaction.insertInto('notices').values(row).execute();
        if (step === 'final_notice') await proposals.propose(transaction, 'final_notice', [owing]);
        return row;
      });
    },

    /** The newest first. */
    async noticesGiven(householdId: string, { limit, cursor }: Page) {
      let query = db.selectFrom('notices').selectAll().where('householdId', '=', householdId);
      if (cursor) query = query.where('id', '<', cursor);
      return pageOf(
        await query
          .orderBy('id', 'desc')
          .limit(limit + 1)
          .execute(),
        limit,
      );
    },

    /** Prepaid households after a charge: who has little is warned once, and a proposal is made where the emergency credit is used up. */
    async review(
      transaction: Transaction<Tables>,
      households: HouseholdRow[],
      modes: ReadonlyMap<string, Mode>,
      lowBalanceFen: Fen,
    ): Promise<void> {
      const balances = await balancesFor(households, transaction);
      const of = (id: string) => balances.get(id) ?? 0n;
      const low = households.filter(({ id }) => of(id) < lowBalanceFen);
      const told = await currentNotices(
        low.map(({ id }) => id),
        transaction,
      );
      const warned = new Set(told.filter(({ step }) => step === 'low_balance').map(({ householdId }) => householdId));
      const warnings = low
        .filter(({ id }) => !warned.has(id))
        .map(({ id }) => {
          const owedFen = of(id) < 0n ? -of(id) : 0n;
          return noticeOf({ householdId: id, step: 'low_balance', owedFen, givenBy: 'gateway' });
        });
      if (warnings.length > 0) await transaction.insertInto('notices').values(warnings).execute();
      const over = low.filter(({ id }) => of(id) < -BigInt(modes.get(id)?.emergencyCreditFen ?? 0));
      await proposals.propose(
        transaction,
        'credit_used_up',
        over.map(({ id }) => ({ householdId: id, owedFen: -of(id) })),
      );
      await end(
        transaction,
        households.filter(({ id }) => of(id) >= lowBalanceFen).map(({ id }) => id),
      );
    },

    /** Households that owe, in the order of their ids. Only those are looked at, however many owe nothing. */
    async owing(caller: Caller, filter: Page & { areaCode?: string | undefined; companyId?: string | undefined }) {
      const { limit, cursor, areaCode, companyId } = filter;
      const rows = await db
        .selectFrom('balances')
        .innerJoin('accounts', 'accounts.id', 'balances.accountId')
        .innerJoin('households', 'households.id', 'accounts.householdId')
        .select(['households.id', 'households.companyId', 'households.accountNo', 'households.name'])
        .select(['households.areaCode', 'balances.debitFen', 'balances.creditFen'])
        .whereRef('balances.debitFen', '>', 'balances.creditFen')
        .where('accounts.kind', '=', 'heating')
        .where(visibleHouseholds(caller))
        .$if(areaCode !== undefined, (query) => query.where('households.areaCode', 'like', `${areaCode}%`))
        .$if(companyId !== undefined, (query) => query.where('households.companyId', '=', companyId ?? ''))
        .$if(cursor !== undefined, (query) => query.where('balances.accountId', '>', `${cursor}:heating`))
        .orderBy('balances.accountId')
        .limit(limit + 1)
        .execute();
      const owing = rows.map(
        ({ debitFen, creditFen, ...row }): OwingHousehold => ({
          ...row,
          owedFen: toFen(debitFen) - toFen(creditFen),
          notices: [],
        }),
      );
      const { items, nextCursor } = pageOf(owing, limit);
      return { items: await withNotices(items), nextCursor };
    },
  };

  async function withNotices(items: OwingHousehold[]): Promise<OwingHousehold[]> {
    const ids = items.map(({ id }) => id);
    const notices = Map.groupBy(await currentNotices(ids), ({ householdId }) => householdId);
    return items.map((item) => ({ ...item, notices: notices.get(item.id) ?? [] }));
  }
}
export type Arrears = ReturnType<typeof createArrears>;
