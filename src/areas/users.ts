import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { Audit } from '../audit/audit.ts';
import { counted } from '../db/counted.ts';
import type { Database } from '../db/database.ts';
import { type Page, pageOf } from '../db/page.ts';
import type { ApiKeyRow, Role, ScopeColumns, UserRow } from '../db/schema.ts';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import { hashSecret, newId, newSecret } from '../lib/ids.ts';
import type { Caller } from './scope.ts';

/** Users, their sessions, and API keys for other programs. */

export interface NewScope {
  role: Role;
  companyId?: string | undefined;
  areaCode?: string | undefined;
  householdId?: string | undefined;
}

const derive = promisify<string, Buffer, number, Buffer>(scrypt);

async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  return `scrypt$${salt.toString('base64url')}$${(await derive(password, salt, 32)).toString('base64url')}`;
}

/** Costs the same time for a user that does not exist, so that names cannot be tried out. */
async function passwordFits(password: string, hash: string | undefined): Promise<boolean> {
  const [, salt = '', key = ''] = (hash ?? 'scrypt$none$').split('$');
  const derived = await derive(password, Buffer.from(salt, 'base64url'), 32);
  const expected = Buffer.from(key, 'base64url');
  return expected.length === derived.length && timingSafeEqual(expected, derived);
}

const scopeColumns = (scope: NewScope): ScopeColumns => ({
  role: scope.role,
  companyId: scope.companyId ?? null,
  areaCode: scope.areaCode ?? null,
  householdId: scope.householdId ?? null,
});

const callerOf = (row: ScopeColumns & { id: string }, name: string, personId: string | null): Caller => ({
  id: row.id,
  personId,
  name,
  role: row.role,
  companyId: row.companyId,
  areaCode: row.areaCode,
  householdId: row.householdId,
});

