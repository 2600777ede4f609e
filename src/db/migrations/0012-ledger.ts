import { type Kysely, PostgresAdapter, sql } from 'kysely';

/**
 * The ledger. A line names the account it debits and the account it credits, so that one that does not balance cannot be written
 * down. Nothing of it is ever changed or deleted, and a transfer takes the number of lines that it was made with, no more.
 * Payments get their receipts' numbers, and those from before are carried over.
 */
const TABLES = [
  `create table accounts (id text primary key, company_id text not null references companies (id),
     household_id text references households (id), kind text not null)`,
  `create index accounts_by_company on accounts (company_id, kind)`,
  `create table transfers (id text primary key, kind text not null,
     phase text not null check (phase in ('pending', 'posted', 'voided', 'expired')),
     company_id text not null references companies (id), household_id text references households (id),
     at bigint not null, by_name text not null, reason text, reference text, expires_at bigint,
     settles text unique references transfers (id), reverses text unique references transfers (id),
     line_count integer not null check (line_count > 0), content text not null,
     check ((phase = 'pending') = (expires_at is not null)),
     check (phase = 'posted' or reverses is null), check (phase not in ('voided', 'expired') or settles is not null))`,
  `create index transfers_by_company on transfers (company_id, at)`,
  `create index transfers_by_household on transfers (household_id, at)`,
  `create index transfers_pending on transfers (expires_at) where phase = 'pending'`,
  `create table entries (id text primary key, transfer_id text not null references transfers (id),
     line integer not null check (line >= 0), phase text not null check (phase in ('pending', 'posted')),
     debit text not null references accounts (id), credit text not null references accounts (id), amount_fen bigint not null,
     unique (transfer_id, line), check (debit <> credit),
     check (amount_fen > 0 or (phase = 'pending' and amount_fen < 0)))`,
  // With the amount in them, a balance is read from the index alone.
  `create index entries_by_debit on entries (debit, phase, id, amount_fen)`,
  `create index entries_by_credit on entries (credit, phase, id, amount_fen)`,
  `create table receipt_numbers (company_id text not null references companies (id), year integer not null,
     last integer not null, primary key (company_id, year))`,
  `alter table payments rename to payments_before`,
  `drop index payments_by_household`,
  `create table payments (id text primary key, company_id text not null references companies (id),
     household_id text not null references households (id), transfer_id text not null unique references transfers (id),
     purpose text not null check (purpose in ('heating', 'deposit')), amount_fen bigint not null check (amount_fen > 0),
     method text not null, reference text not null, payer_name text not null, received_by text not null,
     received_at bigint not null, receipt_year integer not null, receipt_number integer not null, unique (company_id, receipt_year, receipt_number))`,
];

const yearOf = (time: string, onPostgres: boolean) =>
  onPostgres
    ? `cast(extract(year from to_timestamp(${time} / 1000.0) at time zone 'Asia/Shanghai') as integer)`
    : `cast(strftime('%Y', ${time} / 1000 + 28800, 'unixepoch') as integer)`;

