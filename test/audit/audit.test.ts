import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { type AuditEntry, createAudit } from '../../src/audit/audit.ts';
import { GENESIS, hashOf } from '../../src/audit/chain.ts';
import { readHeads, writeHead } from '../../src/audit/head-file.ts';
import { headOf, rowsAfter, verifyAudit } from '../../src/audit/verify.ts';
import { startAuditWatch } from '../../src/audit/watch.ts';
import { openDatabase } from '../../src/db/database.ts';
import { newId } from '../../src/lib/ids.ts';
import { createLog } from '../../src/lib/log.ts';
import { heldClock } from '../helpers/clock.ts';
import { testDatabase } from '../helpers/database.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';

const entry = (subject: string): AuditEntry => ({
  actor: 'clerk',
  action: 'command_requested',
  subject,
  detail: { reason: '检修 \ud800 "quoted"' },
});

async function open() {
  await using stack = new AsyncDisposableStack();
  const clock = heldClock();
  const log = createLog('silent');
  const folder = stack.use(await tempFolder());
  const where = (await testDatabase(newId('db'))) || join(folder.path, 'rows.sqlite');
  const db = stack.use(await openDatabase(where, log));
  const audit = createAudit({ db, clock });
  const opened = stack.move();
  return { clock, log, db, where, audit, folder: folder.path, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

const isPostgres = (where: string) => where.startsWith('postgres');

/** As somebody does who is the database's owner. */
async function tamper({ db, where }: Awaited<ReturnType<typeof open>>, statement: string): Promise<void> {
  const triggers = isPostgres(where)
    ? ['drop trigger if exists audit_no_change on audit']
    : ['update', 'delete', 'replace'].map((what) => `drop trigger if exists audit_no_${what}`);
  for (const one of [...triggers, statement]) await sql.raw(one).execute(db);
}

test('rows follow each other without a gap, also when two gateways append at once', async () => {
  await using at = await open();
  await using second = isPostgres(at.where) ? await openDatabase(at.where, at.log) : undefined;
  const other = createAudit({ db: second ?? at.db, clock: at.clock });
  await Promise.all(
    Array.from({ length: 60 }, (_, i) => (i % 2 ? at.audit : other).note(entry(`a${i}`), entry(`b${i}`))),
  );
  const found = await verifyAudit(at.db, []);
  expect([found.rows, found.faults]).toEqual([120, []]);
  const { items } = await at.audit.list(undefined, { limit: 500 });
  expect(items.map(({ seq }) => seq)).toEqual(Array.from({ length: 120 }, (_, i) => 120 - i));
  expect(new Set(items.map(({ subject }) => subject)).size).toBe(120);
});

test('a row goes when its transaction does, and leaves no gap', async () => {
  await using at = await open();
  await at.audit.note(entry('first'));
  await at.db
    .transaction()
    .execute(async (transaction) => {
      await at.audit.record(transaction, entry('undone'));
      throw new Error('something else failed');
    })
    .catch(() => undefined);
  await at.audit.note(entry('second'));
  const { items } = await at.audit.list(undefined, { limit: 10 });
  expect(items.map(({ seq, subject }) => `${seq} ${subject}`)).toEqual(['2 second', '1 first']);
  expect((await verifyAudit(at.db, [])).faults).toEqual([]);
});

test('the database refuses to change, to replace or to delete a row', async () => {
  await using at = await open();
  await at.audit.note(entry('one'), entry('two'));
  const statements = [
    "update audit set actor = 'x' where seq = 1",
    'delete from audit where seq = 2',
    isPostgres(at.where)
      ? 'truncate audit'
      : "insert or replace into audit select seq, at, 'x', action, subject, terminal_id, company_id, detail, policy_version, prev_hash, hash from audit",
  ];
  for (const one of statements) await expect(sql.raw(one).execute(at.db)).rejects.toThrow('never changed');
  expect((await verifyAudit(at.db, [])).faults).toEqual([]);
});

test.each([
  ["update audit set actor = 'x' where seq = 20", 'edited 20–20'],
  ['delete from audit where seq between 30 and 39', 'missing 30–39'],
  ['delete from audit where seq > 95', 'cut 96–100'],
  [
    'insert into audit select 101, at, actor, action, subject, terminal_id, company_id, detail, policy_version, hash, hash from audit where seq = 100',
    'edited 101–101',
  ],
  ['update audit set seq = -seq where seq = 1', 'extra -1–-1'],
  ['update audit_head set seq = 90, hash = (select hash from audit where seq = 90)', 'extra 91–100'],
  ['delete from audit_head', 'extra 1–100'],
])('%s: %s', async (statement, told) => {
  await using at = await open();
  await at.audit.note(...Array.from({ length: 100 }, (_, i) => entry(`s${i}`)));
  await tamper(at, statement);
  const [fault] = (await verifyAudit(at.db, [])).faults;
  expect(fault && `${fault.kind} ${fault.seq}–${fault.to}`).toBe(told);
});

test('a chain that was made anew in the database is found by the heads that were noted outside', async () => {
  await using at = await open();
  await at.audit.note(entry('one'), entry('two'));
  await writeHead(at.folder, await headOf(at.db), at.clock.now());
  // A power cut in the middle of a line.
  appendFileSync(join(at.folder, 'audit-head.log'), '3 abc');
  await at.audit.note(entry('three'));
  await writeHead(at.folder, await headOf(at.db), at.clock.now());
  const noted = readHeads(at.folder);
  expect(noted.map(({ seq }) => seq)).toEqual([2, 3]);
  expect((await verifyAudit(at.db, noted)).faults).toEqual([]);
  // Whoever owns the database can make a chain that fits, but not one with the same hashes.
  const rows = await rowsAfter(at.db, 0, 10);
  await tamper(at, 'select 1');
  let prevHash = GENESIS;
  for (const { hash: _hash, ...row } of rows) {
    const forged = { ...row, actor: 'somebody', prevHash };
    prevHash = hashOf(forged);
    await at.db
      .updateTable('audit')
      .set({ ...forged, hash: prevHash })
      .where('seq', '=', row.seq)
      .execute();
  }
  await at.db.updateTable('auditHead').set({ hash: prevHash }).execute();
  expect((await verifyAudit(at.db, [])).faults).toEqual([]);
  expect((await verifyAudit(at.db, noted)).faults).toEqual([
    { kind: 'rewritten', seq: 2, to: 2 },
    { kind: 'rewritten', seq: 3, to: 3 },
  ]);
});

test('the watch notes heads outside, looks through all rows again and again, and says what it finds', async () => {
  await using at = await open();
  await at.audit.note(...Array.from({ length: 2_500 }, (_, i) => entry(`s${i}`)));
  await using watch = startAuditWatch({ ...at, folder: at.folder });
  const after = (so: () => boolean) => eventually(() => at.clock.advance(1_000).then(so));
  await after(() => watch.state().verified !== null);
  const { head, checked, verified, faults } = watch.state();
  expect([head?.seq, checked.seq, verified?.seq, faults]).toEqual([2_500, 2_500, 2_500, []]);
  expect(readHeads(at.folder).at(-1)).toEqual(head);
  await tamper(at, "update audit set detail = '{}' where seq = 1234");
  await at.audit.note(entry('added since'));
  // A look is over within few turns of the loop, so each of them is seen.
  let during: ReturnType<typeof watch.state> | undefined;
  const looking = (async () => {
    while (watch.state().faults.length === 0) {
      if (watch.state().checked.since > (verified?.at ?? 0)) during ??= structuredClone(watch.state());
      await nextTurn();
    }
  })();
  await at.clock.advance(3_590_000);
  await after(() => watch.state().faults.length > 0);
  expect(watch.state().faults[0]).toEqual({ kind: 'edited', seq: 1_234, to: 1_234 });
  await looking;
  // Until this look has ended, only what the one before it saw is known to be right.
  expect(during).toMatchObject({ head: { seq: 2_501 }, verified, faults: [] });
  expect(during?.checked.seq).toBeLessThan(1_234);
});

test('the file of heads stays small and keeps what it noted last', async () => {
  await using folder = await tempFolder();
  const path = join(folder.path, 'audit-head.log');
  const hash = 'a'.repeat(64);
  appendFileSync(path, `1 ${hash} 2026-11-24T04:00:00.000Z\n`.repeat(12_000));
  for (const seq of [2, 3]) await writeHead(folder.path, { seq, hash }, 0);
  expect(readFileSync(path, 'utf8').trim().split('\n')).toHaveLength(2);
  expect(readHeads(folder.path).at(-1)).toEqual({ seq: 3, hash });
});
