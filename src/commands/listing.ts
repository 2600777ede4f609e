import { type Caller, sinceVisible, visibleTerminals } from '../areas/scope.ts';
import type { Database } from '../db/database.ts';
import { type Page, pageOf } from '../db/page.ts';
import type { CommandState } from '../db/schema-commands.ts';
import { GatewayError } from '../lib/errors.ts';
import { type Command, withHistory } from './rows.ts';

/** Commands as callers may see them. */
export function createCommandListing(db: Database) {
  const visibleTo = (caller: Caller) =>
    db
      .selectFrom('commands')
      .innerJoin('terminals', 'terminals.id', 'commands.terminalId')
      .selectAll('commands')
      .where(visibleTerminals(caller))
      .where(sinceVisible(caller, 'commands.createdAt'));

  return {
    async get(caller: Caller, id: string): Promise<Command> {
      const row = await visibleTo(caller).where('commands.id', '=', id).executeTakeFirst();
      const [command] = row ? await withHistory(db, [row]) : [];
      if (!command) throw new GatewayError('not_found');
      return command;
    },

    /** The newest first. */
    async list(caller: Caller, filter: Page & { terminalId?: string | undefined; state?: CommandState | undefined }) {
      const { limit, cursor, terminalId, state } = filter;
      let query = visibleTo(caller);
      if (terminalId) query = query.where('commands.terminalId', '=', terminalId);
      if (state) query = query.where('commands.state', '=', state);
      if (cursor) query = query.where('commands.id', '<', cursor);
      const page = pageOf(
        await query
          .orderBy('commands.id', 'desc')
          .limit(limit + 1)
          .execute(),
        limit,
      );
      return { ...page, items: await withHistory(db, page.items) };
    },
  };
}
