import { type Kysely, sql } from 'kysely';

/** Orders at payment providers, what came back of them, what the providers told, and how their statements compare. */
const STATEMENTS = [
  `create table payment_orders (id text primary key, household_id text not null references households (id),
     company_id text not null references companies (id), bill_id text, provider text not null,
     amount_fen bigint not null check (amount_fen > 0),
     refunded_fen bigint not null check (refunded_fen >= 0 and refunded_fen <= amount_fen),
     state text not null check (state in ('open', 'paid', 'closed', 'refunding', 'refunded', 'held')), code_url text,
     transaction_id text, note text, created_by text not null, created_at bigint not null, expires_at bigint not null,
     paid_at bigint, ask_at bigint, asked integer not null, failed integer not null, unique (provider, transaction_id))`,
  `create index payment_orders_by_household on payment_orders (household_id, id)`,
  `create index payment_orders_to_ask on payment_orders (ask_at) where ask_at is not null`,
  `create index payment_orders_by_paid on payment_orders (provider, paid_at)`,
  `create table payment_refunds (id text primary key, order_id text not null references payment_orders (id),
     provider text not null, refund_no text not null, amount_fen bigint not null check (amount_fen > 0), reason text not null,
     state text not null check (state in ('pending', 'done', 'failed')), requested_by text not null,
     created_at bigint not null, done_at bigint, unique (provider, refund_no))`,
  `create index payment_refunds_by_order on payment_refunds (order_id, id)`,
  `create index payment_refunds_by_done on payment_refunds (provider, done_at)`,
  `create table payment_notifications (id text primary key, provider text not null, notification_id text not null,
     source text not null, kind text not null, order_id text, company_id text, transaction_id text, amount_fen bigint,
     state text not null check (state in ('taken', 'held')), reason text, content text not null, received_at bigint not null,
     unique (provider, notification_id))`,
  `create index payment_notifications_by_state on payment_notifications (state, id)`,
  `create index payment_notifications_by_order on payment_notifications (order_id, id)`,
  `create table reconciliations (id text primary key, provider text not null, date text not null,
     state text not null check (state in ('running', 'done', 'failed')), started_at bigint not null, finished_at bigint,
     line_count integer not null, paid_fen bigint not null, refunded_fen bigint not null, fee_fen bigint not null, detail text,
     unique (provider, date))`,
  `create table differences (id text primary key, provider text not null, date text not null, same_as text not null,
     kind text not null, about text not null, order_id text, company_id text, transaction_id text, ours_fen bigint,
     theirs_fen bigint, state text not null check (state in ('open', 'explained')), explained_by text, explained_at bigint,
     explanation text, found_at bigint not null, unique (provider, date, same_as))`,
  `create index differences_by_state on differences (state, id)`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
