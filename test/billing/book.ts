import type { Caller } from '../../src/areas/scope.ts';
import { createAudit } from '../../src/audit/audit.ts';
import { companyAccount, householdAccount } from '../../src/billing/accounts.ts';
import { openBilling } from '../../src/billing/billing.ts';
import { openCollection } from '../../src/billing/collection.ts';
import { loadConfig } from '../../src/config.ts';
import { openDatabase } from '../../src/db/database.ts';
import type { HouseholdRow } from '../../src/db/schema.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { newId } from '../../src/lib/ids.ts';
import { createLog } from '../../src/lib/log.ts';
import { toFen } from '../../src/lib/money.ts';
import { testDatabase } from '../helpers/database.ts';
import { tempFolder } from '../helpers/temp.ts';
import type { TestProvider } from './provider-stage.ts';

/** The books without the rest of a gateway, so that a test can hold their clock. */

export const CLERK: Caller = {
  id: 'usr_1',
  name: 'clerk',
  role: 'admin',
  companyId: null,
  areaCode: null,
  householdId: null,
};

export async function openBook(provider: TestProvider, clock: Clock, where?: string) {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder());
  const log = createLog('silent');
  const url = where ?? ((await testDatabase(folder.path)) || `${folder.path}/book.sqlite`);
  const db = stack.use(await openDatabase(url, log));
  const paid: string[] = [];
  const config = loadConfig({});
  const settings = { ...config.payments, wechat: provider.wechat };
  const onPaid = (householdId: string) => void paid.push(householdId);
  const billing = openBilling({ db, clock, log, settings: config.billing, onPaid });
  const collection = stack.use(
    await openCollection(settings, {
      ...billing,
      audit: createAudit({ db, clock }),
      folder: folder.path,
      db,
      clock,
      log,
    }),
  );
  const { orders, notifications } = collection;
  const wechat = collection.providers.get('wechat');

  async function household(): Promise<HouseholdRow> {
    const companyId = newId('co');
    const id = newId('hh');
    await db.insertInto('companies').values({ id: companyId, name: companyId, createdAt: 0 }).execute();
    const row = { id, accountNo: id, name: id, areaCode: '14', companyId, vulnerable: 0, importId: null, createdAt: 0 };
    await db
      .insertInto('areas')
      .values({ code: '14', name: '14', level: 'county', parent: null, personName: null, personPhone: null })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    await db
      .insertInto('households')
      .values({ ...row, address: null, phone: null })
      .execute();
    return { ...row, address: null, phone: null };
  }

  const opened = stack.move();
  return {
    ...billing,
    collection,
    db,
    url,
    paid,
    household,
    wechat,

    async order(of: HouseholdRow, amountFen: number): Promise<string> {
      const wanted = { amountFen: toFen(amountFen), provider: 'wechat' as const };
      const id = await db.transaction().execute((transaction) => orders.create(transaction, CLERK, of, wanted));
      await orders.withCode(id);
      return id;
    },

    /** As the route does with what comes. */
    async receive(notice: { body: string; headers: Record<string, string> } | undefined): Promise<void> {
      if (!notice) return;
      const told = wechat.verifyNotification(Buffer.from(notice.body), notice.headers);
      await notifications.take({ ...told, provider: 'wechat', source: 'notification' });
    },

    /** The household's money, and what the provider holds, what it kept and what came to the bank, in fen. */
    async money(of: HouseholdRow) {
      const company = (kind: 'clearing:wechat' | 'fees' | 'bank') => companyAccount(of.companyId, kind);
      const fen = async (account: Parameters<typeof billing.ledger.balance>[0]) =>
        Number((await billing.ledger.balance(account)).postedFen);
      return {
        heating: await fen(householdAccount(of, 'heating')),
        clearing: await fen(company('clearing:wechat')),
        fees: await fen(company('fees')),
        bank: await fen(company('bank')),
      };
    },

    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
export type Book = Awaited<ReturnType<typeof openBook>>;
