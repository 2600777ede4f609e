import type { Database } from '../db/database.ts';
import { GatewayError } from '../lib/errors.ts';
import { asMeterLine, type Line, lineName, oneLineSpelling } from './lines.ts';
import type { TerminalMemory } from './memory.ts';
import type { Told } from './registry.ts';

/** One line with new settings, or another address of it, for all terminals that name it: alone none of them may differ from the others. */
export function createLineChange(parts: {
  db: Database;
  memory: TerminalMemory;
  alone: <T>(task: () => Promise<T>) => Promise<T>;
  onChange: Told;
}) {
  const { db, memory, alone, onChange } = parts;

  /** All rows in one transaction. Gives the name that the line has then, and its terminals. */
  return (name: string, asked: Line): Promise<{ id: string; terminalIds: string[] }> =>
    alone(async () => {
      const onLine = memory.onLine(name);
      if (onLine.length === 0) throw new GatewayError('not_found');
      const isOfMeters = onLine.some(({ connection }) => connection.type === 'meter');
      const fit = isOfMeters ? asMeterLine(asked) : asked;
      if (!fit) throw new GatewayError('invalid_request', 'A meter on this line does not speak Modbus TCP');
      const line = oneLineSpelling(fit);
      const id = lineName(line);
      if (id !== name && memory.onLine(id).length > 0)
        throw new GatewayError('conflict', `${id} has terminals already`);
      await db.transaction().execute(async (transaction) => {
        for (const terminal of onLine)
          await transaction
            .updateTable('terminals')
            .set({ connection: JSON.stringify({ ...terminal.connection, line }) })
            .where('id', '=', terminal.id)
            .execute();
      });
      const terminalIds = onLine.map((terminal) => terminal.id).sort();
      await memory.reload(terminalIds);
      for (const one of terminalIds) await onChange(one, 'changed');
      return { id, terminalIds };
    });
}
