import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from '../../src/config.ts';
import { freePort } from '../../src/demo/free-port.ts';
import type { Account } from '../../src/http/schemas/billing.ts';
import type { Bill, Owing } from '../../src/http/schemas/bills.ts';
import type { AreaOverview } from '../../src/http/schemas/people.ts';
import type { Terminal } from '../../src/http/schemas/terminals.ts';
import { signIn } from '../helpers/gateway.ts';
import { end } from '../helpers/process.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';

const TERMINALS = 24;

async function startDemo(folder: string, ports: { http: number; mqtt: number }) {
  const child = spawn(
    process.execPath,
    [join(projectRoot, 'src/cli.ts'), 'demo', '--terminals', String(TERMINALS), '--data', folder],
    {
      env: { ...process.env, HEARTHGATE_HTTP__PORT: String(ports.http), HEARTHGATE_MQTT__PORT: String(ports.mqtt) },
    },
  );
  let printed = '';
  child.stdout.on('data', (data) => {
    printed += data;
  });
  child.stderr.on('data', (data) => {
    printed += data;
  });
  const origin = `http://127.0.0.1:${ports.http}`;
  await eventually(
    () => printed.includes('Ctrl-C') || (child.exitCode !== null && Promise.reject(new Error(printed))),
    30_000,
  );
  return {
    origin,
    printed: () => printed,
    stop: () => end(child, 'SIGINT'),
    [Symbol.asyncDispose]: async () => void (await end(child, 'SIGKILL')),
  };
}

const gasOf = (terminals: Terminal[]) =>
  new Map(terminals.flatMap(({ id, values }) => (values['gas_m3'] ? [[id, values['gas_m3'].value] as const] : [])));

/** Every page of money has something to show. */
async function expectMoney(
  origin: string,
  logins: { role: string; username: string; password: string }[],
): Promise<void> {
  const as = async (name: string) => {
    const login = logins.find(({ username }) => username === name);
    if (!login) throw new Error(`no login ${name}`);
    return signIn(origin, login);
  };
  const [gas, electric, resident] = [await as('gas'), await as('electric'), await as('resident')];
  const { body: me } = await resident.get<{ householdId: string }>('/me');
  const { body: bills } = await resident.get<{ items: Bill[] }>(`/households/${me.householdId}/bills`);
  expect(bills.items).toHaveLength(12);
  expect(bills.items.some(({ subsidyFen }) => subsidyFen > 0)).toBe(true);
  const { body: account } = await resident.get<Account>(`/households/${me.householdId}/account`);
  expect(account.balanceFen).toBe(-(bills.items[0]?.totalFen ?? 0));
  const { body: owing } = await electric.get<{ items: Owing[] }>('/arrears');
  expect(owing.items.flatMap(({ notices }) => notices.map(({ step }) => step))).toContain('reminder');
  const { body: deposits } = await gas.get<{ items: { closingFen: number }[] }>(
    `/reports/deposits?from=2020-01-01T00:00:00Z&to=${new Date().toISOString()}`,
  );
  expect(deposits.items[0]?.closingFen).toBeGreaterThan(0);
}

test('the demo makes a township whose values are live, prints a login for each role, stops on Ctrl-C and goes on where it was', async () => {
  await using folder = await tempFolder();
  const data = join(folder.path, 'demo');
  const ports = { http: await freePort(), mqtt: await freePort() };
  let before: Map<string, number>;
  {
    await using demo = await startDemo(data, ports);
    const logins: { role: string; username: string; password: string }[] = JSON.parse(
      await readFile(join(data, 'logins.json'), 'utf8'),
    );
    expect([...new Set(logins.map(({ role }) => role))].sort()).toEqual(['admin', 'company', 'operator', 'resident']);
    for (const login of logins) {
      expect(demo.printed()).toContain(login.password);
      await signIn(demo.origin, login);
    }
    const [admin] = logins;
    if (!admin) throw new Error('no admin');
    const api = await signIn(demo.origin, admin);
    const overview = await eventually(async () => {
      const { body } = await api.get<AreaOverview>('/areas/141023/overview');
      return body.online === TERMINALS && body;
    }, 20_000);
    expect(overview.terminals).toBe(TERMINALS);
    const { body } = await api.get<{ items: Terminal[] }>('/terminals?limit=500');
    expect(new Set(body.items.map(({ profile }) => profile)).size).toBe(5);
    expect((await api.get<{ items: object[] }>('/quarantine')).body.items).toEqual([]);
    before = gasOf(body.items);
    await eventually(() => demo.printed().includes('张账单'), 60_000);
    await expectMoney(demo.origin, logins);
    expect(await demo.stop()).toBe(0);
  }
  await using demo = await startDemo(data, ports);
  expect(demo.printed()).not.toContain('Making a township');
  const [admin] = JSON.parse(await readFile(join(data, 'logins.json'), 'utf8'));
  const api = await signIn(demo.origin, admin);
  const now = await eventually(async () => {
    const { body } = await api.get<{ items: Terminal[] }>('/terminals?limit=500');
    return body.items.every(({ status }) => status === 'online') && gasOf(body.items);
  }, 20_000);
  expect(now.size).toBe(before.size);
  for (const [id, gas] of before) expect(now.get(id)).toBeGreaterThanOrEqual(gas);
}, 120_000);

test('a number of terminals that is none is refused in a sentence', async () => {
  const child = spawn(process.execPath, [join(projectRoot, 'src/cli.ts'), 'demo', '--terminals', 'many']);
  let printed = '';
  child.stderr.on('data', (data) => {
    printed += data;
  });
  expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(1);
  expect(printed).toBe('--terminals takes a whole number from 1 to 5000\n');
});
