import { expect } from 'vitest';
import type { AuditState } from '../../src/http/schemas/audit.ts';
import { newId } from '../../src/lib/ids.ts';
import { connectTerminal, makeTerminal, sendReading } from '../helpers/gateway.ts';
import { eventually } from '../helpers/temp.ts';
import { test } from './browser.ts';

test('who asked for a command is in the audit, filters find it, and the page says that nothing was changed', async ({
  open,
  gateway,
}) => {
  const { id } = await makeTerminal(gateway.admin, { id: newId('a'), profile: 'gas-boiler' });
  await gateway.admin.command(id, { command: 'power', value: 'off', reason: '检修管道' });
  const page = await open('/audit?action=user_removed', { as: gateway.admin });
  await page.getByText('没有符合条件的记录').waitFor();
  const { verified } = (await gateway.admin.get<AuditState>('/audit/state')).body;
  await page.getByText(`核对无误：第 1–${verified?.seq} 条`).waitFor();
  await gateway.admin.command(id, { command: 'power', value: 'on' });
  await page.reload();
  await page.getByText(/核对完成于 .+ · 此后新增 \d+ 条/).waitFor();
  await open('/audit', { as: gateway.admin });
  await page.getByRole('searchbox', { name: '终端号' }).fill(id);
  const table = page.getByRole('table', { name: '审计' });
  const row = table.getByRole('row').filter({ hasText: '开关 → 关闭 · 检修管道' });
  await row.getByText('请求指令').waitFor();
  await row.getByText('admin').waitFor();
  await row.getByRole('link', { name: id }).waitFor();
  await table.getByText('登记终端').waitFor();
  await page.getByRole('searchbox', { name: '操作者' }).fill('nobody');
  await page.getByText('没有符合条件的记录').waitFor();
  await page.getByRole('searchbox', { name: '操作者' }).fill('');
  await page.getByLabel('截止日期').fill('2020-01-01');
  await eventually(() => page.url().includes('to=2020-01-01'));
  await page.getByText('没有符合条件的记录').waitFor();
  await page.getByLabel('截止日期').fill('');
  await page.getByRole('button', { name: 'English' }).click();
  await table
    .or(page.getByRole('table', { name: 'Audit' }))
    .getByText('Asked for a command')
    .first()
    .waitFor();
}, 90_000);

test('a reading that contradicts a command, and the rule that holds one, are told in Chinese', async ({
  open,
  gateway,
}) => {
  const { admin } = gateway;
  const id = newId('a');
  const terminal = await makeTerminal(admin, { id, profile: 'gas-boiler' });
  const client = await connectTerminal(gateway, terminal);
  await client.subscribeAsync(`terminals/${id}/commands`, { qos: 1 });
  const { body: command } = await admin.command(id, { command: 'power', value: 'off', reason: '检修' });
  await eventually(async () => (await admin.commandState(command.id)).state === 'sent');
  await sendReading(client, id, { power_on: true }, Date.now() + 1);
  await eventually(async () => (await admin.commandState(command.id)).history.at(-1)?.cause === 'contradicted');
  await client.endAsync();
  const page = await open(`/audit?terminalId=${id}`, { as: admin });
  const table = page.getByRole('table', { name: '审计' });
  await table.getByText('开关 → 关闭 · 读数与指令不符 · 开关 = 开').waitFor();
  await table.getByText('开关 → 关闭 · 下发方式 · MQTT').waitFor();
  expect(await table.getByText(/power_on|contradicted/).count()).toBe(0);
}, 60_000);
