import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort } from '../../src/demo/free-port.ts';
import type { Account } from '../../src/http/schemas/billing.ts';
import type { Bill, BillingRun } from '../../src/http/schemas/bills.ts';
import type { Company, Household } from '../../src/http/schemas/people.ts';
import { newSecret } from '../../src/lib/ids.ts';
import { type ApiClient, connectTerminal, makeTerminal, publish, VILLAGE } from '../helpers/gateway.ts';
import { adminOf, type GatewayProcess, spawnGateway } from '../helpers/process.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';

/** A billing run that a power cut ends in the middle. */

const HOUSEHOLDS = 230;
const START = Date.parse('2025-11-01T00:00:00+08:00');
const TARIFF = `tariff: plain
title: { zh: 单一价, en: One price }
source: this test
metric: gas_m3
applies: {}
versions: [{ from: 2020-01-01, rates: { price: 2 } }]
`;

/** Each household's meter counts as many m³ in the month as its number. */
async function fill(gateway: GatewayProcess, admin: ApiClient): Promise<{ companyId: string; ids: string[] }> {
  const { body: company } = await admin.post<Company>('/companies', { name: 'Killed' });
  const collector = await makeTerminal(admin, { id: 'collector', profile: 'gas-meter' });
  const client = await connectTerminal(gateway, collector);
  const ids: string[] = [];
  for (let n = 1; n <= HOUSEHOLDS; n += 1) {
    const { body } = await admin.post<Household>('/households', {
      accountNo: `K${n}`,
      name: `K${n}`,
      areaCode: VILLAGE,
      companyId: company.id,
    });
    ids.push(body.id);
    const connection = { type: 'mqtt' as const, via: 'collector' };
    await makeTerminal(admin, { id: `k${n}`, profile: 'gas-meter', householdId: body.id, connection });
    const readings = Array.from({ length: 31 }, (_, day) => ({
      time: START + day * 86_400_000,
      values: { gas_m3: (n * day) / 30 },
    }));
    await publish(client, `terminals/k${n}/readings`, readings);
  }
  await client.endAsync();
  return { companyId: company.id, ids };
}

test('a run that is killed with SIGKILL goes on after the start, and every household has one bill and owes it once', async () => {
  await using folder = await tempFolder();
  const tariffs = join(folder.path, 'tariffs');
  await mkdir(tariffs);
  await writeFile(join(tariffs, 'plain.yaml'), TARIFF);
  const ports = { http: await freePort(), mqtt: await freePort() };
  const settings = { HEARTHGATE_FILES__TARIFFS: tariffs };
  let ids: string[];
  let runId: string;
  {
    await using gateway = await spawnGateway(folder.path, ports, settings);
    const admin = await adminOf(gateway);
    const filled = await fill(gateway, admin);
    ids = filled.ids;
    await eventually(async () =>
      /^hearthgate_spool_waiting 0$/m.test(await (await fetch(`${gateway.origin}/metrics`)).text()),
    );
    const body = { period: '2025-11', companyId: filled.companyId };
    const { body: run } = await admin.post<BillingRun>('/billing-runs', body, { 'idempotency-key': newSecret() });
    runId = run.id;
    await eventually(async () => (await admin.get<BillingRun>(`/billing-runs/${runId}`)).body.seen > 0);
    await gateway.kill();
  }
  await using gateway = await spawnGateway(folder.path, ports, settings);
  const admin = await adminOf(gateway);
  const { body: found } = await admin.get<BillingRun>(`/billing-runs/${runId}`);
  expect(found.seen).toBeGreaterThan(0);
  const done = await eventually(async () => {
    const { body } = await admin.get<BillingRun>(`/billing-runs/${runId}`);
    return body.state === 'done' && body;
  }, 60_000);
  expect(done).toMatchObject({ seen: HOUSEHOLDS, made: HOUSEHOLDS, failed: 0 });
  expect(done.amountFen).toBe((200 * HOUSEHOLDS * (HOUSEHOLDS + 1)) / 2);
  for (const [index, id] of ids.entries()) {
    const { body: bills } = await admin.get<{ items: Bill[] }>(`/households/${id}/bills`);
    expect(bills.items.map(({ totalFen }) => totalFen)).toEqual([200 * (index + 1)]);
    const { body: account } = await admin.get<Account>(`/households/${id}/account`);
    expect(account.balanceFen).toBe(-200 * (index + 1));
  }
}, 180_000);
