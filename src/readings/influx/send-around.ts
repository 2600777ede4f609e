import type { SpoolRecord } from '../segments.ts';
import { nameOf } from './lines.ts';

/** Around the values that an InfluxDB server calls bad, so that all others of a batch are stored. */

/** The server calls the batch bad, as opposed to being unwell. */
export class BadBatch extends Error {
  override name = 'BadBatch';
  /** The one metric that it complains of, when it names one. */
  readonly metric: string | undefined;
  /** How many of the batch it did not store; the others it has. Undefined when it stored none, or did not say. */
  readonly dropped: number | undefined;
  /** They lie before the server's retention. */
  readonly tooOld: boolean;

  constructor(message: string) {
    super(message.slice(0, 300));
    const field = /field type conflict: input field \\?"([^"\\]+)\\?"/.exec(message)?.[1];
    this.metric = field === undefined ? undefined : nameOf(field);
    this.dropped = Number(/dropped=(\d+)/.exec(message)?.[1] ?? 0) || undefined;
    this.tooOld = /retention p/.test(message);
  }
}

type Send = (records: SpoolRecord[]) => Promise<void>;
type Refused = (records: SpoolRecord[], error: BadBatch) => void;

const withValues = (records: SpoolRecord[], wanted: (metric: string) => boolean): SpoolRecord[] =>
  records.flatMap((record) => {
    const values = Object.entries(record.values).filter(([metric]) => wanted(metric));
    return values.length > 0 ? [{ ...record, values: Object.fromEntries(values) }] : [];
  });

/** Two parts of a bad batch that are tried again alone; undefined when all of it is bad. */
function partsOf(records: SpoolRecord[], { metric, dropped, tooOld }: BadBatch): SpoolRecord[][] | undefined {
  const [first] = records;
  if (first === undefined || (tooOld && dropped === records.length)) return undefined;
  if (metric !== undefined) {
    const others = withValues(records, (name) => name !== metric);
    const those = withValues(records, (name) => name === metric);
    if (others.length > 0 && those.length > 0) return [others, those];
  }
  if (records.length > 1) {
    if (metric !== undefined && dropped === records.length) return undefined;
    const half = records.length >> 1;
    return [records.slice(0, half), records.slice(half)];
  }
  const metrics = Object.keys(first.values);
  if (metrics.length < 2) return undefined;
  const half = new Set(metrics.slice(0, metrics.length >> 1));
  return [withValues(records, (name) => half.has(name)), withValues(records, (name) => !half.has(name))];
}

/**
 * Sends records; what the server calls bad is narrowed down to single values, which are given to `refused`.
 * Sending a record again that was stored already changes nothing. Rejects with whatever is not a `BadBatch`.
 */
export async function sendAround(records: SpoolRecord[], send: Send, refused: Refused): Promise<void> {
  if (records.length === 0) return;
  try {
    await send(records);
  } catch (error) {
    if (!(error instanceof BadBatch)) throw error;
    const parts = partsOf(records, error);
    if (!parts) return refused(records, error);
    for (const part of parts) await sendAround(part, send, refused);
  }
}
