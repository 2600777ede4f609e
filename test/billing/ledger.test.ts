import { DatabaseSync } from 'node:sqlite';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { companyAccount, householdAccount } from '../../src/billing/accounts.ts';
import type { Posting } from '../../src/billing/ledger.ts';
import { newId } from '../../src/lib/ids.ts';
import { ACT, type Books, type Household, NOW, openBooks } from './stage.ts';

/** The ledger, and what the database itself refuses. */

const cash = ({ companyId }: Household) => companyAccount(companyId, 'cash');
const heating = (household: Household) => householdAccount(household, 'heating');
const deposit = (household: Household) => householdAccount(household, 'deposit');

const paid = (household: Household, amountFen: bigint, id = newId('tr')): Posting => ({
  id,
  kind: 'payment',
  companyId: household.companyId,
  householdId: household.id,
  lines: [{ debit: cash(household), credit: heating(household), amountFen }],
  ...ACT,
});

const post = ({ db, ledger }: Books, posting: Posting) =>
  db.transaction().execute((transaction) => ledger.post(transaction, posting));
const reserve = ({ db, ledger }: Books, posting: Posting, expiresAt = NOW + 1_000) =>
  db.transaction().execute((transaction) => ledger.reserve(transaction, { ...posting, expiresAt }));
const settle = ({ db, ledger }: Books, id: string) =>
  db.transaction().execute((transaction) => ledger.settle(transaction, id, ACT));
const voided = ({ db, ledger }: Books, id: string) =>
  db.transaction().execute((transaction) => ledger.void(transaction, id, ACT));
const reverse = ({ db, ledger }: Books, id: string, newOne = newId('rev')) =>
  db.transaction().execute((transaction) => ledger.reverse(transaction, id, newOne, { ...ACT, reason: 'wrong' }));
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error) => error.code,
  );

const posted = async ({ ledger }: Books, account: Parameters<Books['ledger']['balance']>[0]) =>
  (await ledger.balance(account)).postedFen;

