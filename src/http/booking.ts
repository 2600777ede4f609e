import type { FastifyRequest } from 'fastify';
import type { Transaction } from 'kysely';
import type { AuditEntry } from '../audit/audit.ts';
import type { Act } from '../billing/ledger.ts';
import { answerOnce } from '../db/answers.ts';
import type { HouseholdRow, Tables } from '../db/schema.ts';
import { callerOf, idempotencyKeyOf } from './auth.ts';
import type { HttpParts } from './server.ts';

/** What every request has in common that moves a household's money. */

export const clerk = { roles: ['admin', 'company'] } as const;

type Request = FastifyRequest<{ Params: { id: string } }>;
interface Action<T> {
  run: (transaction: Transaction<Tables>, household: HouseholdRow, act: Act) => Promise<T>;
  /** What the audit says of it, beside whose money it is and by whom. */
  audit: (answer: T) => Pick<AuditEntry, 'action' | 'subject' | 'detail'>;
}

async function once<T>({ db, clock, households, audit }: HttpParts, request: Request, action: Action<T>) {
  const caller = callerOf(request);
  const key = idempotencyKeyOf(request);
  const household = await households.get(caller, request.params.id);
  const now = clock.now();
  const body = { route: request.routeOptions.url, params: request.params, body: request.body };
  const { answer, first } = await answerOnce(db, { caller: caller.id, key, body, now }, async (transaction) => {
    const done = await action.run(transaction, household, { at: now, by: caller.name });
    const { detail, ...what } = action.audit(done);
    const { id: householdId, accountNo, companyId } = household;
    const entry = { ...what, actor: caller.name, companyId, detail: { householdId, accountNo, ...detail } };
    await audit.record(transaction, entry);
    return done;
  });
  return { household, answer, first };
}

/** Runs `action` once for the caller's Idempotency-Key. */
export async function bookOnce<T>(parts: HttpParts, request: Request, action: Action<T>): Promise<T> {
  return (await once(parts, request, action)).answer;
}

/** As `bookOnce`, for what makes the household owe less: when it is committed, what follows from that does. */
export async function payOnce<T>(parts: HttpParts, request: Request, action: Action<T>): Promise<T> {
  const { household, answer, first } = await once(parts, request, action);
  if (first) await parts.billing.paid(household.id);
  return answer;
}
