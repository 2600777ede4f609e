import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { createChecker, type Fault, GENESIS, type Head, hashOf } from '../../src/audit/chain.ts';
import type { AuditRow } from '../../src/db/schema-audit.ts';
import { randomOf } from '../helpers/random.ts';

/** What somebody who can write the database, and not the files beside it, may do to the audit. */

const ROWS = 120;
const TAMPERS = 10_000;

function rechain(rows: AuditRow[], from: number): void {
  for (let i = from; i < rows.length; i += 1) {
    const row = rows[i];
    if (!row) return;
    row.prevHash = rows[i - 1]?.hash ?? GENESIS;
    row.hash = hashOf(row);
  }
}

function chain(): AuditRow[] {
  const rows = Array.from(
    { length: ROWS },
    (_, i): AuditRow => ({
      seq: i + 1,
      at: 1_764_000_000_000 + 1_000 * i,
      actor: i % 3 === 0 ? 'clerk' : 'gateway:G',
      action: i % 3 === 0 ? 'command_requested' : 'command_sent',
      subject: `cmd_${i}`,
      terminalId: i % 5 === 0 ? null : `T${i % 7}`,
      companyId: i % 5 === 0 ? null : `co_${i % 2}`,
      detail: JSON.stringify({ command: 'power', value: i % 2 ? 'on' : 'off' }),
      policyVersion: null,
      prevHash: '',
      hash: '',
    }),
  );
  rechain(rows, 0);
  return rows;
}

const headOf = (rows: AuditRow[]): Head => {
  const last = rows.at(-1);
  return last ? { seq: last.seq, hash: last.hash } : { seq: 0, hash: GENESIS };
};

function check(rows: AuditRow[], head: Head, noted: Head[]): readonly Fault[] {
  const checker = createChecker(noted);
  for (const row of rows.toSorted((a, b) => a.seq - b.seq)) checker.take(row);
  checker.end(head);
  return checker.faults();
}

interface Random {
  /** A whole number from 0 to below `limit`. */
  below(limit: number): number;
}

/** Each changes the rows, and gives the first row that is no longer what it was. */
const TAMPERS_BY_NAME: Record<string, (rows: AuditRow[], random: Random) => number> = {
  'edits a column'(rows, random) {
    const i = random.below(rows.length);
    const row = rows[i];
    const edits: ((row: AuditRow) => void)[] = [
      (one) => (one.at += 1),
      (one) => (one.actor += 'x'),
      (one) => (one.action = one.action === 'command_sent' ? 'command_expired' : 'command_sent'),
      (one) => (one.subject = `${one.subject}0`),
      (one) => (one.terminalId = one.terminalId === null ? 'T' : null),
      (one) => (one.companyId = one.companyId === null ? '' : null),
      (one) => (one.detail = one.detail.replace('{', '{ ')),
      (one) => (one.policyVersion = ''),
      (one) => (one.prevHash = one.prevHash.replace(/^./, (c) => (c === '0' ? '1' : '0'))),
      (one) => (one.hash = one.hash.replace(/.$/, (c) => (c === '0' ? '1' : '0'))),
    ];
    if (row) edits[random.below(edits.length)]?.(row);
    return i + 1;
  },
  'edits a row and makes its hash anew'(rows, random) {
    const i = random.below(rows.length);
    const row = rows[i];
    if (row) row.hash = hashOf(Object.assign(row, { actor: 'somebody' }));
    return i + 1;
  },
  'edits a row and makes the whole chain after it anew'(rows, random) {
    const i = random.below(rows.length);
    const row = rows[i];
    if (row) row.actor = 'somebody';
    rechain(rows, i);
    return i + 1;
  },
  'deletes rows'(rows, random) {
    const i = random.below(rows.length);
    rows.splice(i, 1 + random.below(5));
    return i + 1;
  },
  'deletes rows, and numbers and chains those after them anew'(rows, random) {
    const i = random.below(rows.length);
    rows.splice(i, 1 + random.below(5));
    for (const [n, row] of rows.entries()) row.seq = n + 1;
    rechain(rows, i);
    return i + 1;
  },
  'puts a row in and numbers those after it anew'(rows, random) {
    const i = random.below(rows.length);
    const row = rows[random.below(rows.length)];
    if (row) rows.splice(i, 0, { ...row, subject: 'cmd_put_in' });
    for (const [n, one] of rows.entries()) one.seq = n + 1;
    if (random.below(2)) rechain(rows, i);
    return i + 1;
  },
  'appends a row that fits'(rows) {
    const last = rows.at(-1);
    if (last) rows.push({ ...last, seq: last.seq + 1 });
    rechain(rows, rows.length - 1);
    return rows.length;
  },
  'swaps two rows'(rows, random) {
    const i = random.below(rows.length - 1);
    const j = i + 1 + random.below(rows.length - i - 1);
    const [a, b] = [rows[i], rows[j]];
    if (!a || !b) return 0;
    [rows[i], rows[j]] = [
      { ...b, seq: a.seq },
      { ...a, seq: b.seq },
    ];
    const how = random.below(3);
    // As they were, each with its own hash made anew, or the chain made anew as well.
    if (how === 1) for (const one of [rows[i], rows[j]]) if (one) one.hash = hashOf(one);
    if (how === 2) rechain(rows, i);
    return i + 1;
  },
  'cuts the tail'(rows, random) {
    const i = random.below(rows.length);
    rows.splice(i);
    return i + 1;
  },
};

test(`${TAMPERS} random tampers are found, ${TAMPERS} of ${TAMPERS}, and never behind where they begin`, () => {
  const seed = randomInt(2 ** 31);
  const next = randomOf(seed);
  const random: Random = { below: (limit) => Math.floor(next() * limit) };
  const names = Object.keys(TAMPERS_BY_NAME);
  const original = chain();
  const noted = [headOf(original)];
  expect(check(original, headOf(original), noted)).toEqual([]);
  const missed: string[] = [];
  for (let n = 0; n < TAMPERS; n += 1) {
    const name = names[n % names.length] ?? '';
    const rows = original.map((row) => ({ ...row }));
    const first = TAMPERS_BY_NAME[name]?.(rows, random) ?? 0;
    // Whoever knows of the head in the database changes that too; an appended row alone is found by it.
    const head = random.below(2) && name !== 'appends a row that fits' ? headOf(rows) : headOf(original);
    const [fault] = check(rows, head, noted);
    if (!fault || fault.seq < first) missed.push(`seed ${seed}, ${n}: ${name} at ${first}: ${fault?.seq}`);
  }
  expect(missed).toEqual([]);
}, 120_000);

test.each([
  ['an edited row', (rows: AuditRow[]) => Object.assign(rows[49] ?? {}, { actor: 'x' }), 'edited 50–50'],
  ['three deleted rows', (rows: AuditRow[]) => rows.splice(49, 3), 'missing 50–52'],
  ['a tail cut off', (rows: AuditRow[]) => rows.splice(110), 'cut 111–120'],
  ['everything deleted', (rows: AuditRow[]) => rows.splice(0), 'cut 1–120'],
  [
    'a row before the first',
    (rows: AuditRow[]) => rows.push({ ...(rows[0] ?? chain()[0]), seq: 0 } as AuditRow),
    'extra 0–0',
  ],
])('%s is told with where it is', (_what, tamper, told) => {
  const rows = chain();
  const head = headOf(rows);
  tamper(rows);
  expect(check(rows, head, [head]).map(({ kind, seq, to }) => `${kind} ${seq}–${to}`)[0]).toBe(told);
});