describe('the database itself refuses', () => {
  /** Its words, or that it let it pass. */
  const refusal = (books: Books, statement: string) =>
    books.run(statement).then(
      () => 'it was done',
      (error) => String(error.message),
    );

  test.each([
    ['a transfer’s amount', `update entries set amount_fen = 1`],
    ['whose a line is', `update entries set credit = 'co_a:bank'`],
    ['who did it', `update transfers set by_name = 'somebody'`],
    ['a payment', `update payments set amount_fen = 1`],
    ['an account', `update accounts set household_id = 'hh_1'`],
  ])('to change %s', async (_what, statement) => {
    await using books = await openBooks();
    const { db, payments, household } = books;
    const payment = { amountFen: 500n, method: 'cash', reference: 'R' } as const;
    await db.transaction().execute((transaction) => payments.record(transaction, household, payment, ACT));
    expect(await refusal(books, statement)).toMatch(/are never changed/);
    expect(await posted(books, heating(household))).toBe(500n);
  });

  test.each(['entries', 'transfers', 'payments', 'accounts'])('to delete from %s', async (table) => {
    await using books = await openBooks();
    const { db, payments, household } = books;
    const payment = { amountFen: 500n, method: 'cash', reference: 'R' } as const;
    await db.transaction().execute((transaction) => payments.record(transaction, household, payment, ACT));
    expect(await refusal(books, `delete from ${table}`)).toMatch(/are never changed/);
    if (books.isPostgres) expect(await refusal(books, `truncate ${table} cascade`)).toMatch(/are never changed/);
    expect(await posted(books, heating(household))).toBe(500n);
  });

  const line = (values: string) =>
    `insert into entries (id, transfer_id, line, phase, debit, credit, amount_fen) values ${values}`;
  const header = (id: string, lines: number) =>
    `insert into transfers (id, kind, phase, company_id, at, by_name, line_count, content)
       values ('${id}', 'payment', 'posted', 'co_a', 1, 'x', ${lines}, 'x')`;

  test.each([
    ['that credits nobody', `('e1', 't1', 0, 'posted', 'co_a:cash', null, 5)`, /null/i],
    ['that debits nobody', `('e1', 't1', 0, 'posted', null, 'co_a:cash', 5)`, /null/i],
    ['from an account to itself', `('e1', 't1', 0, 'posted', 'co_a:cash', 'co_a:cash', 5)`, /check/i],
    ['of nothing', `('e1', 't1', 0, 'posted', 'co_a:cash', 'hh_0:heating', 0)`, /check/i],
    ['of less than nothing', `('e1', 't1', 0, 'posted', 'co_a:cash', 'hh_0:heating', -5)`, /check/i],
    ['for an account that is not there', `('e1', 't1', 0, 'posted', 'co_a:cash', 'hh_7:heating', 5)`, /foreign key/i],
    [
      'beyond those that its transfer has',
      `('e1', 't1', 1, 'posted', 'co_a:cash', 'hh_0:heating', 5)`,
      /no further lines/,
    ],
    ['of no transfer', `('e1', 't7', 0, 'posted', 'co_a:cash', 'hh_0:heating', 5)`, /no further lines/],
  ])('a line %s', async (_what, values, words) => {
    await using books = await openBooks();
    await post(books, paid(books.household, 100n));
    // Both in one transaction, as the first would be refused without its line.
    const both = books.db.transaction().execute(async (transaction) => {
      await sql.raw(header('t1', 1)).execute(transaction);
      await sql.raw(line(values)).execute(transaction);
    });
    expect(
      await both.then(
        () => 'it was done',
        (error) => String(error.message),
      ),
    ).toMatch(words);
  });

  test('a further line in a transfer that is there', async () => {
    await using books = await openBooks();
    await post(books, paid(books.household, 100n, 'tr_whole'));
    for (const number of [0, 1, 2, -1]) {
      const values = `('e${number}', 'tr_whole', ${number}, 'posted', 'co_a:cash', 'hh_0:heating', 5)`;
      expect(await refusal(books, line(values))).not.toBe('it was done');
    }
    expect(await posted(books, heating(books.household))).toBe(100n);
  });

  test('two reversals, and two ends, of one transfer', async () => {
    await using books = await openBooks();
    await post(books, paid(books.household, 100n, 'tr_1'));
    await reverse(books, 'tr_1');
    const columns = 'id, kind, phase, company_id, at, by_name, line_count, content';
    const again = `insert into transfers (${columns}, reverses) values ('r2', 'reversal', 'posted', 'co_a', 1, 'x', 1, 'x', 'tr_1')`;
    expect(await refusal(books, again)).toMatch(/unique|once/i);
  });

  test('to put another row in the place of one, by whoever opens the file beside the gateway', async ({ skip }) => {
    await using books = await openBooks();
    skip(books.isPostgres, 'SQLite’s own statement');
    await post(books, paid(books.household, 100n, 'tr_1'));
    using beside = new DatabaseSync(books.file, { enableForeignKeyConstraints: false });
    const replace = (statement: string) => {
      try {
        beside.exec(statement.replace('insert', 'insert or replace'));
      } catch (error) {
        return String(error);
      }
      return 'it was done';
    };
    const { id } = await books.db.selectFrom('entries').select('id').executeTakeFirstOrThrow();
    expect(replace(line(`('${id}', 'tr_1', 0, 'posted', 'co_a:cash', 'hh_0:heating', 9)`))).toMatch(/no further lines/);
    // Taken for one that is there already, as the gateway itself writes it twice.
    replace(header('tr_1', 5));
    const transfer = await books.db.selectFrom('transfers').selectAll().executeTakeFirstOrThrow();
    expect(transfer).toMatchObject({ lineCount: 1, byName: 'clerk' });
    expect(await posted(books, heating(books.household))).toBe(100n);
  });

  test('a transfer that lacks a line', async ({ skip }) => {
    await using books = await openBooks();
    skip(!books.isPostgres, 'SQLite has no check at the end of a transaction');
    expect(await refusal(books, header('t1', 1))).toMatch(/lacks lines/);
  });
});

