import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, vi } from 'vitest';
import type { Command } from '../../src/http/schemas/commands.ts';
import type { Household } from '../../src/http/schemas/people.ts';
import { policiesAtAnyTime } from '../helpers/batches.ts';
import { makeHousehold, makeTerminal, startTestGateway, VILLAGE } from '../helpers/gateway.ts';
import { tempFolder } from '../helpers/temp.ts';
import { withKey } from '../http/stage.ts';
import { test as consoleTest, PHONE } from './browser.ts';

vi.setConfig({ testTimeout: 60_000 });

/** 停供提议: what is proposed about a debt, and what people make of it. */

const test = consoleTest
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads from the pattern what a fixture needs.
  .extend('gateway', { scope: 'file' }, async ({}, { onCleanup }) => {
    const folder = await tempFolder();
    const policies = await policiesAtAnyTime(folder.path);
    const file = join(policies, 'policy.yaml');
    const text = await readFile(file, 'utf8');
    // Two notices are enough here, on one day.
    const quick = text
      .replace(/notices: \d+/, 'notices: 2')
      .replace(/daysBetween: \d+/, 'daysBetween: 0')
      .replace(/daysAfterLast: \d+/, 'daysAfterLast: 0');
    await writeFile(file, quick);
    const gateway = await startTestGateway({ overrides: { files: { policies } } });
    onCleanup(async () => {
      await gateway[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    });
    return gateway;
  })
  .extend('people', { scope: 'file' }, ({ gateway }) => makeHousehold(gateway))
  .extend('owing', ({ gateway, people }) => {
    let made = 0;
    return async (steps: string[], more: object = {}) => {
      const n = `${Date.now()}-${++made}`;
      const { body } = await gateway.admin.post<Household>('/households', {
        accountNo: `P-${n}`,
        name: `欠费户 ${n}`,
        areaCode: VILLAGE,
        companyId: people.company.id,
        ...more,
      });
      const meter = await makeTerminal(gateway.admin, { id: `m-${n}`, profile: 'gas-meter', householdId: body.id });
      const debt = { amountFen: -10_000, reason: 'debt' };
      await gateway.admin.post(`/households/${body.id}/adjustments`, debt, withKey());
      for (const step of steps) await people.clerk.post(`/households/${body.id}/notices`, { step });
      const commands = async () =>
        (await gateway.admin.get<{ items: Command[] }>(`/commands?terminalId=${meter.id}`)).body.items.map(
          ({ state }) => state,
        );
      return { ...body, meter: meter.id, commands };
    };
  });

const row = (page: Page, name: string) =>
  page.getByRole('table', { name: '停供提议' }).locator('tbody').getByRole('row').filter({ hasText: name });

test('what the policy does not allow is said before anybody asks, and cannot be asked for', async ({
  open,
  people,
  owing,
}) => {
  const { name, commands } = await owing(['final_notice']);
  const page = await open('/proposals', { as: people.clerk });
  await row(page, name).getByText('已发最后通知').waitFor();
  await row(page, name).getByText('-¥100.00').waitFor();
  await page.getByRole('button', { name: `申请停供：${name}` }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('控制策略现在不允许这样做').waitFor();
  expect(await dialog.getByRole('button', { name: '申请', exact: true }).isDisabled()).toBe(true);
  expect(await commands()).toEqual([]);
});

test('a proposal that is accepted by two fast clicks asks for one command, and says that nothing is off yet', async ({
  open,
  people,
  owing,
}) => {
  const { name, meter, commands } = await owing(['reminder', 'final_notice']);
  const page = await open('/proposals', { as: people.clerk });
  await page.getByRole('button', { name: `申请停供：${name}` }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText(`${meter}: `).waitFor();
  await dialog.getByLabel('原因').fill('两次催缴未缴');
  await dialog.getByRole('button', { name: '申请', exact: true }).dblclick();
  await dialog.getByRole('status').getByText('已申请，尚未停供').waitFor();
  await dialog.getByRole('status').locator('.ant-tag').getByText('排队中').waitFor();
  expect(await commands()).toEqual(['queued']);
  await dialog.locator('.ant-modal-footer').getByRole('button', { name: '关闭' }).click();
  await expect.poll(() => row(page, name).count()).toBe(0);
  await page.getByText('已申请', { exact: true }).click();
  await row(page, name).getByText('两次催缴未缴').waitFor();
  await row(page, name).getByText('排队中').waitFor();
});

test('for a vulnerable household it needs a reason and waits for a second person', async ({ open, people, owing }) => {
  const { name, commands } = await owing(['reminder', 'final_notice'], { vulnerable: true });
  const page = await open('/proposals', { as: people.clerk, viewport: PHONE });
  expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  await page.getByRole('button', { name: `申请停供：${name}` }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('这条指令须由另一人审批后才会下发').waitFor();
  expect(await dialog.getByRole('button', { name: '申请', exact: true }).isDisabled()).toBe(true);
  await dialog.getByLabel('原因').fill('本人同意');
  await dialog.getByRole('button', { name: '申请', exact: true }).click();
  await dialog.getByRole('status').locator('.ant-tag').getByText('待审批').waitFor();
  expect(await commands()).toEqual(['held']);
});

test('a proposal is dismissed with a reason, and an operator decides nothing', async ({ open, people, owing }) => {
  const { name, commands } = await owing(['final_notice']);
  const looking = await open('/proposals', { as: people.operator });
  await row(looking, name).getByText('待处理').waitFor();
  expect(await looking.getByRole('button', { name: `驳回：${name}` }).count()).toBe(0);
  const page = await open('/proposals', { as: people.clerk });
  await page.getByRole('button', { name: `驳回：${name}` }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: '确认驳回' }).click();
  await dialog.getByText('请输入原因').waitFor();
  await dialog.getByLabel('原因').fill('独居老人');
  await dialog.getByRole('button', { name: '确认驳回' }).click();
  await expect.poll(() => row(page, name).count()).toBe(0);
  await page.getByText('已驳回', { exact: true }).click();
  await row(page, name).getByText('独居老人').waitFor();
  expect(await commands()).toEqual([]);
});
