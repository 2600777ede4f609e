import { sql, type Transaction } from 'kysely';
import type { Database } from '../db/database.ts';
import type { QuarantineCountRow, QuarantineRow, Tables } from '../db/schema.ts';
import { chunksOf } from '../lib/chunks.ts';
import { newId } from '../lib/ids.ts';
import type { Reject } from '../terminals/decode.ts';

/** The rows of the quarantine: how many and how much are kept, and how often each refusal happened, changed in the same commit. */

export interface QuarantineLimits {
  /** Most rows in all, and of one terminal; the oldest go first. */
  rows: number;
  rowsPerTerminal: number;
  /** Most bytes of frames in all, and of one terminal. */
  bytes: number;
  bytesPerTerminal: number;
}

/** A frame of which something was refused. */
export interface RefusedFrame {
  id: string;
  terminalId: string;
  /** Epoch ms. */
  receivedAt: number;
  frame: string;
}

/** The whole message with the first reject, its beginning with the others. */
const MOST_FRAME = 2_000;
/** More rejects than this of one frame tell nothing new. */
const MOST_REJECTS = 20;
/** A statement takes only so many parameters. */
const ROWS_A_STATEMENT = 500;
/** A terminal that invents metrics is not counted by more names than this. */
const MOST_UNKNOWN = 200;

/** PostgreSQL takes no text with a zero in it. */
const storable = (text: string): string => text.replaceAll('\0', '\ufffd');

/** One row a reject. `ids` are used as far as they go. */
export function rowsOf(
  frame: RefusedFrame,
  rejects: Reject[],
  requeueable: boolean,
  ids = [frame.id],
): QuarantineRow[] {
  const whole = storable(frame.frame);
  return rejects.slice(0, MOST_REJECTS).map(({ reason, metric, detail }, index) => ({
    id: ids[index] ?? newId('q'),
    terminalId: frame.terminalId,
    receivedAt: frame.receivedAt,
    reason,
    metric: metric === undefined ? null : storable(metric),
    detail: storable(detail),
    frameId: requeueable ? frame.id : null,
    frame: index === 0 ? whole : whole.slice(0, MOST_FRAME),
  }));
}

/** One count for each terminal, reason and metric of the rows. */
function countsOf(rows: QuarantineRow[]): QuarantineCountRow[] {
  const counts = new Map<string, QuarantineCountRow>();
  for (const { terminalId, reason, metric, receivedAt } of rows) {
    const key = `${terminalId} ${reason} ${metric}`;
    const known = counts.get(key);
    if (known) {
      known.count += 1;
      known.lastAt = Math.max(known.lastAt, receivedAt);
    } else {
      counts.set(key, { terminalId, reason, metric: metric ?? '', count: 1, firstAt: receivedAt, lastAt: receivedAt });
    }
  }
  return [...counts.values()];
}

/** A hundredth of a limit goes at once, so that not every row that comes must delete one. */
const surplus = (kept: number, limit: number): number => (kept > limit ? kept - limit + Math.floor(limit / 100) : 0);

/** Neither SQLite nor PostgreSQL reads a long text for this. */
const frameBytes = sql<number>`octet_length(frame)`;

type Transacting = Transaction<Tables>;

async function count(transaction: Transacting, rows: QuarantineRow[]): Promise<void> {
  for (const counts of chunksOf(countsOf(rows), ROWS_A_STATEMENT)) {
    await transaction
      .insertInto('quarantineCounts')
      .values(counts)
      .onConflict((conflict) =>
        conflict.columns(['terminalId', 'reason', 'metric']).doUpdateSet((row) => ({
          count: sql<number>`${row.ref('quarantineCounts.count')} + ${row.ref('excluded.count')}`,
          lastAt: row.ref('excluded.lastAt'),
        })),
      )
      .execute();
  }
}

/** Of the metrics that a terminal's profile does not know, only the newest stay counted. */
async function forgetUnknown(transaction: Transacting, terminalId: string): Promise<void> {
  const unknown = transaction
    .selectFrom('quarantineCounts')
    .where('terminalId', '=', terminalId)
    .where('reason', '=', 'unknown_metric');
  const newest = unknown.select('metric').orderBy('lastAt', 'desc').orderBy('metric').limit(MOST_UNKNOWN);
  await transaction
    .deleteFrom('quarantineCounts')
    .where('terminalId', '=', terminalId)
    .where('reason', '=', 'unknown_metric')
    .where('metric', 'not in', newest)
    .execute();
}

/** What the limits count of a row. */
interface Counted {
  terminalId: string;
  bytes: number;
}
const counted = ({ terminalId, frame }: QuarantineRow): Counted => ({ terminalId, bytes: Buffer.byteLength(frame) });
const bytesOf = (rows: Counted[]): number => rows.reduce((sum, { bytes }) => sum + bytes, 0);

function deleteOldest(transaction: Transacting, rows: number, terminalId?: string): Promise<Counted[]> {
  let oldest = transaction.selectFrom('quarantine').select('id').orderBy('id').limit(rows);
  if (terminalId !== undefined) oldest = oldest.where('terminalId', '=', terminalId);
  return transaction
    .deleteFrom('quarantine')
    .where('id', 'in', oldest)
    .returning(['terminalId', frameBytes.as('bytes')])
    .execute();
}