describe('a transfer', () => {
  test('that is asked for twice is posted once, and one with another content is a conflict', async () => {
    await using books = await openBooks();
    const { household } = books;
    const posting = paid(household, 100n);
    expect(await post(books, posting)).toEqual({ id: posting.id, first: true });
    expect(await post(books, { ...posting, at: NOW + 5, by: 'another gateway' })).toEqual({
      id: posting.id,
      first: false,
    });
    for (const other of [
      paid(household, 101n, posting.id),
      paid(books.other, 100n, posting.id),
      { ...posting, kind: 'adjustment' as const },
      { ...posting, reference: 'R' },
    ]) {
      expect(await codeOf(post(books, other))).toBe('conflict');
    }
    expect(await posted(books, heating(household))).toBe(100n);
    expect(await posted(books, heating(books.other))).toBe(0n);
  });

  test('that twenty ask for at once is posted once', async () => {
    await using books = await openBooks();
    const posting = paid(books.household, 100n);
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(books, posting)));
    expect(answers.filter(({ first }) => first)).toHaveLength(1);
    expect(await posted(books, heating(books.household))).toBe(100n);
  });

  test('that fails half way leaves nothing', async () => {
    await using books = await openBooks();
    const { household } = books;
    const takes = { debit: deposit(household), credit: cash(household), amountFen: 1n };
    const posting = paid(household, 100n);
    expect(await codeOf(post(books, { ...posting, lines: [...posting.lines, takes] }))).toBe('not_enough_money');
    expect(await posted(books, heating(household))).toBe(0n);
    expect(await books.db.selectFrom('transfers').selectAll().execute()).toEqual([]);
  });

  test('shows in the balances of both accounts, each on its own side', async () => {
    await using books = await openBooks();
    const { household } = books;
    await post(books, paid(household, 250n));
    expect(await posted(books, heating(household))).toBe(250n);
    expect(await posted(books, cash(household))).toBe(250n);
    const bill = { debit: heating(household), credit: companyAccount('co_a', 'revenue'), amountFen: 400n };
    await post(books, { ...paid(household, 1n), kind: 'bill', lines: [bill] });
    expect(await posted(books, heating(household))).toBe(-150n);
    expect(await posted(books, companyAccount('co_a', 'revenue'))).toBe(400n);
  });

  test('of a whole run is posted with the others, or not at all', async () => {
    await using books = await openBooks({ households: 1_200 });
    const { db, ledger, households } = books;
    const run = households.map((household) => paid(household, 7n, `run_${household.id}`));
    const postAll = (postings: Posting[]) =>
      db.transaction().execute((transaction) => ledger.postAll(transaction, postings));
    await post(books, paid(books.household, 7n, 'run_hh_0'));
    const answers = await postAll(run);
    expect(answers.filter(({ first }) => !first).map(({ id }) => id)).toEqual(['run_hh_0']);
    expect(await posted(books, companyAccount('co_a', 'cash'))).toBe(600n * 7n);
    const wrong = [...households.map((household) => paid(household, 7n)), paid(books.household, 8n, 'run_hh_0')];
    expect(await codeOf(postAll(wrong))).toBe('conflict');
    expect(await posted(books, companyAccount('co_b', 'cash'))).toBe(600n * 7n);
  });
});

describe('a reservation', () => {
  test('shows apart from the balance until it is settled, and is settled once', async () => {
    await using books = await openBooks();
    const { household, ledger } = books;
    await reserve(books, paid(household, 300n, 'tr_p'));
    expect(await ledger.balance(heating(household))).toEqual({ postedFen: 0n, pendingInFen: 300n, pendingOutFen: 0n });
    expect(await settle(books, 'tr_p')).toEqual({ id: 'tr_p:posted', first: true });
    expect(await settle(books, 'tr_p')).toEqual({ id: 'tr_p:posted', first: false });
    expect(await ledger.balance(heating(household))).toEqual({ postedFen: 300n, pendingInFen: 0n, pendingOutFen: 0n });
    expect(await codeOf(voided(books, 'tr_p'))).toBe('wrong_state');
    expect(await ledger.expire(NOW + 10_000)).toEqual([]);
  });

  test('that is voided or expires never counts, and cannot be settled afterwards', async () => {
    await using books = await openBooks();
    const { household, ledger } = books;
    await reserve(books, paid(household, 300n, 'tr_v'));
    await reserve(books, paid(household, 400n, 'tr_e'));
    expect(await voided(books, 'tr_v')).toEqual({ id: 'tr_v:voided', first: true });
    expect(await ledger.expire(NOW + 999)).toEqual([]);
    expect(await ledger.expire(NOW + 1_000)).toEqual(['tr_e']);
    expect(await ledger.expire(NOW + 1_000)).toEqual([]);
    for (const id of ['tr_v', 'tr_e']) expect(await codeOf(settle(books, id))).toBe('wrong_state');
    expect(await ledger.balance(heating(household))).toEqual({ postedFen: 0n, pendingInFen: 0n, pendingOutFen: 0n });
  });

  test('of what an account holds keeps it from being spent otherwise', async () => {
    await using books = await openBooks();
    const { household } = books;
    const gives = { debit: cash(household), credit: deposit(household), amountFen: 100n };
    const takes = { debit: deposit(household), credit: cash(household), amountFen: 60n };
    await post(books, { ...paid(household, 1n), lines: [gives] });
    await reserve(books, { ...paid(household, 1n, 'tr_r'), lines: [takes] });
    expect(await codeOf(post(books, { ...paid(household, 1n), lines: [takes] }))).toBe('not_enough_money');
    await voided(books, 'tr_r');
    expect(await codeOf(post(books, { ...paid(household, 1n), lines: [takes] }))).toBe('done');
  });

  test('that many want to settle, void and let expire at once comes to one end', async () => {
    await using books = await openBooks();
    await reserve(books, paid(books.household, 300n, 'tr_p'));
    const many = Array.from({ length: 12 }, (_, n) => (n % 2 ? settle(books, 'tr_p') : voided(books, 'tr_p')));
    await Promise.allSettled([...many, books.ledger.expire(NOW + 2_000)]);
    const ends = await books.db.selectFrom('transfers').select('phase').where('settles', '=', 'tr_p').execute();
    expect(ends).toHaveLength(1);
    expect(await posted(books, heating(books.household))).toBe(ends[0]?.phase === 'posted' ? 300n : 0n);
  });

  test('cannot be reversed, nor can what was never reserved be settled', async () => {
    await using books = await openBooks();
    await reserve(books, paid(books.household, 300n, 'tr_p'));
    await post(books, paid(books.household, 300n, 'tr_n'));
    expect(await codeOf(reverse(books, 'tr_p'))).toBe('wrong_state');
    expect(await codeOf(settle(books, 'tr_n'))).toBe('wrong_state');
    expect(await codeOf(settle(books, 'tr_none'))).toBe('not_found');
  });
});

