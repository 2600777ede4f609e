import { expect } from 'vitest';
import { ADMIN } from '../helpers/gateway.ts';
import { test } from './browser.ts';

test('a wrong password is told in plain words, and nobody is signed in', async ({ open }) => {
  const page = await open('/login', { refusals: [401] });
  await page.getByLabel('用户名').fill(ADMIN.username);
  await page.getByLabel('密码').fill('not-the-password');
  await page.getByRole('button', { name: '登录' }).click();
  await page.getByRole('alert').getByText('用户名或密码不正确。').waitFor();
  expect(new URL(page.url()).pathname).toBe('/login');
  await page.getByRole('button', { name: 'English' }).click();
  await page.getByRole('alert').getByText('User name or password is wrong.').waitFor();
});

test('a form that is not filled in says what is missing', async ({ open }) => {
  const page = await open('/login');
  await page.getByRole('button', { name: '登录' }).click();
  await page.getByText('请输入用户名').waitFor();
  await page.getByText('请输入密码').waitFor();
});

test('a link never leads someone who signs in to another site', async ({ open, gateway }) => {
  const page = await open('/login?from=//elsewhere.example/', { as: gateway.admin });
  await page.getByRole('heading', { level: 1, name: '终端' }).waitFor();
  expect(new URL(page.url()).origin).toBe(gateway.origin);
});

test('who asks for a page before signing in gets it afterwards, and signs out again', async ({ open }) => {
  // A request that is on its way when the session ends is refused.
  const page = await open('/alarms', { refusals: [401] });
  await page.getByLabel('用户名').fill(ADMIN.username);
  await page.getByLabel('密码').fill(ADMIN.password);
  await page.getByLabel('密码').press('Enter');
  await page.getByRole('heading', { level: 1, name: '告警' }).waitFor();
  await page.getByRole('link', { name: '住户' }).click();
  await page.getByRole('heading', { level: 1, name: '住户' }).waitFor();
  await page.getByRole('button', { name: 'admin' }).click();
  await page.getByRole('menuitem', { name: '退出登录' }).click();
  await page.getByRole('button', { name: '登录' }).waitFor();
  await page.goBack();
  await page.getByRole('button', { name: '登录' }).waitFor();
});

test('the console speaks Chinese until someone chooses English, and remembers the choice', async ({
  open,
  gateway,
}) => {
  const page = await open('/terminals', { as: gateway.admin });
  await page.getByRole('heading', { level: 1, name: '终端' }).waitFor();
  expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN');
  await page.getByRole('button', { name: 'English' }).click();
  await page.getByRole('heading', { level: 1, name: 'Terminals' }).waitFor();
  expect(await page.locator('html').getAttribute('lang')).toBe('en');
  await page.reload();
  await page.getByRole('heading', { level: 1, name: 'Terminals' }).waitFor();
  expect(await page.locator('html').getAttribute('lang')).toBe('en');
  await page.getByRole('button', { name: '中文' }).click();
  await page.getByRole('heading', { level: 1, name: '终端' }).waitFor();
});

test('nothing moves for who has told the system so: what opens is where it stays at once', async ({
  open,
  gateway,
}) => {
  const page = await open('/terminals', { as: gateway.admin });
  // A sign that something is being loaded turns for everybody.
  await page.evaluate(`
    window.moves = 0;
    const count = ({ target }) => { moves += target.closest('.ant-spin') ? 0 : 1; };
    for (const type of ['animationstart', 'transitionrun']) document.addEventListener(type, count);
  `);
  const openMenu = async () => {
    await page.getByRole('button', { name: 'admin' }).click();
    await page.getByRole('menuitem', { name: '退出登录' }).waitFor();
    // What moves says so within the next frames.
    for (let frame = 0; frame < 5; frame += 1) await page.evaluate('new Promise(requestAnimationFrame)');
    return page.evaluate('moves');
  };
  expect(await openMenu()).toBe(0);
  await page.keyboard.press('Escape');
  await page.getByRole('menuitem', { name: '退出登录' }).waitFor({ state: 'hidden' });
  await page.emulateMedia({ reducedMotion: 'no-preference' });
  expect(await openMenu()).toBeGreaterThan(0);
});
