import { sql, type Transaction } from 'kysely';
import { type Caller, visibleHouseholds } from '../areas/scope.ts';
import type { Database, DatabaseOrTransaction as Reader } from '../db/database.ts';
import { type Page, pageOf } from '../db/page.ts';
import type { HouseholdRow, Tables } from '../db/schema.ts';
import type { ProposalRow } from '../db/schema-bills.ts';
import type { CommandState } from '../db/schema-commands.ts';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import { type Fen, fromFen } from '../lib/money.ts';

/** What is proposed to be done about a debt. Nothing follows from it by itself: a person dismisses it, or asks for the command. */

/** A command of this kind has done nothing, or not yet failed to. */
const UNDER_WAY: CommandState[] = ['held', 'queued', 'sent', 'acknowledged', 'confirmed'];

type Balances = (households: Pick<HouseholdRow, 'id' | 'companyId'>[], at?: Reader) => Promise<Map<string, Fen>>;

export interface ProposalFilter {
  state?: ProposalRow['state'] | undefined;
  areaCode?: string | undefined;
  companyId?: string | undefined;
}

export function createProposals({ db, clock, balancesFor }: { db: Database; clock: Clock; balancesFor: Balances }) {
  const visible = (caller: Caller, from: Reader = db) =>
    from
      .selectFrom('proposals')
      .innerJoin('households', 'households.id', 'proposals.householdId')
      .leftJoin('commands', 'commands.id', 'proposals.commandId')
      .selectAll('proposals')
      .select(['households.accountNo', 'households.name', 'households.areaCode', 'households.companyId'])
      .select(['commands.terminalId', 'commands.state as commandState'])
      .where(visibleHouseholds(caller));

  async function get(caller: Caller, id: string, from: Reader = db) {
    const found = await visible(caller, from).where('proposals.id', '=', id).executeTakeFirst();
    if (!found) throw new GatewayError('not_found');
    return found;
  }

  /** Of two people at once, one decides. */
  async function decide(
    transaction: Transaction<Tables>,
    caller: Caller,
    id: string,
    decision: Pick<ProposalRow, 'state' | 'reason'> & Partial<Pick<ProposalRow, 'commandId'>>,
  ): Promise<void> {
    const { numUpdatedRows } = await transaction
      .updateTable('proposals')
      .set({ ...decision, decidedAt: clock.now(), decidedBy: caller.name })
      .where('id', '=', id)
      .where('state', '=', 'open')
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) await refuse(transaction, caller, id);
  }

  async function refuse(transaction: Transaction<Tables>, caller: Caller, id: string): Promise<never> {
    const { state } = await get(caller, id, transaction);
    throw new GatewayError('wrong_state', `The proposal is ${state}`);
  }

  return {
    get,

    /** One for each household that has none, and for which nobody has asked for a command yet. */
    async propose(
      transaction: Transaction<Tables>,
      cause: NonNullable<ProposalRow['cause']>,
      owing: { householdId: string; owedFen: Fen }[],
    ): Promise<void> {
      if (owing.length === 0) return;
      const ids = owing.map(({ householdId }) => householdId);
      const accepted = await transaction
        .selectFrom('proposals')
        .innerJoin('commands', 'commands.id', 'proposals.commandId')
        .select('proposals.householdId')
        .where('proposals.householdId', 'in', ids)
        .where('proposals.state', '=', 'accepted')
        .where('commands.state', 'in', UNDER_WAY)
        .execute();
      const done = new Set(accepted.map(({ householdId }) => householdId));
      const rows = owing
        .filter(({ householdId }) => !done.has(householdId))
        .map(
          ({ householdId, owedFen }): ProposalRow => ({
            id: newId('prop'),
            householdId,
            kind: 'switch_off',
            cause,
            state: 'open',
            owedFen: fromFen(owedFen),
            madeAt: clock.now(),
            decidedAt: null,
            decidedBy: null,
            reason: null,
            commandId: null,
          }),
        );
      if (rows.length === 0) return;
      await transaction
        .insertInto('proposals')
        .values(rows)
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    },

    /** The debts of these households are paid. Who had decided stays known. */
    async end(at: Reader, ids: string[]): Promise<void> {
      await at
        .updateTable('proposals')
        .set((row) => ({
          state: 'over' as const,
          decidedAt: sql<number>`coalesce(${row.ref('decidedAt')}, ${clock.now()})`,
        }))
        .where('householdId', 'in', ids)
        .where('state', 'in', ['open', 'accepted'])
        .execute();
    },

    /** The newest first, each with what the household has now: below zero it owes. */
    async list(caller: Caller, { limit, cursor, state, areaCode, companyId }: Page & ProposalFilter) {
      const rows = await visible(caller)
        .$if(state !== undefined, (query) => query.where('proposals.state', '=', state ?? 'open'))
        .$if(areaCode !== undefined, (query) => query.where('households.areaCode', 'like', `${areaCode}%`))
        .$if(companyId !== undefined, (query) => query.where('households.companyId', '=', companyId ?? ''))
        .$if(cursor !== undefined, (query) => query.where('proposals.id', '<', cursor ?? ''))
        .orderBy('proposals.id', 'desc')
        .limit(limit + 1)
        .execute();
      const page = pageOf(rows, limit);
      return { ...page, items: await withBalances(page.items) };
    },

    async shown(caller: Caller, id: string) {
      const [one] = await withBalances([await get(caller, id)]);
      if (!one) throw new GatewayError('not_found');
      return one;
    },

    /** Throws unless it is open, and keeps others from deciding until the transaction's end. */
    async hold(transaction: Transaction<Tables>, caller: Caller, id: string): Promise<void> {
      const { numUpdatedRows } = await transaction
        .updateTable('proposals')
        .set({ state: 'open' })
        .where('id', '=', id)
        .where('state', '=', 'open')
        .executeTakeFirstOrThrow();
      if (numUpdatedRows === 0n) await refuse(transaction, caller, id);
    },

    dismiss: (transaction: Transaction<Tables>, caller: Caller, id: string, reason: string) =>
      decide(transaction, caller, id, { state: 'dismissed', reason }),

    /** With the command that was asked for, in the transaction that asked for it. */
    accept: (
      transaction: Transaction<Tables>,
      caller: Caller,
      id: string,
      { commandId, reason }: { commandId: string; reason: string | null },
    ) => decide(transaction, caller, id, { state: 'accepted', reason, commandId }),
  };

  async function withBalances<T extends { householdId: string; companyId: string }>(rows: T[]) {
    const households = rows.map(({ householdId, companyId }) => ({ id: householdId, companyId }));
    const balances = households.length === 0 ? new Map<string, Fen>() : await balancesFor(households);
    return rows.map((row) => ({ ...row, balanceFen: balances.get(row.householdId) ?? 0n }));
  }
}
type Proposals = ReturnType<typeof createProposals>;
export type ShownProposal = Awaited<ReturnType<Proposals['shown']>>;
