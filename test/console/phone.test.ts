import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { makeHousehold } from '../helpers/gateway.ts';
import { finished, upload } from '../helpers/imports.ts';
import { test as consoleTest, PHONE } from './browser.ts';
import { playBoiler } from './terminal.ts';

/** The longest names that the gateway takes: what does not break a page then never does. */
const LONGEST_ID = 'X'.repeat(64);

const test = consoleTest.extend('household', { scope: 'file' }, async ({ gateway }, { onCleanup }) => {
  const { household, clerk } = await makeHousehold(gateway);
  const boiler = await playBoiler(gateway, household.id, LONGEST_ID);
  onCleanup(() => boiler[Symbol.asyncDispose]());
  await boiler.read({
    supply_c: 48.2,
    return_c: 39.9,
    room_c: 19.4,
    setpoint_c: 20,
    power_on: true,
    gas_m3: 123_456.78,
  });
  await boiler.read({ room_c: 'frame'.repeat(100) });
  await boiler.say('events', { time: Date.now(), event: `e${'x'.repeat(40)}`, data: {} });
  await clerk.command(boiler.id, { command: 'power', value: 'on' });
  await clerk.command(boiler.id, { command: 'setpoint', value: 21, reason: 'reason'.repeat(30) });
  await clerk.post(
    `/households/${household.id}/payments`,
    { amountFen: 100_000_000, method: 'cash', reference: 'R'.repeat(100) },
    { 'idempotency-key': 'phone' },
  );
  const who = { origin: gateway.origin, token: gateway.admin.token };
  const { body } = await upload(
    who,
    `id,profile,via\n${'x'.repeat(99)},${LONGEST_ID},\n`,
    `?fileName=${'f'.repeat(200)}`,
  );
  await finished(who, body);
  return { ...household, imported: body.id };
});

const OVERHANG = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';

/** Pages that are wider than the phone, with the pixels they are too wide. `shown` is there when the page is complete. */
async function tooWide(page: Page, origin: string, pages: Record<string, string | RegExp>) {
  const wide: [path: string, pixels: unknown][] = [];
  for (const [path, shown] of Object.entries(pages)) {
    await page.goto(`${origin}${path}`);
    await page.getByText(shown).first().waitFor();
    const pixels = await page.evaluate(OVERHANG);
    if (pixels !== 0) wide.push([path, pixels]);
  }
  return wide;
}

test.for(['zh', 'en'] as const)(
  'on a phone no page needs sideways scrolling, whatever it holds (%s)',
  async (language, { open, origin, gateway, household: { imported, ...household } }) => {
    const page = await open('/', { as: gateway.admin, language, viewport: PHONE });
    const pages = {
      '/terminals': LONGEST_ID,
      [`/terminals/${LONGEST_ID}`]: 'reasonreason',
      '/households': household.name,
      [`/households/${household.id}`]: 'RRRRR',
      '/takings': /收款|Received/,
      '/proposals': /没有待处理的提议|Nothing is proposed/,
      '/deposits': /押金|Deposits/,
      '/alarms': LONGEST_ID,
      '/quarantine': LONGEST_ID,
      '/audit': LONGEST_ID,
      [`/imports?id=${imported}`]: LONGEST_ID,
      '/claim': /二维码内容|QR text/,
    };
    expect(await tooWide(page, origin, pages)).toEqual([]);
  },
);

test.for(['zh', 'en'] as const)(
  'on a phone no page for strangers needs sideways scrolling (%s)',
  async (language, { open, origin }) => {
    const page = await open('/login', { language, viewport: PHONE });
    const pages = {
      '/login': /登录|Sign in/,
      '/setup': /去登录|Go to sign-in/,
      '/setup?token=some': /再次输入密码|Password again/,
      '/nowhere': /没有这个页面|There is no such page/,
    };
    expect(await tooWide(page, origin, pages)).toEqual([]);
  },
);
