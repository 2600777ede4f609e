import { type Kysely, PostgresAdapter, sql } from 'kysely';

/**
 * What the lines of each account add up to, kept by the database itself with every line that is written, so that neither a company's
 * account nor the list of those who owe takes longer from year to year. Indexes for questions that would look through all payments and
 * transfers. Terminals of which something came for a month that is over, so that their bills are looked at.
 */
const TABLES = [
  `create table balances (account_id text primary key references accounts (id), debit_fen bigint not null, credit_fen bigint not null,
     pending_debit_fen bigint not null, pending_credit_fen bigint not null)`,
  `create index balances_owing on balances (account_id) where debit_fen > credit_fen`,
  `create index payments_by_time on payments (received_at)`,
  `create index transfers_reversals on transfers (at) where reverses is not null`,
  `create table late_use (terminal_id text primary key, from_time bigint not null, first_noted_at bigint not null,
     noted_at bigint not null)`,
];

const sums = (lines: string) => `
  select account_id, sum(case when side = 'debit' and phase = 'posted' then amount_fen else 0 end) as debit_fen,
    sum(case when side = 'credit' and phase = 'posted' then amount_fen else 0 end) as credit_fen,
    sum(case when side = 'debit' and phase = 'pending' then amount_fen else 0 end) as pending_debit_fen,
    sum(case when side = 'credit' and phase = 'pending' then amount_fen else 0 end) as pending_credit_fen
  from (select debit as account_id, 'debit' as side, phase, amount_fen from ${lines}
    union all select credit, 'credit', phase, amount_fen from ${lines}) as sides
  group by account_id`;

const COLUMNS = ['debit_fen', 'credit_fen', 'pending_debit_fen', 'pending_credit_fen'];
const ADDED = `on conflict (account_id) do update set ${COLUMNS.map((column) => `${column} = balances.${column} + excluded.${column}`).join(', ')}`;
const INTO = `insert into balances (account_id, ${COLUMNS.join(', ')})`;

const amountIn = (phase: string) => `case new.phase when '${phase}' then new.amount_fen else 0 end`;

const ON_SQLITE = [
  `create trigger entries_add after insert on entries begin
     ${INTO} values (new.debit, ${amountIn('posted')}, 0, ${amountIn('pending')}, 0) ${ADDED};
     ${INTO} values (new.credit, 0, ${amountIn('posted')}, 0, ${amountIn('pending')}) ${ADDED};
   end`,
];

/** Once for a statement, however many lines it writes. */
const ON_POSTGRES = [
  `create function hearthgate_add() returns trigger language plpgsql as $$
   begin
     ${INTO} ${sums('added')} ${ADDED};
     return null;
   end $$`,
  `create trigger adds after insert on entries referencing new table as added for each statement execute function hearthgate_add()`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  const onPostgres = db.getExecutor().adapter instanceof PostgresAdapter;
  const carryOver = `${INTO} ${sums('entries')}`;
  for (const statement of [...TABLES, carryOver, ...(onPostgres ? ON_POSTGRES : ON_SQLITE)]) {
    await sql.raw(statement).execute(db);
  }
}
