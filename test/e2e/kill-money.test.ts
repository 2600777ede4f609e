import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { freePort } from '../../src/demo/free-port.ts';
import type { Account, Payment } from '../../src/http/schemas/billing.ts';
import type { Company, Household } from '../../src/http/schemas/people.ts';
import { type ApiClient, VILLAGE } from '../helpers/gateway.ts';
import { adminOf, spawnGateway } from '../helpers/process.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';
import { allPages } from '../http/stage.ts';

/** Money at the counter of a gateway that is killed. */

const ROUNDS = 3;
const AT_A_TIME = 60;
const HOUSEHOLDS = 5;

interface Wish {
  household: string;
  key: string;
  body: { amountFen: number; method: 'cash'; reference: string };
  /** The id of the payment, once the gateway has said so. */
  acknowledged?: string;
}

async function pay(admin: ApiClient, wish: Wish): Promise<void> {
  const path = `/households/${wish.household}/payments`;
  const { status, body } = await admin.post<Payment>(path, wish.body, { 'idempotency-key': wish.key });
  if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`);
  // What was acknowledged before is what it is acknowledged as now.
  if (wish.acknowledged !== undefined && wish.acknowledged !== body.id) throw new Error('two payments for one key');
  wish.acknowledged = body.id;
}

test('killed with SIGKILL among payments, a gateway has each that it acknowledged, and each that is repeated once', async () => {
  await using folder = await tempFolder();
  const ports = { http: await freePort(), mqtt: await freePort() };
  const wishes: Wish[] = [];
  const households: string[] = [];
  let beforeTheKill = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    await using gateway = await spawnGateway(folder.path, ports);
    const admin = await adminOf(gateway);
    if (round === 0) {
      const { body: company } = await admin.post<Company>('/companies', { name: 'Heat' });
      for (let n = 0; n < HOUSEHOLDS; n += 1) {
        const household = { accountNo: `K-${n}`, name: `K ${n}`, areaCode: VILLAGE, companyId: company.id };
        households.push((await admin.post<Household>('/households', household)).body.id);
      }
    }
    const fresh = Array.from({ length: AT_A_TIME }, (_, n): Wish => {
      const number = wishes.length + n;
      return {
        household: households[number % HOUSEHOLDS] ?? '',
        key: `key-${number}`,
        body: { amountFen: 100 + number, method: 'cash', reference: `R-${number}` },
      };
    });
    wishes.push(...fresh);
    // All at once, those of the rounds before among them, so that the kill falls into the middle.
    const all = wishes.map((wish) => pay(admin, wish).catch(() => undefined));
    await eventually(() => fresh.filter(({ acknowledged }) => acknowledged !== undefined).length >= 10);
    await gateway.kill();
    await Promise.all(all);
    beforeTheKill += fresh.filter(({ acknowledged }) => acknowledged !== undefined).length;
  }
  expect(beforeTheKill).toBeLessThan(ROUNDS * AT_A_TIME);
  await using gateway = await spawnGateway(folder.path, ports);
  const admin = await adminOf(gateway);
  const paymentsOf = async (household: string) =>
    (await allPages<Payment>(admin, `/households/${household}/payments`, 500)).items;
  const found = (await Promise.all(households.map(paymentsOf))).flat();
  const lost = wishes.filter(({ acknowledged: id }) => id !== undefined && !found.some((payment) => payment.id === id));
  expect(lost).toEqual([]);
  await Promise.all(wishes.map((wish) => pay(admin, wish)));
  const everything = (await Promise.all(households.map(paymentsOf))).flat();
  expect(everything.map(({ reference }) => reference).sort()).toEqual(wishes.map(({ body }) => body.reference).sort());
  const numbers = everything.map(({ receiptNo }) => Number(receiptNo.split('-')[1])).sort((a, b) => a - b);
  expect(numbers).toEqual(Array.from({ length: wishes.length }, (_, n) => n + 1));
  for (const household of households) {
    const own = wishes.filter((wish) => wish.household === household);
    const { body } = await admin.get<Account>(`/households/${household}/account`);
    expect(body.balanceFen).toBe(own.reduce((sum, wish) => sum + wish.body.amountFen, 0));
  }
  await gateway.stop();
  using rows = new DatabaseSync(join(folder.path, 'data', 'hearthgate.sqlite'), { readOnly: true });
  const torn = rows.prepare(
    'select id from transfers where line_count <> (select count(*) from entries where transfer_id = transfers.id)',
  );
  expect(torn.all()).toEqual([]);
}, 120_000);
