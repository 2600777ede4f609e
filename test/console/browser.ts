import { existsSync } from 'node:fs';
import { chromium, type Page } from 'playwright-core';
import { test as bare, expect } from 'vitest';
import { type ApiClient, startTestGateway } from '../helpers/gateway.ts';

/** A real Chromium, what goes wrong in its pages, and a gateway for it: one of each for a file of tests. */

const CHROMIUM = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find((file) => existsSync(file));
const noChromium = CHROMIUM ? undefined : 'chromium could not be installed';

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const DESK = { width: 1366, height: 768 };
export const PHONE = { width: 390, height: 844 };

interface Visit {
  /** Signed in already; without it the page meets a stranger. */
  as?: ApiClient;
  language?: 'zh' | 'en';
  viewport?: { width: number; height: number };
  /** The gateway's refusals that the test provokes: Chromium writes each into the console. */
  refusals?: number[];
}

const refusal = (text: string): number => Number(/^Failed to load resource: .* (4\d\d) /.exec(text)?.[1]);

/** One page, used by one visitor after the other: a page of its own for each test would take twice the time. */
async function startBrowser(origin: string) {
  const browser = await chromium.launch({ ...(CHROMIUM && { executablePath: CHROMIUM }), args: ARGS });
  const context = await browser.newContext();
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  let expected: number[] = [];
  let troubles: string[] = [];
  // Scripts that fail, policies that are violated and resources that do not load all end here.
  page.on('pageerror', (error) => troubles.push(`${page.url()}: ${error.message}`));
  page.on('console', (message) => {
    const { url } = message.location();
    const provoked = url.includes('/api/') && expected.includes(refusal(message.text()));
    if (message.type() === 'error' && !provoked) troubles.push(`${page.url()}: ${message.text()} ${url}`);
  });
  return {
    /** Comes as a new visitor, who knows nothing of those before. */
    async open(path: string, { as, language, viewport = DESK, refusals = [] }: Visit = {}): Promise<Page> {
      const known = {
        ...(as && { 'hearthgate.token': as.token }),
        ...(language && { 'hearthgate.language': language }),
      };
      expected = refusals;
      const arrival = await page.addInitScript({
        content: `localStorage.clear(); Object.assign(localStorage, ${JSON.stringify(known)});`,
      });
      // What moves while it is pressed is missed, now and then, on a busy machine.
      await page.emulateMedia({ reducedMotion: 'reduce' });
      await page.setViewportSize(viewport);
      await page.goto(`${origin}${path}`);
      await arrival.dispose();
      return page;
    },
    /** Ends the visit; what went wrong in it. */
    async leave(): Promise<string[]> {
      await page.unrouteAll({ behavior: 'wait' });
      await page.goto('about:blank');
      const found = troubles;
      troubles = [];
      return found;
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

/** Every test that opens pages fails when one of them had an error, whatever else it looks at. */
export const test = bare
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads from the pattern what a fixture needs.
  .extend('gateway', { scope: 'file' }, async ({}, { onCleanup }) => {
    const gateway = await startTestGateway({ overrides: { payments: { sandbox: true } } });
    onCleanup(() => gateway[Symbol.asyncDispose]());
    return gateway;
  })
  .extend('origin', { scope: 'file' }, ({ gateway }) => gateway.origin)
  .extend('browser', { scope: 'file' }, async ({ origin }, { onCleanup }) => {
    if (noChromium) return undefined;
    const browser = await startBrowser(origin);
    onCleanup(() => browser[Symbol.asyncDispose]());
    return browser;
  })
  .extend('open', async ({ browser, skip }, { onCleanup }) => {
    if (!browser) return skip(noChromium);
    onCleanup(async () => expect(await browser.leave()).toEqual([]));
    return browser.open;
  });