export function createUsers({
  db,
  clock,
  audit,
  sessionMs,
}: {
  db: Database;
  clock: Clock;
  audit: Audit;
  sessionMs: number;
}) {
  async function mustExist(scope: NewScope): Promise<void> {
    const found = await Promise.all([
      scope.companyId && db.selectFrom('companies').select('id').where('id', '=', scope.companyId).executeTakeFirst(),
      scope.areaCode && db.selectFrom('areas').select('code').where('code', '=', scope.areaCode).executeTakeFirst(),
      scope.householdId &&
        db
          .selectFrom('households')
          .select('id')
          .where('id', '=', scope.householdId)
          .where(counted('households'))
          .executeTakeFirst(),
    ]);
    const given = [scope.companyId, scope.areaCode, scope.householdId];
    const missing = given.find((id, index) => id !== undefined && !found[index]);
    if (missing !== undefined) throw new GatewayError('unknown_reference', `There is no ${missing}`);
  }

  return {
    /** `by` is who makes it. */
    async create(request: NewScope & { username: string; password: string }, by: string): Promise<UserRow> {
      await mustExist(request);
      const user: UserRow = {
        id: newId('usr'),
        username: request.username,
        passwordHash: await hashPassword(request.password),
        ...scopeColumns(request),
        createdAt: clock.now(),
      };
      const { id, username } = user;
      await db.transaction().execute(async (transaction) => {
        const { numInsertedOrUpdatedRows } = await transaction
          .insertInto('users')
          .values(user)
          .onConflict((conflict) => conflict.column('username').doNothing())
          .executeTakeFirstOrThrow();
        if (numInsertedOrUpdatedRows === 0n)
          throw new GatewayError('conflict', {
            zh: `用户 ${username} 已经存在`,
            en: `User ${username} exists already`,
          });
        const detail = { username, ...scopeColumns(request) };
        await audit.record(transaction, { actor: by, action: 'user_added', subject: id, detail });
      });
      return user;
    },

    async any(): Promise<boolean> {
      return (await db.selectFrom('users').select('id').limit(1).executeTakeFirst()) !== undefined;
    },

    async get(id: string): Promise<UserRow> {
      const user = await db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();
      if (!user) throw new GatewayError('not_found');
      return user;
    },

    async list({ limit, cursor }: Page) {
      const query = db
        .selectFrom('users')
        .selectAll()
        .orderBy('id')
        .limit(limit + 1);
      return pageOf(await (cursor ? query.where('id', '>', cursor) : query).execute(), limit);
    },

    /** Sessions of a removed user end at once. The last admin stays, since nobody could make another. */
    async remove(id: string, by: string): Promise<void> {
      const admins = await db.selectFrom('users').select('id').where('role', '=', 'admin').limit(2).execute();
      if (admins.length === 1 && admins[0]?.id === id)
        throw new GatewayError('in_use', { zh: '这是最后一个管理员', en: 'This is the last admin' });
      await db.transaction().execute(async (transaction) => {
        const gone = await transaction
          .deleteFrom('users')
          .where('id', '=', id)
          .returning('username')
          .executeTakeFirst();
        if (!gone) throw new GatewayError('not_found');
        await audit.record(transaction, { actor: by, action: 'user_removed', subject: id, detail: gone });
      });
    },

    async signIn(username: string, password: string): Promise<{ token: string; expiresAt: number; user: UserRow }> {
      const user = await db.selectFrom('users').selectAll().where('username', '=', username).executeTakeFirst();
      if (!(await passwordFits(password, user?.passwordHash)) || !user) throw new GatewayError('wrong_credentials');
      const token = newSecret();
      const expiresAt = clock.now() + sessionMs;
      await db.deleteFrom('sessions').where('expiresAt', '<=', clock.now()).execute();
      await db
        .insertInto('sessions')
        .values({ tokenHash: hashSecret(token), userId: user.id, expiresAt })
        .execute();
      return { token, expiresAt, user };
    },

    async signOut(token: string): Promise<void> {
      await db.deleteFrom('sessions').where('tokenHash', '=', hashSecret(token)).execute();
    },

    /** Who a bearer token belongs to: a session or an API key. Undefined when it belongs to nobody any more. */
    async callerOf(token: string): Promise<Caller | undefined> {
      const hash = hashSecret(token);
      const user = await db
        .selectFrom('sessions')
        .innerJoin('users', 'users.id', 'sessions.userId')
        .selectAll('users')
        .where('sessions.tokenHash', '=', hash)
        .where('sessions.expiresAt', '>', clock.now())
        .executeTakeFirst();
      if (user) return callerOf(user, user.username, user.id);
      const key = await db.selectFrom('apiKeys').selectAll().where('keyHash', '=', hash).executeTakeFirst();
      return key && callerOf(key, `key:${key.name}`, key.createdBy);
    },

    async createKey(caller: Caller, request: NewScope & { name: string }): Promise<{ row: ApiKeyRow; key: string }> {
      await mustExist(request);
      const key = newSecret();
      const row: ApiKeyRow = {
        id: newId('key'),
        name: request.name,
        keyHash: hashSecret(key),
        ...scopeColumns(request),
        createdBy: caller.personId ?? null,
        createdAt: clock.now(),
      };
      await db.transaction().execute(async (transaction) => {
        await transaction.insertInto('apiKeys').values(row).execute();
        const detail = { name: row.name, ...scopeColumns(request) };
        await audit.record(transaction, { actor: caller.name, action: 'key_added', subject: row.id, detail });
      });
      return { row, key };
    },

    async listKeys({ limit, cursor }: Page) {
      const query = db
        .selectFrom('apiKeys')
        .selectAll()
        .orderBy('id')
        .limit(limit + 1);
      return pageOf(await (cursor ? query.where('id', '>', cursor) : query).execute(), limit);
    },

    async getKey(id: string): Promise<ApiKeyRow> {
      const key = await db.selectFrom('apiKeys').selectAll().where('id', '=', id).executeTakeFirst();
      if (!key) throw new GatewayError('not_found');
      return key;
    },

    async removeKey(id: string, by: string): Promise<void> {
      await db.transaction().execute(async (transaction) => {
        const gone = await transaction.deleteFrom('apiKeys').where('id', '=', id).returning('name').executeTakeFirst();
        if (!gone) throw new GatewayError('not_found');
        await audit.record(transaction, { actor: by, action: 'key_removed', subject: id, detail: gone });
      });
    },
  };
}
export type Users = ReturnType<typeof createUsers>;
