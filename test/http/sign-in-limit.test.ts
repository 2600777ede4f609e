import { describe, expect, test } from 'vitest';
import { heldClock } from '../helpers/clock.ts';
import { ADMIN, createApi, signIn, startTestGateway } from '../helpers/gateway.ts';

/** Guessing passwords. */

const PASSWORD = 'a-long-password';

describe('with three wrong sign-ins a minute', () => {
  const overrides = { http: { loginsPerMinute: 3 } };
  const guess = (n: number, username = ADMIN.username) => ({ username, password: `guess-${n}` });

  test('the right password is refused after them too, for that user only', async () => {
    await using gateway = await startTestGateway({ overrides });
    const other = { username: 'other', password: PASSWORD };
    await gateway.admin.post('/users', { ...other, role: 'admin' });
    const anyone = createApi(gateway.origin, undefined);
    for (const n of [1, 2, 3]) expect((await anyone.post('/sessions', guess(n))).status).toBe(401);
    const limited = await anyone.post('/sessions', ADMIN);
    expect([limited.status, limited.body.code]).toEqual([429, 'too_many_requests']);
    expect(limited.headers.get('content-type')).toContain('application/problem+json');
    expect((await anyone.post('/sessions', other)).status).toBe(201);
    expect((await gateway.admin.get('/me')).status).toBe(200);
  });

  test('twenty guesses at once are three guesses', async () => {
    await using gateway = await startTestGateway({ overrides });
    const anyone = createApi(gateway.origin, undefined);
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => anyone.post('/sessions', guess(n))));
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(3);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(17);
  });

  test('one who tries many names is stopped as well', async () => {
    await using gateway = await startTestGateway({ overrides });
    const anyone = createApi(gateway.origin, undefined);
    const statuses: number[] = [];
    for (let n = 0; n < 40; n++) statuses.push((await anyone.post('/sessions', guess(n, `name-${n}`))).status);
    expect(statuses.at(-1)).toBe(429);
  });

  test('right passwords cost nothing, however often', async () => {
    await using gateway = await startTestGateway({ overrides });
    for (let n = 0; n < 20; n++) await signIn(gateway.origin, ADMIN);
    const anyone = createApi(gateway.origin, undefined);
    expect((await anyone.post('/sessions', guess(1))).status).toBe(401);
  });

  test('a minute later one may try again', async () => {
    const clock = heldClock();
    await using gateway = await startTestGateway({ clock, overrides });
    const anyone = createApi(gateway.origin, undefined);
    for (const n of [1, 2, 3]) await anyone.post('/sessions', guess(n));
    await clock.advance(59_999);
    expect((await anyone.post('/sessions', ADMIN)).status).toBe(429);
    await clock.advance(1);
    expect((await anyone.post('/sessions', ADMIN)).status).toBe(201);
  });
});
