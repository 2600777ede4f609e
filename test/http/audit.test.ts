import { expect, test } from 'vitest';
import type { AuditEntry, AuditState } from '../../src/http/schemas/audit.ts';
import { makeHousehold, makeTerminal, startTestGateway } from '../helpers/gateway.ts';
import { eventually } from '../helpers/temp.ts';
import { allPages, type Page } from './stage.ts';

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
