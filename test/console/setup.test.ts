import type { Page } from 'playwright-core';
import { systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import { startGateway } from '../../src/main.ts';
import { testConfig } from '../helpers/gateway.ts';
import { tempFolder } from '../helpers/temp.ts';
import { test as consoleTest } from './browser.ts';

/** The first start of a gateway to which nobody gave a password. */

const test = consoleTest
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads from the pattern what a fixture needs.
  .extend('link', { scope: 'file' }, async ({}, { onCleanup }) => {
    const folder = await tempFolder();
    const config = { ...testConfig(folder.path), adminPassword: undefined };
    const gateway = await startGateway(config, { clock: systemClock, log: createLog('silent') });
    onCleanup(async () => {
      await gateway[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    });
    return new URL(gateway.setupUrl ?? '');
  })
  .extend('origin', { scope: 'file' }, ({ link }) => link.origin);

const PASSWORD = 'a-password-of-my-own';

async function fill(page: Page, username: string, password: string, repeated: string): Promise<void> {
  await page.getByLabel('用户名').fill(username);
  await page.getByLabel('密码', { exact: true }).fill(password);
  await page.getByLabel('再次输入密码').fill(repeated);
  await page.getByRole('button', { name: '创建管理员' }).click();
}

test('a link that is not the gateway’s, or that was cut off, says so and where to go', async ({ open, link }) => {
  const page = await open('/setup', { refusals: [404] });
  await page.getByText('此链接已使用过，或不再有效。').waitFor();
  await page.goto(`${link.origin}/setup?token=guessed`);
  await fill(page, 'admin', PASSWORD, PASSWORD);
  await page.getByRole('alert').getByText('此链接已使用过，或不再有效。').waitFor();
  await page.getByRole('button', { name: 'English' }).click();
  await page.getByRole('alert').getByText('This link has been used or is no longer valid.').waitFor();
  await page.getByRole('link', { name: 'Go to sign-in' }).click();
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
});

test('the link makes the first administrator, once', async ({ open, link }) => {
  const page = await open(link.pathname + link.search, { refusals: [404] });
  await fill(page, '管理员', 'short', 'other');
  await page.getByText('用户名只能用字母、数字、点、横线和下划线').waitFor();
  await page.getByText('密码至少 8 个字符').waitFor();
  await page.getByText('两次输入的密码不一致').waitFor();
  await fill(page, 'chief', PASSWORD, PASSWORD);
  await page.getByText('管理员 chief 已创建，请登录。').waitFor();
  await page.waitForURL('**/login');

  await page.getByLabel('用户名').fill('chief');
  await page.getByLabel('密码').fill(PASSWORD);
  await page.getByRole('button', { name: '登录' }).click();
  await page.getByRole('heading', { level: 1, name: '终端' }).waitFor();

  await page.goto(link.href);
  await fill(page, 'second', PASSWORD, PASSWORD);
  await page.getByText('此链接已使用过，或不再有效。').waitFor();
});
