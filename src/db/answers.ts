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
  const { caller, key } = request;
  return db.transaction().execute(async (transaction) => {
    // The note comes first: of two requests at once, the second waits here for the first.
    const noted = await transaction
      .insertInto('answers')
      .values({ caller, key, bodyHash, response: '', createdAt: request.now })
      .onConflict((conflict) => conflict.columns(['caller', 'key']).doNothing())
      .executeTakeFirstOrThrow();
    if (noted.numInsertedOrUpdatedRows === 0n)
      return { answer: await firstAnswer<T>(transaction, caller, key, bodyHash), first: false };
    const answer = await action(transaction);
    await transaction
      .updateTable('answers')
      .set({ response: JSON.stringify(answer) })
      .where('caller', '=', caller)
      .where('key', '=', key)
      .execute();
    return { answer, first: true };
  });
}

async function firstAnswer<T>(
  transaction: Transaction<Tables>,
  caller: string,
  key: string,
  bodyHash: string,
): Promise<T> {
  const noted = await transaction
    .selectFrom('answers')
    .select(['bodyHash', 'response'])
    .where('caller', '=', caller)
    .where('key', '=', key)
    .executeTakeFirstOrThrow();
  if (noted.bodyHash !== bodyHash) throw new GatewayError('idempotency_key_reused');
  return JSON.parse(noted.response) as T;
}

/** A key that was used before `before` may be used again. */
export async function forgetAnswers(db: Database, before: number): Promise<void> {
  await db.deleteFrom('answers').where('createdAt', '<', before).execute();
}
