import type { FastifyRequest } from 'fastify';
import type { Transaction } from 'kysely';
import type { Act } from '../billing/ledger.ts';
import { answerOnce } from '../db/answers.ts';
import type { HouseholdRow, Tables } from '../db/schema.ts';
import { callerOf, idempotencyKeyOf } from './auth.ts';
import type { HttpParts } from './server.ts';

/** What every request has in common that moves a household's money. */

export const clerk = { roles: ['admin', 'company'] } as const;

type Request = FastifyRequest<{ Params: { id: string } }>;
type Action<T> = (transaction: Transaction<Tables>, household: HouseholdRow, act: Act) => Promise<T>;

async function once<T>({ db, clock, households }: HttpParts, request: Request, action: Action<T>) {
  const caller = callerOf(request);
  const key = idempotencyKeyOf(request);
  const household = await households.get(caller, request.params.id);
  const now = clock.now();
  const body = { route: request.routeOptions.url, params: request.params, body: request.body };
  const { answer, first } = await answerOnce(db, { caller: caller.id, key, body, now }, (transaction) =>
    action(transaction, household, { at: now, by: caller.name }),
  );
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
