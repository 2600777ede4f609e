import type { FastifyRequest } from 'fastify';
import type { Transaction } from 'kysely';
import type { Act } from '../billing/ledger.ts';
import { answerOnce } from '../db/answers.ts';
import type { HouseholdRow, Tables } from '../db/schema.ts';
import { callerOf, idempotencyKeyOf } from './auth.ts';
import type { HttpParts } from './server.ts';

/** What every request has in common that moves a household's money. */

export const clerk = { roles: ['admin', 'company'] } as const;

/** Runs `action` once for the caller's Idempotency-Key; when it is committed, what follows from money for the household does. */
export async function bookOnce<T>(
  { db, clock, households, billing }: HttpParts,
  request: FastifyRequest<{ Params: { id: string } }>,
  action: (transaction: Transaction<Tables>, household: HouseholdRow, act: Act) => Promise<T>,
): Promise<T> {
  const caller = callerOf(request);
  const key = idempotencyKeyOf(request);
  const household = await households.get(caller, request.params.id);
  const now = clock.now();
  const body = { route: request.routeOptions.url, params: request.params, body: request.body };
  const { answer, first } = await answerOnce(db, { caller: caller.id, key, body, now }, (transaction) =>
    action(transaction, household, { at: now, by: caller.name }),
  );
  if (first) await billing.paid(household.id);
  return answer;
}
