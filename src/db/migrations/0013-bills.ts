import { type Kysely, sql } from 'kysely';

const STATEMENTS = [
  `create table household_tariffs (household_id text not null references households (id), metric text not null, since text not null,
     tariff text not null, tier_reset text, set_by text not null, set_at bigint not null,
     primary key (household_id, metric, since))`,
  `create table billing_modes (subject_id text not null, since text not null, mode text not null, emergency_credit_fen bigint not null,
     set_by text not null, set_at bigint not null, primary key (subject_id, since))`,
  `create table usage_corrections (id text primary key, terminal_id text not null, metric text not null, day text not null,
     amount text not null, reason text not null, corrected_by text not null, corrected_at bigint not null)`,
  `create index usage_corrections_by_terminal on usage_corrections (terminal_id, metric, day)`,
  `create table billing_runs (id text primary key, kind text not null, company_id text not null references companies (id),
     period text not null, through text not null, dry_run integer not null, state text not null, gateway_id text not null,
     requested_by text not null, reason text, created_at bigint not null, finished_at bigint, after_household text not null,
     households integer not null, seen integer not null, made integer not null, held integer not null, unchanged integer not null,
     failed integer not null, amount_fen bigint not null, detail text)`,
  `create index billing_runs_by_company on billing_runs (company_id, id)`,
  `create unique index billing_runs_under_way on billing_runs (company_id) where state = 'running'`,
  `create table billing_troubles (id text primary key, run_id text not null references billing_runs (id),
     household_id text not null references households (id), code text not null, detail text)`,
  `create index billing_troubles_by_run on billing_troubles (run_id, id)`,
  `create table bills (id text primary key, household_id text not null references households (id),
     company_id text not null references companies (id), period text not null, first_day text not null, last_day text not null,
     state text not null, run_id text, replaces text, reason text, charge_fen bigint not null, subsidy_fen bigint not null,
     posted_charge_fen bigint not null, posted_subsidy_fen bigint not null, doubtful_days integer not null, lines text not null,
     made_at bigint not null, made_by text not null, checked_at bigint not null, late_fen bigint)`,
  `create unique index bills_current on bills (household_id, period) where state <> 'replaced'`,
  `create index bills_by_household on bills (household_id, id)`,
  `create index bills_by_company on bills (company_id, period, id)`,
  `create index bills_by_check on bills (checked_at) where state = 'issued'`,
  `create index bills_late on bills (id) where late_fen is not null`,
  `create table bill_usage (bill_id text not null references bills (id), terminal_id text not null, metric text not null,
     first_day text not null, thousandths text not null, qualities text not null, primary key (bill_id, terminal_id, metric))`,
  `create table daily_charges (household_id text not null references households (id), day text not null, period text not null,
     charge_fen bigint not null, subsidy_fen bigint not null, charged_at bigint not null, primary key (household_id, day))`,
  `create table notices (id text primary key, household_id text not null references households (id), step text not null,
     at bigint not null, owed_fen bigint not null, given_by text not null, over_at bigint)`,
  `create index notices_by_household on notices (household_id, id)`,
  `create table proposals (id text primary key, household_id text not null references households (id), kind text not null,
     state text not null, owed_fen bigint not null, made_at bigint not null, decided_at bigint, decided_by text, reason text)`,
  `create unique index proposals_open on proposals (household_id, kind) where state = 'open'`,
];

/** Tariffs of households, their bills, and what follows from what they owe. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
