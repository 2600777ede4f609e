import type { Transaction } from 'kysely';
import type { Caller } from '../areas/scope.ts';
import type { Database } from '../db/database.ts';
import type { Tables } from '../db/schema.ts';
import { GatewayError } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import type { Fen } from '../lib/money.ts';
import { householdAccount } from './accounts.ts';
import { depositStatement, movesOf, type StatementQuery } from './deposit-moves.ts';
import type { Act, Ledger, Posted } from './ledger.ts';
import { type CounterMethod, moneyAt, type NewPayment, type Payer, type Payment, type Payments } from './payments.ts';

/**
 * The deposit 押金 that a household pays once, before its terminals are installed, and that the company holds for it. It is received
 * at the counter, offset against what the household owes, or given back.
 */

export interface Deposit {
  heldFen: Fen;
  /** What is still to be paid: the deposit less what was received and not given back. What was offset is not asked for again. */
  dueFen: Fen;
}

const least = (a: Fen, b: Fen): Fen => (a < b ? a : b);

export function createDeposits(parts: { db: Database; ledger: Ledger; payments: Payments; depositFen: Fen }) {
  const { db, ledger, payments, depositFen } = parts;

  async function of(
    payer: Pick<Payer, 'id' | 'companyId'>,
    from: Database | Transaction<Tables> = db,
  ): Promise<Deposit> {
    const moved = await movesOf(from, householdAccount(payer, 'deposit').id);
    const heldFen = moved.reduce((sum, { amountFen }) => sum + amountFen, 0n);
    const offsetFen = moved
      .filter((move) => move.kind === 'deposit_offset')
      .reduce((sum, { amountFen }) => sum + amountFen, 0n);
    const paidFen = heldFen - offsetFen;
    return { heldFen, dueFen: paidFen < depositFen ? depositFen - paidFen : 0n };
  }

  /** Both accounts are locked, so that what is decided by them stays true until the end of the transaction. */
  async function look(transaction: Transaction<Tables>, payer: Payer) {
    const [deposit, heating] = [householdAccount(payer, 'deposit'), householdAccount(payer, 'heating')];
    await ledger.lock(transaction, [deposit, heating]);
    const { postedFen } = await ledger.balance(heating, transaction);
    return { deposit, heating, owedFen: postedFen < 0n ? -postedFen : 0n, ...(await of(payer, transaction)) };
  }

  return {
    of,
    statement: (caller: Caller, query: StatementQuery) => depositStatement(db, caller, query),

    /** Money at the counter, in one or more parts, never more than is due. */
    async receive(
      transaction: Transaction<Tables>,
      payer: Payer,
      { amountFen, ...rest }: Omit<NewPayment, 'amountFen'> & { amountFen?: Fen | undefined },
      act: Act,
    ): Promise<Payment> {
      const { dueFen } = await look(transaction, payer);
      const takes = amountFen ?? dueFen;
      if (dueFen === 0n) throw new GatewayError('wrong_state', 'No deposit is due');
      if (takes > dueFen) throw new GatewayError('wrong_state', `Of the deposit, no more than ${dueFen} fen are due`);
      return payments.record(transaction, payer, { ...rest, amountFen: takes, purpose: 'deposit' }, act);
    },

    /** Pays with the deposit what the household owes, and no more than that; all of it where no amount is given. */
    async offset(
      transaction: Transaction<Tables>,
      payer: Payer,
      amountFen: Fen | undefined,
      act: Act,
    ): Promise<Posted & { amountFen: Fen }> {
      const { deposit, heating, owedFen, heldFen } = await look(transaction, payer);
      const takes = amountFen ?? least(heldFen, owedFen);
      if (owedFen === 0n) throw new GatewayError('wrong_state', 'The household owes nothing');
      if (takes > owedFen) throw new GatewayError('wrong_state', `The household owes no more than ${owedFen} fen`);
      if (takes === 0n || takes > heldFen) throw new GatewayError('not_enough_money');
      const posted = await ledger.post(transaction, {
        id: newId('tr'),
        kind: 'deposit_offset',
        companyId: payer.companyId,
        householdId: payer.id,
        lines: [{ debit: deposit, credit: heating, amountFen: takes }],
        ...act,
      });
      return { ...posted, amountFen: takes };
    },

    /** Gives it back at the counter; all of it where no amount is given. What is owed must be paid or offset first. */
    async refund(
      transaction: Transaction<Tables>,
      payer: Payer,
      { amountFen, method, reference }: { amountFen?: Fen | undefined; method: CounterMethod; reference: string },
      act: Act,
    ): Promise<Posted & { amountFen: Fen }> {
      const { deposit, owedFen, heldFen } = await look(transaction, payer);
      const gives = amountFen ?? heldFen;
      if (owedFen > 0n) throw new GatewayError('wrong_state', `The household owes ${owedFen} fen`);
      if (gives === 0n || gives > heldFen) throw new GatewayError('not_enough_money');
      const posted = await ledger.post(transaction, {
        id: newId('tr'),
        kind: 'deposit_refund',
        companyId: payer.companyId,
        householdId: payer.id,
        reference,
        lines: [{ debit: deposit, credit: moneyAt(payer.companyId, method), amountFen: gives }],
        ...act,
      });
      return { ...posted, amountFen: gives };
    },
  };
}
