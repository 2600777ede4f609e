import { newId } from '../../src/lib/ids.ts';
import { connectTerminal, makeTerminal } from '../helpers/gateway.ts';
import { test } from './browser.ts';

test('a wrong secret is on the list of security events, with its terminal and address, and a filter finds it', async ({
  open,
  gateway,
}) => {
  const terminal = await makeTerminal(gateway.admin, { id: newId('s'), profile: 'gas-boiler' });
  await connectTerminal(gateway, terminal, { password: 'guess' }).catch(() => undefined);
  const page = await open('/security?terminalId=nobody', { as: gateway.admin });
  await page.getByText('没有安全事件').waitFor();
  await page.getByRole('searchbox', { name: '终端号' }).fill(terminal.id);
  const row = page.getByRole('table', { name: '安全事件' }).getByRole('row').filter({ hasText: '终端号或密钥错误' });
  await row.getByRole('link', { name: terminal.id }).waitFor();
  await row.getByText('127.0.0.1').waitFor();
  await page.getByRole('button', { name: 'English' }).click();
  await page.getByText('Unknown terminal or wrong secret').first().waitFor();
});
