import { hash } from 'node:crypto';
import type { AuditRow } from '../db/schema-audit.ts';

/** The chain of the audit, pure: each row's hash is over all that it says and the hash of the row before. */

/** Before the first row. */
export const GENESIS = '0'.repeat(64);

/** A row by its number and hash; a hash stands for all rows up to its own. */
export interface Head {
  seq: number;
  hash: string;
}

/** SHA-256, in hexadecimal, over the JSON of the columns in this order; `detail` is a text in it, so that there is one way to write each. */
export const hashOf = (row: Omit<AuditRow, 'hash'>): string =>
  hash(
    'sha256',
    JSON.stringify([
      row.seq,
      row.at,
      row.actor,
      row.action,
      row.subject,
      row.terminalId,
      row.companyId,
      row.detail,
      row.policyVersion,
      row.prevHash,
    ]),
  );

/**
 * `edited`: a row is not what its hash was made of. `missing`: rows are not there. `unlinked`: it does not follow the row before, so rows
 * were moved or put in. `rewritten`: it fits the chain but is not the row whose hash was noted. `cut`: the last rows are gone.
 * `extra`: a row that was never appended.
 */
export type FaultKind = 'edited' | 'missing' | 'unlinked' | 'rewritten' | 'cut' | 'extra';
export interface Fault {
  kind: FaultKind;
  /** The first and the last row that it is about. */
  seq: number;
  to: number;
}

/** The first are told; a chain that was rewritten has no end of them. */
const MOST_FAULTS = 20;

/** Looks at rows in order. `noted` are heads that were kept outside the database. */
export function createChecker(noted: readonly Head[]) {
  const bySeq = Map.groupBy(noted, ({ seq }) => seq);
  const faults: Fault[] = [];
  let last: Head = { seq: 0, hash: GENESIS };
  let rows = 0;

  function found(kind: FaultKind, seq: number, to = seq): void {
    if (faults.length < MOST_FAULTS) faults.push({ kind, seq, to });
  }

  /** The one fault of a row that says most; undefined for one that is as it was written. */
  function faultOf(row: AuditRow): FaultKind | undefined {
    if (row.seq < last.seq + 1) return 'extra';
    if (hashOf(row) !== row.hash) return 'edited';
    if (row.seq === last.seq + 1 && row.prevHash !== last.hash) return 'unlinked';
    return bySeq.get(row.seq)?.some((head) => head.hash !== row.hash) ? 'rewritten' : undefined;
  }

  return {
    take(row: AuditRow): void {
      rows += 1;
      const kind = faultOf(row);
      if (row.seq > last.seq + 1) found('missing', last.seq + 1, row.seq - 1);
      if (kind) found(kind, row.seq);
      if (kind !== 'extra') last = { seq: row.seq, hash: row.hash };
    },

    /** When there are no more rows: `head` is what the database says of the newest. */
    end(head: Head): void {
      const known = noted.reduce((most, { seq }) => Math.max(most, seq), head.seq);
      if (known > last.seq) found('cut', last.seq + 1, known);
      else if (head.seq < last.seq) found('extra', head.seq + 1, last.seq);
      else if (head.hash !== last.hash) found('rewritten', last.seq);
    },

    last: (): Head => last,
    rows: () => rows,
    faults: (): readonly Fault[] => faults,
  };
}
