import { expect } from 'vitest';
import { newId } from '../../src/lib/ids.ts';
import { heldClock } from '../helpers/clock.ts';
import { makeHousehold, makeTerminal, startTestGateway } from '../helpers/gateway.ts';
import { test as consoleTest, PHONE } from './browser.ts';

/** What people see when somebody has set the gateway's clock. */

const clock = heldClock(Date.now());
// biome-ignore lint/correctness/noEmptyPattern: Vitest reads from the pattern what a fixture needs.
const test = consoleTest.extend('gateway', { scope: 'file' }, async ({}, { onCleanup }) => {
  const gateway = await startTestGateway({ clock });
  onCleanup(() => gateway[Symbol.asyncDispose]());
  return gateway;
});

test('a clerk is told that nothing is switched off, and an admin says that the clock is right', async ({
  open,
  gateway,
}) => {
  const { clerk, household } = await makeHousehold(gateway);
  const id = newId('boiler');
  await makeTerminal(gateway.admin, { id, profile: 'gas-boiler', householdId: household.id });
  const began = clock.now();
  clock.set(began + 3_600_000);
  let page = await open('/terminals', { as: clerk, viewport: PHONE });
  await page.getByText('网关时钟被调整了 3600 秒').waitFor();
  expect(await page.getByRole('button', { name: '时钟无误' }).count()).toBe(0);
  expect(await page.locator('html').evaluate(({ scrollWidth }) => scrollWidth)).toBeLessThanOrEqual(PHONE.width);

  page = await open('/', { as: gateway.admin, refusals: [409] });
  await page.getByRole('button', { name: '时钟无误' }).click();
  const dialog = page.getByRole('dialog', { name: '确认网关时钟无误？' });
  await dialog.getByRole('button', { name: '时钟无误' }).click();
  await dialog.getByText('网关时钟与这台电脑的时间不一致').waitFor();
  expect((await clerk.command(id, { command: 'power', value: 'off' })).status).toBe(422);

  // Now it is set to what it is.
  clock.set(Date.now());
  await dialog.getByRole('button', { name: '时钟无误' }).click();
  await page.getByText('网关时钟被调整了').waitFor({ state: 'detached' });
  expect((await clerk.command(id, { command: 'power', value: 'off' })).status).toBe(202);
  await open('/audit', { as: gateway.admin });
  await page.getByRole('table', { name: '审计' }).getByText('确认网关时钟无误').first().waitFor();
}, 60_000);
