import type { Database } from '../db/database.ts';
import type { TerminalRow } from '../db/schema.ts';
import type { ImportKind } from '../imports/kind.ts';
import type { Clock } from '../lib/clock.ts';
import { createCheck } from './import-check.ts';
import { COLUMNS, type Column, EXAMPLES, TERMINAL_ERRORS } from './import-words.ts';
import { createImportRows, deleteTerminalsOf } from './import-write.ts';
import type { Profile } from './profile.ts';
import type { Registry } from './registry.ts';

/** It was used before and removed; its row is still there. */
const wasThere = ({ householdSince }: TerminalRow): boolean => householdSince !== null;

/** Terminals from a file. `exportMs` is how long their credentials can be fetched. */
export function terminalImports(parts: {
  db: Database;
  clock: Clock;
  profiles: Map<string, Profile>;
  registry: Registry;
  exportMs: number;
}): ImportKind<Column> {
  const { db, clock, profiles, registry, exportMs } = parts;
  const { memory, placement, alone, onChange } = registry.bulk;
  const rows = createImportRows(db);
  return {
    columns: COLUMNS,
    required: ['id', 'profile'],
    examples: EXAMPLES,
    errors: TERMINAL_ERRORS,
    alone,
    undo: (importId) => deleteTerminalsOf(db, importId),

    async openPass(row, caller) {
      const unclaimed = row.unclaimed === 1;
      const check = await createCheck({ db, memory, placement, profiles, caller, unclaimed });
      const now = clock.now();
      const again: TerminalRow[] = [];
      return {
        end: check.end,
        async rows(some) {
          const { terminals, ...found } = await check.rows(some);
          return {
            ...found,
            created: terminals.length,
            booked: 0,
            async write() {
              const made = terminals.map((terminal) => rows.rowOf(terminal, row.id, now, unclaimed));
              again.push(...made.filter(wasThere));
              await rows.insert(made.filter((one) => !wasThere(one)));
              return [];
            },
          };
        },
        async commit(transaction, created) {
          await rows.restore(transaction, again);
          return created > 0 ? { exportUntil: clock.now() + exportMs } : {};
        },
      };
    },

    /** Into memory, where terminals begin to be. */
    async publish(importId, after) {
      const ids = await rows.idsAfter(importId, after);
      const last = ids.at(-1);
      if (last === undefined) return undefined;
      await memory.reload(ids);
      for (const id of ids) await onChange(id, 'added');
      return { last, count: ids.length };
    },
  };
}
