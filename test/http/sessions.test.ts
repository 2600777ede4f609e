import { expect, test } from 'vitest';
import type { Problem } from '../../src/http/schemas/common.ts';
import type { Session, User } from '../../src/http/schemas/people.ts';
import type { Terminal } from '../../src/http/schemas/terminals.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import { startGateway } from '../../src/main.ts';
import { heldClock } from '../helpers/clock.ts';
import {
  ADMIN,
  createApi,
  makeHousehold,
  makeTerminal,
  OTHER_VILLAGE,
  signIn,
  startTestGateway,
  testConfig,
  VILLAGE,
} from '../helpers/gateway.ts';
import { tempFolder } from '../helpers/temp.ts';
import type { Page } from './stage.ts';

/** Signing in and out, API keys, and the very first sign-in. */

const PASSWORD = 'a-long-password';

test('a wrong password is 401, and tells nobody whether the user exists', async () => {
  await using gateway = await startTestGateway();
  const anyone = createApi(gateway.origin, undefined);
  const wrong = await anyone.post('/sessions', { ...ADMIN, password: 'not-the-password' });
  expect(wrong.status).toBe(401);
  expect(wrong.body.code).toBe('wrong_credentials');
  const unknown = await anyone.post('/sessions', { username: 'nobody', password: 'not-the-password' });
  expect([unknown.status, unknown.body]).toEqual([wrong.status, wrong.body]);
});

test.each([
  ['no password', { username: 'admin' }],
  ['an empty password', { username: 'admin', password: '' }],
  ['a password that is null', { username: 'admin', password: null }],
  ['a password that is an object', { username: 'admin', password: { $ne: null } }],
  ['a password in other letters', { username: 'admin', password: ADMIN.password.toUpperCase() }],
  ['a user name in other letters', { ...ADMIN, username: 'ADMIN' }],
  ['SQL for a user name', { ...ADMIN, username: "' or 1=1 --" }],
])('%s signs nobody in', async (_what, body) => {
  await using gateway = await startTestGateway();
  const answer = await createApi(gateway.origin, undefined).post('/sessions', body);
  expect([400, 401]).toContain(answer.status);
  expect(answer.body).not.toHaveProperty('token');
});

test('signing out ends the token, and no other session of the same user', async () => {
  await using gateway = await startTestGateway();
  const [left, kept] = [await signIn(gateway.origin, ADMIN), await signIn(gateway.origin, ADMIN)];
  expect((await left.delete('/sessions/current')).status).toBe(204);
  const after = await left.get('/me');
  expect([after.status, after.body.code]).toEqual([401, 'unauthenticated']);
  expect((await left.delete('/sessions/current')).status).toBe(401);
  expect((await kept.get('/me')).status).toBe(200);
});

test('a session ends by itself when its hours are over', async () => {
  const clock = heldClock();
  await using gateway = await startTestGateway({ clock, overrides: { http: { sessionHours: 1 } } });
  const { body } = await createApi(gateway.origin, undefined).post<Session>('/sessions', ADMIN);
  expect(Date.parse(body.expiresAt)).toBe(clock.now() + 3_600_000);
  const session = createApi(gateway.origin, body.token);
  await clock.advance(3_599_000);
  expect((await session.get('/me')).status).toBe(200);
  await clock.advance(1_000);
  expect((await session.get('/me')).status).toBe(401);
});

test('removing a user ends the user’s sessions at once', async () => {
  await using gateway = await startTestGateway();
  const { clerk } = await makeHousehold(gateway);
  const { body: me } = await clerk.get<User>('/me');
  expect((await gateway.admin.delete(`/users/${me.id}`)).status).toBe(204);
  expect((await clerk.get('/me')).status).toBe(401);
  expect((await clerk.get('/terminals')).status).toBe(401);
  const again = createApi(gateway.origin, undefined);
  expect((await again.post('/sessions', { username: me.username, password: PASSWORD })).status).toBe(401);
  expect((await gateway.admin.get(`/users/${me.id}`)).status).toBe(404);
  expect((await gateway.admin.delete(`/users/${me.id}`)).status).toBe(404);
});

test('a signed-in user learns who that is, and never a password or its hash', async () => {
  await using gateway = await startTestGateway();
  const { clerk, company } = await makeHousehold(gateway);
  const { body: me } = await clerk.get<User>('/me');
  expect(me).toMatchObject({ role: 'company', companyId: company.id, areaCode: null, householdId: null });
  const { body: users } = await gateway.admin.get<Page<User>>('/users');
  expect(users.items.map(({ username }) => username)).toContain(me.username);
  expect(JSON.stringify(users)).not.toMatch(/scrypt|password|hash/i);
});

test.each([
  ['an operator without an area', { role: 'operator' }],
  ['a company user without a company', { role: 'company' }],
  ['a resident of a company', { role: 'resident', companyId: 'co_1' }],
  ['an admin of an area', { role: 'admin', areaCode: VILLAGE }],
  ['an operator of two things', { role: 'operator', areaCode: VILLAGE, householdId: 'hh_1' }],
  ['a role that does not exist', { role: 'root' }],
  ['a short password', { role: 'admin', password: '1234567' }],
  ['a user name with a space', { role: 'admin', username: 'a b' }],
])('%s cannot be made', async (_what, part) => {
  await using gateway = await startTestGateway();
  const { status, body } = await gateway.admin.post('/users', { username: 'new', password: PASSWORD, ...part });
  expect([status, body.code]).toEqual([400, 'invalid_request']);
});