test('a transfer is taken back once, however many try at once, and the lines of both stay', async () => {
  await using books = await openBooks();
  const { household, ledger } = books;
  await post(books, paid(household, 300n, 'tr_1'));
  const codes = await Promise.all(Array.from({ length: 8 }, () => codeOf(reverse(books, 'tr_1'))));
  expect(codes.filter((code) => code === 'done')).toHaveLength(1);
  expect(new Set(codes)).toEqual(new Set(['done', 'wrong_state']));
  expect(await posted(books, heating(household))).toBe(0n);
  const { items } = await ledger.entriesOf(heating(household), { limit: 10 });
  expect(items).toMatchObject([
    { kind: 'reversal', amountFen: -300n, balanceFen: 0n, reverses: 'tr_1', reason: 'wrong' },
    { kind: 'payment', amountFen: 300n, balanceFen: 300n, reversedBy: items[0]?.transferId },
  ]);
  expect(await codeOf(reverse(books, items[0]?.transferId ?? ''))).toBe('wrong_state');
});

test('ten who spend one deposit at the same time spend it once', async () => {
  await using books = await openBooks();
  const { household } = books;
  const gives = { debit: cash(household), credit: deposit(household), amountFen: 100n };
  const takes = { debit: deposit(household), credit: cash(household), amountFen: 100n };
  await post(books, { ...paid(household, 1n), lines: [gives] });
  const codes = await Promise.all(
    Array.from({ length: 10 }, () => codeOf(post(books, { ...paid(household, 1n), lines: [takes] }))),
  );
  expect(codes.filter((code) => code === 'done')).toHaveLength(1);
  expect(await posted(books, deposit(household))).toBe(0n);
});

test('the lines of an account are paged, the newest first, each with the balance after it', async () => {
  await using books = await openBooks();
  const { household, ledger } = books;
  const revenue = companyAccount('co_a', 'revenue');
  const amounts = [500n, -200n, 30n, -430n, 70n];
  for (const amountFen of amounts) {
    const line = { debit: heating(household), credit: revenue, amountFen: -amountFen };
    await post(books, amountFen > 0n ? paid(household, amountFen) : { ...paid(household, 1n), lines: [line] });
  }
  const seen: [bigint, bigint][] = [];
  let cursor: string | undefined;
  do {
    const page = await ledger.entriesOf(heating(household), { limit: 2, cursor });
    seen.push(...page.items.map(({ amountFen, balanceFen }): [bigint, bigint] => [amountFen, balanceFen]));
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  expect(seen).toEqual([
    [70n, -30n],
    [-430n, -100n],
    [30n, 330n],
    [-200n, 300n],
    [500n, 500n],
  ]);
});
