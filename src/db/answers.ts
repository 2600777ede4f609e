import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Transaction } from 'kysely';
import { GatewayError } from '../lib/errors.ts';
import type { Database, DatabaseOrTransaction } from './database.ts';
import type { Tables } from './schema.ts';

interface Asked {
  caller: string;
  key: string;
  body: unknown;
}

const hashOf = ({ body }: Asked): string => createHash('sha256').update(JSON.stringify(body)).digest('base64url');

/** The answer that was given already, so that what it would be today need not be found out. */
export async function answerBefore<T>(db: DatabaseOrTransaction, asked: Asked): Promise<T | undefined> {
  const noted = await db
    .selectFrom('answers')
    .select(['bodyHash', 'response'])
    .where('caller', '=', asked.caller)
    .where('key', '=', asked.key)
    .executeTakeFirst();
  if (!noted) return undefined;
  if (noted.bodyHash !== hashOf(asked)) throw new GatewayError('idempotency_key_reused');
  return JSON.parse(noted.response) as T;
}

/**
 * Runs `action` once for a caller and Idempotency-Key, in one transaction with the note of its answer.
 * The same key with the same body gives the first answer again; with another body it is refused.
 */
export async function answerOnce<T>(
  db: Database,
  request: Asked & { now: number },
  action: (transaction: Transaction<Tables>) => Promise<T>,
): Promise<{ answer: T; first: boolean }> {
  const bodyHash = hashOf(request);
  const { caller, key } = request;
  return db.transaction().execute(async (transaction) => {
    // The note comes first: of two requests at once, the second waits here for the first.
    const noted = await transaction
      .insertInto('answers')
      .values({ caller, key, bodyHash, response: '', createdAt: request.now })
      .onConflict((conflict) => conflict.columns(['caller', 'key']).doNothing())
      .executeTakeFirstOrThrow();
    if (noted.numInsertedOrUpdatedRows === 0n) {
      const before = await answerBefore<T>(transaction, request);
      assert(before !== undefined, 'an answer that is noted is there');
      return { answer: before, first: false };
    }
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

/** A key that was used before `before` may be used again. */
export async function forgetAnswers(db: Database, before: number): Promise<void> {
  await db.deleteFrom('answers').where('createdAt', '<', before).execute();
}
