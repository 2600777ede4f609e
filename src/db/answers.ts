import { createHash } from 'node:crypto';
import type { Transaction } from 'kysely';
import { GatewayError } from '../lib/errors.ts';
import type { Database } from './database.ts';
import type { Tables } from './schema.ts';

/**
 * Runs `action` once for a caller and Idempotency-Key, in one transaction with the note of its answer.
 * The same key with the same body gives the first answer again; with another body it is refused.
 */
export async function answerOnce<T>(
  db: Database,
  request: { caller: string; key: string; body: unknown; now: number },
  action: (transaction: Transaction<Tables>) => Promise<T>,
): Promise<{ answer: T; first: boolean }> {
  const bodyHash = createHash('sha256').update(JSON.stringify(request.body)).digest('base64url');
  return db.transaction().execute(async (transaction) => {
    const noted = await transaction
      .selectFrom('answers')
      .select(['bodyHash', 'response'])
      .where('caller', '=', request.caller)
      .where('key', '=', request.key)
      .executeTakeFirst();
    if (noted && noted.bodyHash !== bodyHash) throw new GatewayError('idempotency_key_reused');
    if (noted) return { answer: JSON.parse(noted.response) as T, first: false };
    const answer = await action(transaction);
    await transaction
      .insertInto('answers')
      .values({
        caller: request.caller,
        key: request.key,
        bodyHash,
        response: JSON.stringify(answer),
        createdAt: request.now,
      })
      .execute();
    return { answer, first: true };
  });
}
