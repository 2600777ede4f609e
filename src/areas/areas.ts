import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import type { Database } from '../db/database.ts';
import { AREA_LEVELS, type AreaLevel, type AreaRow } from '../db/schema.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Caller } from './scope.ts';

/** The tree county > township > village > cell. An area's descendants are those whose code begins with its code. */

/** The level in the files is the number of the National Bureau of Statistics: 3 county, 4 township, 5 village; 6 is our cell. */
const csvRow = z.object({
  code: z.string().regex(/^\d{6,15}$/),
  name: z.string().min(1),
  level: z.coerce
    .number()
    .int()
    .transform((level, context): AreaLevel => {
      const name = AREA_LEVELS[level - 3];
      if (name === undefined) context.addIssue('level is 3, 4, 5 or 6');
      return name ?? z.NEVER;
    }),
  parent: z.string(),
});

/** The areas of all config/areas/*.csv. Throws for the first file that is wrong, with its name. */
export function readAreas(folder: string): z.infer<typeof csvRow>[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.csv'));
  return names.flatMap((name) => {
    try {
      return z.array(csvRow).parse(parse(readFileSync(join(folder, name)), { columns: true, bom: true }));
    } catch (error) {
      const message = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
      throw new Error(`${join(folder, name)}: ${message}`);
    }
  });
}

/** Brings config/areas/*.csv into the database; responsible persons stay as they are. */
export async function loadAreas(db: Database, folder: string): Promise<void> {
  const rows = readAreas(folder);
  const codes = new Set(rows.map((row) => row.code));
  await db.transaction().execute(async (transaction) => {
    for (const { code, name, level, parent } of rows) {
      const place = { name, level, parent: codes.has(parent) ? parent : null };
      await transaction
        .insertInto('areas')
        .values({ code, ...place, personName: null, personPhone: null })
        .onConflict((conflict) => conflict.column('code').doUpdateSet(place))
        .execute();
    }
  });
}

/** An operator sees the own area and all below it; everybody else the whole tree, which is public knowledge. */
const reaches = (caller: Caller, code: string): boolean =>
  caller.role !== 'operator' || code.startsWith(caller.areaCode ?? 'none');

/** Throws `unknown_reference` for a code that no area has. */
export async function areaMustExist(db: Database, code: string): Promise<void> {
  const area = await db.selectFrom('areas').select('code').where('code', '=', code).executeTakeFirst();
  if (!area) throw new GatewayError('unknown_reference', { zh: `没有区域 ${code}`, en: `There is no area ${code}` });
}

export function createAreas(db: Database) {
  async function get(caller: Caller, code: string): Promise<AreaRow> {
    const area = await db.selectFrom('areas').selectAll().where('code', '=', code).executeTakeFirst();
    if (!area || !reaches(caller, code)) throw new GatewayError('not_found');
    return area;
  }

  return {
    get,

    async list(caller: Caller): Promise<AreaRow[]> {
      const areas = await db.selectFrom('areas').selectAll().orderBy('code').execute();
      return areas.filter((area) => reaches(caller, area.code));
    },

    async setPerson(caller: Caller, code: string, person: { name: string; phone: string | null } | null) {
      await get(caller, code);
      await db
        .updateTable('areas')
        .set({ personName: person?.name ?? null, personPhone: person?.phone ?? null })
        .where('code', '=', code)
        .execute();
      return get(caller, code);
    },
  };
}
export type Areas = ReturnType<typeof createAreas>;
