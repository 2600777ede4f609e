import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { freePort } from '../../src/demo/free-port.ts';
import type { Account, Payment } from '../../src/http/schemas/billing.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import { testDatabase } from '../helpers/database.ts';
import { makeHousehold } from '../helpers/gateway.ts';
import { adminOf, spawnGateway } from '../helpers/process.ts';
import { tempFolder } from '../helpers/temp.ts';
import type { Page } from '../http/stage.ts';
import { wronglyKept } from './kept.ts';
import { deliver, order, settingsOf, startProvider } from './provider-stage.ts';

/** A gateway that is killed while notifications come: what was answered with success is there, and nothing is there twice. */

const provider = await startProvider(systemClock);
afterAll(() => provider[Symbol.asyncDispose]());

const ORDERS = 24;

test('killed between commit and answer, the gateway credits what is told again only once', async () => {
  await using folder = await tempFolder();
  const ports = { http: await freePort(), mqtt: await freePort() };
  const settings = { ...settingsOf(provider), HEARTHGATE_DATABASE__URL: await testDatabase(folder.path) };
  let gateway = await spawnGateway(folder.path, ports, settings);
  const admin = await adminOf(gateway);
  const homes = [];
  for (let n = 0; n < ORDERS; n++) {
    if (n % 4 === 0) homes.push(await makeHousehold({ origin: gateway.origin, admin }));
    const household = homes.at(-1)?.household.id ?? '';
    const { body } = await order(admin, household, { amountFen: 100 + n });
    provider.trades.pay(body.id);
  }
  const ids =
    provider.requests.length > 0
      ? [
          ...(await everyOrder(
            admin,
            homes.map(({ household }) => household.id),
          )),
        ]
      : [];
  expect(ids).toHaveLength(ORDERS);
  const answered = new Set<string>();
  for (const killAfter of [1, 3, 8]) {
    const deliveries = ids.map(async (id) => {
      const answer = await deliver(gateway.origin, provider.paymentNotice(id, `EV-${id}`)).catch(() => undefined);
      if (answer?.status === 200) answered.add(id);
      // Others are committed by now, and their answers are on the way.
      if (answered.size >= killAfter) await gateway.kill();
    });
    await Promise.all(deliveries);
    await gateway.kill();
    gateway = await spawnGateway(folder.path, ports, settings);
  }
  const again = await adminOf(gateway);
  for (const id of answered) {
    expect((await again.get<{ state: string }>(`/payment-orders/${id}`)).body.state).toBe('paid');
  }
  for (const id of ids)
    expect((await deliver(gateway.origin, provider.paymentNotice(id, `EV-${id}`))).status).toBe(200);
  let total = 0;
  for (const { household } of homes) {
    const { body: account } = await again.get<Account>(`/households/${household.id}/account`);
    const { body: payments } = await again.get<Page<Payment>>(`/households/${household.id}/payments`);
    expect(payments.items.reduce((sum, { amountFen }) => sum + amountFen, 0)).toBe(account.balanceFen);
    total += account.balanceFen;
  }
  expect(total).toBe(Array.from({ length: ORDERS }, (_, n) => 100 + n).reduce((sum, fen) => sum + fen, 0));
  await gateway.kill();
  const where = settings.HEARTHGATE_DATABASE__URL || join(folder.path, 'data', 'hearthgate.sqlite');
  await using db = await openDatabase(where, createLog('silent'));
  expect(await wronglyKept(db)).toEqual([]);
}, 240_000);

async function everyOrder(admin: Awaited<ReturnType<typeof adminOf>>, householdIds: string[]): Promise<string[]> {
  const pages = await Promise.all(
    householdIds.map((id) => admin.get<Page<{ id: string }>>(`/households/${id}/payment-orders`)),
  );
  return pages.flatMap(({ body }) => body.items.map(({ id }) => id));
}
