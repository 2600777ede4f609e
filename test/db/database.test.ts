import pg from 'pg';
import { describe, expect, test } from 'vitest';
import type { Account } from '../../src/http/schemas/billing.ts';
import { makeHousehold, makeTerminal, startTestGateway } from '../helpers/gateway.ts';
import { noPostgres, startPostgres } from '../helpers/servers.ts';
import { eventually } from '../helpers/temp.ts';

/** The same promises on both databases. */
describe.each(['SQLite', 'PostgreSQL'])('on %s', (kind) => {
  async function start() {
    const postgres = kind === 'PostgreSQL' ? await startPostgres() : undefined;
    const gateway = await startTestGateway({ overrides: { database: { url: postgres?.url ?? '' } } });
    return {
      gateway,
      url: postgres?.url,
      async [Symbol.asyncDispose]() {
        await gateway[Symbol.asyncDispose]();
        await postgres?.[Symbol.asyncDispose]();
      },
    };
  }
  const needed = kind === 'PostgreSQL' ? noPostgres : undefined;

  test('the same key twenty times at once is one command, and the same payment is one payment', async ({ skip }) => {
    skip(needed !== undefined, needed);
    await using started = await start();
    const { gateway } = started;
    const { clerk, household } = await makeHousehold(gateway);
    await makeTerminal(clerk, { id: 'A', profile: 'gas-boiler', householdId: household.id });
    const twenty = Array.from({ length: 20 });
    const commands = await Promise.all(twenty.map(() => clerk.command('A', { command: 'power', value: 'off' }, 'one')));
    expect(new Set(commands.map(({ status, body }) => `${status} ${body.id}`)).size).toBe(1);
    const payment = { amountFen: 12_345, method: 'cash', reference: 'R1' };
    const path = `/households/${household.id}/payments`;
    const payments = await Promise.all(
      twenty.map(() => clerk.post<{ id: string }>(path, payment, { 'idempotency-key': 'two' })),
    );
    expect(new Set(payments.map(({ status, body }) => `${status} ${body.id}`)).size).toBe(1);
    expect((await clerk.get<Account>(`/households/${household.id}/account`)).body.balanceFen).toBe(12_345);
  });

  if (kind === 'PostgreSQL') {
    test('a connection that breaks ends nothing', async ({ skip }) => {
      skip(needed !== undefined, needed);
      await using started = await start();
      const admin = new pg.Client({ connectionString: started.url });
      await admin.connect();
      await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()');
      await admin.end();
      expect(await eventually(async () => (await started.gateway.admin.get('/companies')).status === 200)).toBe(true);
    });
  }

  test('twenty commands at once are numbered from 1 to 20 without a gap', async ({ skip }) => {
    skip(needed !== undefined, needed);
    await using started = await start();
    const { admin } = started.gateway;
    await makeTerminal(admin, { id: 'A', profile: 'gas-boiler' });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => admin.command('A', { command: 'setpoint', value: 10 + i * 0.5 })),
    );
    expect(answers.map(({ body }) => body.sequence).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
  });

  test('a meter exchange keeps its counts as they were read, and is there once', async ({ skip }) => {
    skip(needed !== undefined, needed);
    await using started = await start();
    const { admin } = started.gateway;
    await makeTerminal(admin, { id: 'A', profile: 'gas-meter' });
    const path = '/terminals/A/meter-exchanges';
    const exchange = { metric: 'gas_m3', at: '2026-01-05T02:00:00.000Z', lastValue: 99_999.123, firstValue: 0.1 };
    const answers = await Promise.all([1, 2, 3].map(() => admin.post(path, exchange)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    expect((await admin.get<{ items: object[] }>(path)).body.items).toMatchObject([exchange]);
  });

  test('a search takes % and _ as letters and finds either case', async ({ skip }) => {
    skip(needed !== undefined, needed);
    await using started = await start();
    const { admin } = started.gateway;
    const { household } = await makeHousehold(started.gateway);
    const found = async (text: string) =>
      (await admin.get<{ items: object[] }>(`/households?search=${encodeURIComponent(text)}`)).body.items.length;
    expect(await found('%')).toBe(0);
    expect(await found('_')).toBe(0);
    expect(await found(household.name.toUpperCase())).toBe(1);
    expect(await found(household.accountNo.toLowerCase())).toBe(1);
  });
});
