import { expect, test } from 'vitest';
import type { AuditEntry, AuditState } from '../../src/http/schemas/audit.ts';
import type { Payment } from '../../src/http/schemas/billing.ts';
import type { PaymentOrder } from '../../src/http/schemas/payment-orders.ts';
import { newSecret } from '../../src/lib/ids.ts';
import { makeHousehold, makeTerminal, startTestGateway } from '../helpers/gateway.ts';
import { eventually } from '../helpers/temp.ts';
import { allPages, type Page, withKey } from './stage.ts';

test('the audit says who added whom, removed what and asked for which command, the newest first, page by page', async () => {
  await using gateway = await startTestGateway();
  const { admin } = gateway;
  const { clerk, household, company } = await makeHousehold(gateway);
  await makeTerminal(clerk, { id: 'A', profile: 'gas-boiler', householdId: household.id });
  const { body: command } = await clerk.command('A', { command: 'power', value: 'off', reason: '欠费' });
  await admin.post(`/commands/${command.id}/cancel`);
  await clerk.delete('/terminals/A');
  const { items } = await allPages<AuditEntry>(admin, '/audit', 3);
  expect(items.map(({ seq }) => seq)).toEqual(items.map((_, i) => items.length - i));
  expect(items.slice(0, 4).map(({ actor, action, subject }) => `${actor} ${action} ${subject}`)).toEqual([
    expect.stringMatching(/^company-\d+ terminal_removed A$/),
    `admin command_cancelled ${command.id}`,
    expect.stringMatching(/^company-\d+ command_requested cmd_/),
    expect.stringMatching(/^company-\d+ terminal_added A$/),
  ]);
  expect(items[2]?.detail).toEqual({
    command: 'power',
    value: 'off',
    reason: '欠费',
    purpose: null,
    sequence: 1,
    expiresAt: Date.parse(command.expiresAt),
    rules: expect.any(String),
  });
  expect(items.at(-1)).toMatchObject({ actor: 'setup:password', action: 'user_added', seq: 1 });
  // A company sees what was done to its terminals, and not who works for whom.
  const own = await allPages<AuditEntry>(clerk, '/audit', 500);
  expect(own.items.map(({ action }) => action)).toEqual([
    'terminal_removed',
    'command_cancelled',
    'command_requested',
    'terminal_added',
  ]);
  expect(company.id).not.toBe('');
});

test('the audit can be asked for an actor, an action, a terminal and a time', async () => {
  await using gateway = await startTestGateway();
  const { admin } = gateway;
  for (const id of ['A', 'B']) await makeTerminal(admin, { id, profile: 'gas-boiler' });
  await admin.command('A', { command: 'power', value: 'on' });
  const count = async (query: string) => (await admin.get<Page<AuditEntry>>(`/audit?${query}`)).body.items.length;
  expect(await count('terminalId=A')).toBe(2);
  expect(await count('action=terminal_added')).toBe(2);
  expect(await count('actor=admin')).toBe(3);
  expect(await count('actor=admin&terminalId=B')).toBe(1);
  expect(await count(`from=${Date.now() - 60_000}`)).toBe(4);
  expect(await count(`to=${Date.now() - 60_000}`)).toBe(0);
  for (const wrong of ['action=nothing', 'cursor=cmd_1', 'colour=red'])
    expect((await admin.get(`/audit?${wrong}`)).body).toMatchObject({ code: 'invalid_request' });
});

test('the gateway says of its audit up to which row it was looked through, and that nothing was changed', async () => {
  await using gateway = await startTestGateway();
  const state = await eventually(async () => {
    const { body } = await gateway.admin.get<AuditState>('/audit/state');
    return body.verified !== null && body;
  });
  expect(state).toMatchObject({ head: { seq: 1 }, checked: { seq: 1 }, verified: { seq: 1 }, faults: [] });
});

test('what moves money or changes secrets is in the audit once, for its own company, and no secret is in it', async () => {
  await using gateway = await startTestGateway({ overrides: { payments: { sandbox: true } } });
  const { admin } = gateway;
  const { clerk, household, company } = await makeHousehold(gateway);
  const stranger = await makeHousehold(gateway);
  const h = `/households/${household.id}`;
  const money = <T = Payment>(path: string, body: object, key = newSecret()) => clerk.post<T>(path, body, withKey(key));
  const cash = { amountFen: 90_000, method: 'cash', reference: 'r-1' };
  const key = newSecret();
  const { body: paid } = await money(`${h}/payments`, cash, key);
  await money(`${h}/payments`, cash, key);
  await money(`${h}/payments/${paid.id}/reverse`, { reason: 'wrong' });
  await money(`${h}/adjustments`, { amountFen: -500, reason: 'late', evidence: 'letter 7' });
  await money(`${h}/deposit/receive`, { ...cash, reference: 'd-1' });
  await money(`${h}/deposit/offset`, { reason: 'owed' });
  await money(`${h}/deposit/refund`, { method: 'cash', reference: 'd-2', reason: 'leaves' });
  const { body: order } = await money<PaymentOrder>(`${h}/payment-orders`, { amountFen: 300, provider: 'sandbox' });
  await clerk.post(`/payment-orders/${order.id}/sandbox-pay`);
  await money(`/payment-orders/${order.id}/refund`, { amountFen: 100, reason: 'half' });
  await clerk.put(`${h}/tariff`, { tariff: 'gas-three-tiers', since: '2026-01-01' });
  await clerk.put(`${h}/billing-mode`, { mode: 'prepaid', since: '2026-01-01' });
  const terminal = await makeTerminal(clerk, { id: 'A', profile: 'gas-boiler', householdId: household.id });
  const { body: rotated } = await clerk.post<{ password: string }>('/terminals/A/credentials');
  await clerk.delete('/terminals/A/credentials');
  // What was refused moved nothing.
  await money(`${h}/payments`, { ...cash, amountFen: 0 });
  await money(`${h}/adjustments`, { amountFen: -90_000_000, reason: 'too much' });

  const { items } = await allPages<AuditEntry>(clerk, '/audit', 500);
  expect(items.map(({ action }) => action).reverse()).toEqual([
    'payment_received',
    'payment_reversed',
    'adjustment_booked',
    'deposit_received',
    'deposit_offset',
    'deposit_refunded',
    'payment_received',
    'refund_requested',
    'refund_made',
    'tariff_set',
    'billing_mode_set',
    'terminal_added',
    'secret_changed',
    'secret_revoked',
  ]);
  const of = (action: string) => items.find((one) => one.action === action);
  expect(of('payment_reversed')).toMatchObject({ subject: paid.id, detail: { amountFen: 90_000, reason: 'wrong' } });
  expect(of('adjustment_booked')?.detail).toEqual({
    householdId: household.id,
    accountNo: household.accountNo,
    amountFen: -500,
    reason: 'late',
    evidence: 'letter 7',
  });
  expect(of('refund_made')).toMatchObject({ actor: 'provider:sandbox', detail: { amountFen: 100, orderId: order.id } });
  expect((await stranger.clerk.get<Page<AuditEntry>>('/audit')).body.items).toEqual([]);
  const all = JSON.stringify((await allPages<AuditEntry>(admin, '/audit', 500)).items);
  for (const secret of [terminal.secret, rotated.password, clerk.token]) expect(all).not.toContain(secret);
  expect(company.id).not.toBe('');
});