/** Each payment from before becomes a transfer of its own, with its own id. */
const carryOver = (onPostgres: boolean) => [
  `insert into accounts (id, company_id, household_id, kind)
     select distinct h.id || ':heating', h.company_id, h.id, 'heating'
     from payments_before p join households h on h.id = p.household_id`,
  `insert into accounts (id, company_id, household_id, kind)
     select distinct h.company_id || ':' || case p.method when 'cash' then 'cash' else 'bank' end, h.company_id, cast(null as text),
       case p.method when 'cash' then 'cash' else 'bank' end
     from payments_before p join households h on h.id = p.household_id`,
  `insert into transfers (id, kind, phase, company_id, household_id, at, by_name, reference, line_count, content)
     select p.id, 'payment', 'posted', h.company_id, h.id, p.received_at, p.received_by, p.reference, 1, 'carried over'
     from payments_before p join households h on h.id = p.household_id`,
  `insert into entries (id, transfer_id, line, phase, debit, credit, amount_fen)
     select 'ent' || substr(p.id, 4), p.id, 0, 'posted', h.company_id || ':' || case p.method when 'cash' then 'cash' else 'bank' end,
       h.id || ':heating', p.amount_fen
     from payments_before p join households h on h.id = p.household_id`,
  `insert into payments (id, company_id, household_id, transfer_id, purpose, amount_fen, method, reference, payer_name, received_by,
       received_at, receipt_year, receipt_number)
     select p.id, h.company_id, h.id, p.id, 'heating', p.amount_fen, p.method, p.reference, h.name, p.received_by, p.received_at,
       ${yearOf('p.received_at', onPostgres)},
       row_number() over (partition by h.company_id, ${yearOf('p.received_at', onPostgres)} order by p.received_at, p.id)
     from payments_before p join households h on h.id = p.household_id`,
  `insert into receipt_numbers (company_id, year, last)
     select company_id, receipt_year, max(receipt_number) from payments group by company_id, receipt_year`,
  `drop table payments_before`,
  `create index payments_by_household on payments (household_id, id)`,
];

const IMMUTABLE = ['accounts', 'transfers', 'entries', 'payments'];

const noMoreLines = 'a transfer takes no further lines';

/** "insert or replace" deletes without a word to the triggers of a deletion, so what is there already is looked for before. */
const ON_SQLITE = [
  ...IMMUTABLE.flatMap((table) =>
    ['update', 'delete'].map(
      (event) => `create trigger ${table}_${event} before ${event} on ${table}
        begin select raise(abort, '${table} are never changed'); end`,
    ),
  ),
  ...['accounts', 'transfers'].map(
    (table) => `create trigger ${table}_known before insert on ${table}
      when exists (select 1 from ${table} where id = new.id) begin select raise(ignore); end`,
  ),
  `create trigger transfers_once before insert on transfers
     when exists (select 1 from transfers where settles = new.settles or reverses = new.reverses)
     begin select raise(abort, 'a transfer is settled once and reversed once'); end`,
  `create trigger entries_lines before insert on entries
     when new.line >= coalesce((select line_count from transfers where id = new.transfer_id), 0)
       or exists (select 1 from entries where id = new.id or (transfer_id = new.transfer_id and line = new.line))
     begin select raise(abort, '${noMoreLines}'); end`,
  `create trigger payments_once before insert on payments
     when exists (select 1 from payments where id = new.id or transfer_id = new.transfer_id
       or (company_id = new.company_id and receipt_year = new.receipt_year and receipt_number = new.receipt_number))
     begin select raise(abort, 'payments are never changed'); end`,
];

const ON_POSTGRES = [
  `create function hearthgate_never() returns trigger language plpgsql as $$
   begin raise exception '% are never changed', tg_table_name; end $$`,
  ...IMMUTABLE.flatMap((table) => [
    `create trigger never_changed before update or delete on ${table} for each row execute function hearthgate_never()`,
    `create trigger never_emptied before truncate on ${table} execute function hearthgate_never()`,
  ]),
  `create function hearthgate_lines() returns trigger language plpgsql as $$
   begin
     if new.line >= coalesce((select line_count from transfers where id = new.transfer_id), 0) then
       raise exception '${noMoreLines}';
     end if;
     return new;
   end $$`,
  `create trigger lines before insert on entries for each row execute function hearthgate_lines()`,
  // All of a transfer's lines are there when it is committed.
  `create function hearthgate_whole() returns trigger language plpgsql as $$
   begin
     if (select count(*) from entries where transfer_id = new.id) <> new.line_count then
       raise exception 'transfer % lacks lines', new.id;
     end if;
     return null;
   end $$`,
  `create constraint trigger whole after insert on transfers deferrable initially deferred
     for each row execute function hearthgate_whole()`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  const onPostgres = db.getExecutor().adapter instanceof PostgresAdapter;
  for (const statement of [...TABLES, ...carryOver(onPostgres), ...(onPostgres ? ON_POSTGRES : ON_SQLITE)]) {
    await sql.raw(statement).execute(db);
  }
}