test('a user of something that does not exist, or with a name that is taken, cannot be made', async () => {
  await using gateway = await startTestGateway();
  const make = (part: object) => gateway.admin.post('/users', { username: 'new', password: PASSWORD, ...part });
  for (const scope of [
    { role: 'operator', areaCode: '999999' },
    { role: 'company', companyId: 'co_none' },
    { role: 'resident', householdId: 'hh_none' },
  ]) {
    const { status, body } = await make(scope);
    expect([status, body.code], scope.role).toEqual([422, 'unknown_reference']);
  }
  const { status, body } = await make({ username: 'admin', role: 'admin' });
  expect([status, body.code]).toEqual([409, 'conflict']);
});

interface CreatedKey {
  id: string;
  key: string;
}

test('an API key acts with its own scope, is shown once, and ends when it is removed', async () => {
  await using gateway = await startTestGateway();
  const { admin, origin } = gateway;
  const mine = await makeHousehold(gateway, VILLAGE);
  const theirs = await makeHousehold(gateway, OTHER_VILLAGE);
  await makeTerminal(admin, { id: 'mine', profile: 'gas-boiler', householdId: mine.household.id });
  await makeTerminal(admin, { id: 'theirs', profile: 'gas-boiler', householdId: theirs.household.id });
  const { status, body: created } = await admin.post<CreatedKey>('/api-keys', {
    name: 'Billing program',
    role: 'company',
    companyId: mine.company.id,
  });
  expect(status).toBe(201);
  const key = createApi(origin, created.key);
  expect((await key.get('/terminals/theirs')).status).toBe(404);
  expect((await key.get('/users')).status).toBe(403);
  const { body: list } = await key.get<Page<Terminal>>('/terminals');
  expect(list.items.map(({ id }) => id)).toEqual(['mine']);
  const { body: command } = await key.command('mine', { command: 'power', value: 'on' });
  expect(command.requestedBy).toBe('key:Billing program');
  const { body: keys } = await admin.get<Page<{ id: string }>>('/api-keys');
  expect(keys.items.map(({ id }) => id)).toEqual([created.id]);
  expect(JSON.stringify(keys)).not.toContain(created.key);

  expect((await admin.delete(`/api-keys/${created.id}`)).status).toBe(204);
  expect((await key.get('/terminals')).status).toBe(401);
  expect((await admin.delete(`/api-keys/${created.id}`)).status).toBe(404);
});

test('a program with an API key can ask who it is', async () => {
  await using gateway = await startTestGateway();
  const { body: created } = await gateway.admin.post<CreatedKey>('/api-keys', { name: 'Reports', role: 'admin' });
  const { status, body } = await createApi(gateway.origin, created.key).get<User>('/me');
  expect(body).toMatchObject({ role: 'admin', companyId: null, areaCode: null, householdId: null });
  expect(status).toBe(200);
});

test('without an admin password the first admin is made through a link that works once', async () => {
  await using folder = await tempFolder();
  const config = { ...testConfig(folder.path), adminPassword: undefined };
  await using gateway = await startGateway(config, { clock: systemClock, log: createLog('silent') });
  const origin = `http://127.0.0.1:${gateway.httpPort}`;
  const link = new URL(gateway.setupUrl ?? '');
  expect(link.origin).toBe(origin);
  const anyone = createApi(origin, undefined);
  expect((await anyone.post('/sessions', ADMIN)).status).toBe(401);
  const login = { username: 'first', password: PASSWORD };
  const first = { token: link.searchParams.get('token'), ...login };

  const wrong = await anyone.post('/setup', { ...first, token: 'a-guess' });
  expect([wrong.status, wrong.body.code]).toEqual([404, 'not_found']);
  // A mistake in the form does not use up the link.
  expect((await anyone.post('/setup', { ...first, password: 'short' })).status).toBe(400);
  const made = await anyone.post<User>('/setup', first);
  expect([made.status, made.body.role]).toEqual([201, 'admin']);
  const again = await anyone.post<Problem>('/setup', { ...first, username: 'second' });
  expect([again.status, again.body.code]).toEqual([404, 'not_found']);
  expect((await (await signIn(origin, login)).get('/users')).status).toBe(200);
});

test('there is no setup link when there is an admin already', async () => {
  await using folder = await tempFolder();
  await using first = await startTestGateway({ folder: folder.path });
  await first[Symbol.asyncDispose]();
  const config = { ...testConfig(folder.path), adminPassword: undefined };
  await using gateway = await startGateway(config, { clock: systemClock, log: createLog('silent') });
  expect(gateway.setupUrl).toBeUndefined();
  const anyone = createApi(`http://127.0.0.1:${gateway.httpPort}`, undefined);
  expect((await anyone.post('/setup', { token: 'undefined', username: 'x', password: PASSWORD })).status).toBe(404);
});

test('the last admin cannot be removed, and one of two can', async () => {
  await using own = await startTestGateway();
  const { body } = await own.admin.get<{ items: { id: string }[] }>('/users');
  const path = `/users/${body.items[0]?.id}`;
  expect(await own.admin.delete(path)).toMatchObject({ status: 409, body: { code: 'in_use' } });
  await own.admin.post('/users', { username: 'second', password: 'long-enough', role: 'admin' });
  expect((await own.admin.delete(path)).status).toBe(204);
});