/** As many of the oldest as have so many bytes together. */
async function deleteOldestBytes(transaction: Transacting, bytes: number, terminalId?: string): Promise<Counted[]> {
  const gone: Counted[] = [];
  let query = transaction.selectFrom('quarantine').select(frameBytes.as('bytes')).orderBy('id').limit(ROWS_A_STATEMENT);
  if (terminalId !== undefined) query = query.where('terminalId', '=', terminalId);
  for (let left = bytes; left > 0; ) {
    const oldest = await query.execute();
    let rows = 0;
    for (; rows < oldest.length && left > 0; rows += 1) left -= oldest[rows]?.bytes ?? 0;
    if (rows === 0) break;
    gone.push(...(await deleteOldest(transaction, rows, terminalId)));
  }
  return gone;
}

/** Nothing else may write these rows, since how many and how large they are is known here and not asked each time. */
export async function openQuarantineRows(db: Database, limits: QuarantineLimits) {
  const perTerminal = new Map<string, { rows: number; bytes: number }>();
  let total = 0;
  let bytes = 0;

  function noteOf(terminalId: string, rows: number, more: number): void {
    const known = perTerminal.get(terminalId) ?? { rows: 0, bytes: 0 };
    perTerminal.set(terminalId, { rows: known.rows + rows, bytes: known.bytes + more });
    total += rows;
    bytes += more;
  }
  function note(rows: Counted[], step: 1 | -1): void {
    for (const row of rows) noteOf(row.terminalId, step, step * row.bytes);
  }

  const found = await db
    .selectFrom('quarantine')
    .select([
      'terminalId',
      (row) => row.fn.countAll<number>().as('rows'),
      (row) => row.fn.sum<number>(frameBytes).as('sum'),
    ])
    .groupBy('terminalId')
    .execute();
  for (const { terminalId, rows, sum } of found) noteOf(terminalId, rows, sum);

  /** The oldest of each terminal that has too many, then the oldest of all. */
  async function trim(transaction: Transacting, rows: QuarantineRow[]): Promise<Counted[]> {
    const gone: Counted[] = [];
    for (const [terminalId, own] of Map.groupBy(rows, (row) => row.terminalId)) {
      const before = perTerminal.get(terminalId) ?? { rows: 0, bytes: 0 };
      const over = surplus(before.rows + own.length, limits.rowsPerTerminal);
      const left = over > 0 ? await deleteOldest(transaction, over, terminalId) : [];
      const overBytes = surplus(before.bytes + bytesOf(own.map(counted)) - bytesOf(left), limits.bytesPerTerminal);
      if (overBytes > 0) left.push(...(await deleteOldestBytes(transaction, overBytes, terminalId)));
      gone.push(...left);
      if (left.length > 0 && own.some((row) => row.reason === 'unknown_metric'))
        await forgetUnknown(transaction, terminalId);
    }
    const over = surplus(total + rows.length - gone.length, limits.rows);
    if (over > 0) gone.push(...(await deleteOldest(transaction, over)));
    const overBytes = surplus(bytes + bytesOf(rows.map(counted)) - bytesOf(gone), limits.bytes);
    if (overBytes > 0) gone.push(...(await deleteOldestBytes(transaction, overBytes)));
    return gone;
  }

  return {
    /** Inserts, counts and keeps to the limits in one commit. */
    async insert(rows: QuarantineRow[]): Promise<void> {
      const gone = await db.transaction().execute(async (transaction) => {
        for (const part of chunksOf(rows, ROWS_A_STATEMENT))
          await transaction.insertInto('quarantine').values(part).execute();
        await count(transaction, rows);
        return trim(transaction, rows);
      });
      note(rows.map(counted), 1);
      note(gone, -1);
    },

    bytes: () => bytes,

    /** Deletes at most `most` rows that came before a time; gives how many. */
    async purge(before: number, terminalId: string | undefined, most: number): Promise<number> {
      let old = db.selectFrom('quarantine').select('id').where('receivedAt', '<', before).limit(most);
      if (terminalId !== undefined) old = old.where('terminalId', '=', terminalId);
      const gone = await db
        .deleteFrom('quarantine')
        .where('id', 'in', old)
        .returning(['terminalId', frameBytes.as('bytes')])
        .execute();
      note(gone, -1);
      return gone.length;
    },

    /** Puts what is refused now in the place of each frame's rows; without rejects the frame leaves. It is not counted again. */
    async replace(frames: { frame: RefusedFrame; rejects: Reject[] }[]): Promise<void> {
      if (frames.length === 0) return;
      const ids = frames.map(({ frame }) => frame.id);
      const { gone, rows } = await db.transaction().execute(async (transaction) => {
        const gone = await transaction
          .deleteFrom('quarantine')
          .where('frameId', 'in', ids)
          .returning(['id', 'frameId', 'terminalId', frameBytes.as('bytes')])
          .execute();
        const idsOf = Map.groupBy(
          gone.map(({ id, frameId }) => ({ id, frameId })),
          ({ frameId }) => frameId,
        );
        const rows = frames.flatMap(({ frame, rejects }) => {
          // One that was purged meanwhile does not come back.
          const before =
            idsOf
              .get(frame.id)
              ?.map(({ id }) => id)
              .sort() ?? [];
          return before.length > 0 ? rowsOf(frame, rejects, true, before) : [];
        });
        for (const part of chunksOf(rows, ROWS_A_STATEMENT))
          await transaction.insertInto('quarantine').values(part).execute();
        return { gone, rows };
      });
      note(gone, -1);
      note(rows.map(counted), 1);
    },
  };
}
