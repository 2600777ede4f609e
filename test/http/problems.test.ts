import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Command } from '../../src/http/schemas/commands.ts';
import { problem } from '../../src/http/schemas/common.ts';
import type { Household } from '../../src/http/schemas/people.ts';
import { makeHousehold, makeTerminal, startTestGateway, type TestGateway, VILLAGE } from '../helpers/gateway.ts';
import { type Bare, type Page, send, withKey } from './stage.ts';

/** What the API refuses, and that every refusal looks the same. */

const LIMIT = 20_000;
let gateway: TestGateway;
let household: Household;

beforeAll(async () => {
  gateway = await startTestGateway({ overrides: { http: { bodyLimitBytes: LIMIT } } });
  ({ household } = await makeHousehold(gateway));
  await makeTerminal(gateway.admin, { id: 'b1', profile: 'gas-boiler', householdId: household.id });
});
afterAll(() => gateway[Symbol.asyncDispose]());

const as = (type: string | undefined) => ({
  authorization: `Bearer ${gateway.admin.token}`,
  ...(type !== undefined && { 'content-type': type }),
  ...withKey(),
});
const post = (path: string, body: string, type: string | undefined = 'application/json') =>
  send(gateway.origin, 'POST', `/api/v1${path}`, { headers: as(type), body });
const get = (path: string) => send(gateway.origin, 'GET', path, { headers: as(undefined) });

/** The whole of RFC 9457, and a detail that says nothing of our insides. */
function expectProblem({ status, type, text }: Bare, wanted: number, code: string): void {
  expect(type.split(';')[0]).toBe('application/problem+json');
  const found = problem.strict().parse(JSON.parse(text));
  expect([status, found.status, found.code]).toEqual([wanted, wanted, code]);
  expect(found.type).toBe(`urn:hearthgate:problem:${code}`);
  expect(found.title).not.toBe('');
  expect(text).not.toMatch(/node_modules|\.ts:|FST_|SQLITE|stack/i);
}

async function commandsOfTerminal(): Promise<Command[]> {
  return (await gateway.admin.get<Page<Command>>('/commands?terminalId=b1')).body.items;
}

test('a route that does not exist is a problem, also for a browser', async () => {
  expectProblem(await get('/api/v1/nothing-here'), 404, 'not_found');
  expectProblem(await get('/api/v2/me'), 404, 'not_found');
  const browser = { headers: { accept: 'text/html' } };
  expectProblem(await send(gateway.origin, 'GET', '/api/v1/nothing-here', browser), 404, 'not_found');
  expectProblem(await send(gateway.origin, 'GET', '/nothing-here'), 404, 'not_found');
  expectProblem(await send(gateway.origin, 'PUT', '/api/v1/terminals', { headers: as(undefined) }), 404, 'not_found');
});

test('what people at the console meet is told in Chinese, too', async () => {
  const twice = async () => (await gateway.admin.post('/companies', { name: '供热公司' })).body;
  await twice();
  expect(await twice()).toMatchObject({
    code: 'conflict',
    detail: 'There is a company 供热公司 already',
    detailZh: '企业 供热公司 已经存在',
  });
});

test('an address that is no address is a problem', async () => {
  expectProblem(await get('/api/v1/terminals/%zz'), 400, 'invalid_request');
});

test('a change of something with a very long id is a problem', async () => {
  const path = `/api/v1/terminals/${'x'.repeat(101)}`;
  const answer = await send(gateway.origin, 'DELETE', path, { headers: as(undefined) });
  expect([400, 404, 414]).toContain(answer.status);
  expect(answer.type).toContain('application/problem+json');
});

test.each([
  ['a long id', `/api/v1/terminals/${'x'.repeat(65)}`],
  ['a very long id', `/api/v1/terminals/${'x'.repeat(101)}`],
  ['an id with a slash', '/api/v1/terminals/a%2Fb'],
  ['an id with a zero byte', '/api/v1/terminals/%00'],
  ['a way up', '/api/v1/terminals/..%2f..%2fusers'],
  ['an area code in letters', '/api/v1/areas/abcdef/overview'],
])('%s is refused and finds nothing', async (_what, path) => {
  const answer = await get(path);
  expect([400, 404, 414]).toContain(answer.status);
  expect(answer.type).toContain('application/problem+json');
});

describe('JSON', () => {
  test.each([
    ['that is cut off', '{"name":"A'],
    ['that is empty', ''],
    ['with a trailing comma', '{"name":"A",}'],
    ['in single quotes', "{'name':'A'}"],
    ['that reaches for the prototype', '{"__proto__":{"role":"admin"},"name":"A"}'],
    ['that reaches for the constructor', '{"constructor":{"prototype":{"role":"admin"}},"name":"A"}'],
    ['that is no object', '["A"]'],
    ['that is null', 'null'],
    ['that is a text', '"A"'],
    ['with a number for a text', '{"name":7}'],
    ['with a field that is null', '{"name":null}'],
    ['with an empty name', '{"name":"  "}'],
    ['with a field that nobody knows', '{"name":"A","nmae":"B"}'],
  ])('%s is refused with 400', async (_what, body) => {
    const before = await get('/api/v1/companies?limit=500');
    expectProblem(await post('/companies', body), 400, 'invalid_request');
    expect((await get('/api/v1/companies?limit=500')).text).toBe(before.text);
  });

  test('of ten thousand levels is refused, and the gateway goes on', async () => {
    const depth = LIMIT / 2 - 20;
    expectProblem(await post('/companies', `${'['.repeat(depth)}${']'.repeat(depth)}`), 400, 'invalid_request');
    const objects = `${'{"name":'.repeat(1_800)}1${'}'.repeat(1_800)}`;
    expectProblem(await post('/companies', objects), 400, 'invalid_request');
    const connection = `{"id":"d","profile":"gas-boiler","connection":${'{"type":'.repeat(1_800)}1${'}'.repeat(1_801)}`;
    expectProblem(await post('/terminals', connection), 400, 'invalid_request');
    expect((await get('/health/live')).status).toBe(200);
  });

  test('larger than the limit is refused with 413', async () => {
    expectProblem(await post('/companies', JSON.stringify({ name: 'x'.repeat(LIMIT) })), 413, 'body_too_large');
  });

  test('larger than the limit is refused with 413 also when its length is not given', async () => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(JSON.stringify({ name: 'x'.repeat(LIMIT) })));
        controller.close();
      },
    });
    const init: RequestInit & { duplex: 'half' } = { headers: as('application/json'), body, duplex: 'half' };
    expectProblem(await send(gateway.origin, 'POST', '/api/v1/companies', init), 413, 'body_too_large');
  });
});

test.each([
  'text/plain',
  'text/plain; charset=utf-8',
  'text/xml',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/octet-stream',
  'application/jsonp',
])('a body of %s is refused with 415', async (type) => {
  expectProblem(await post('/companies', '{"name":"A"}', type), 415, 'unsupported_media_type');
});

test('a body of another type is refused also where no body is needed', async () => {
  const { body: command } = await gateway.admin.command('b1', { command: 'power', value: 'on' });
  const cancel = await post(`/commands/${command.id}/cancel`, 'please', 'text/plain');
  expectProblem(cancel, 415, 'unsupported_media_type');
  expect((await gateway.admin.commandState(command.id)).state).toBe('queued');
});

test('JSON with its character set is taken', async () => {
  const answer = await post('/companies', '{"name":"襄汾供热"}', 'application/json; charset=utf-8');
  expect([answer.status, JSON.parse(answer.text).name]).toEqual([201, '襄汾供热']);
});

describe('a command', () => {
  test.each([
    ['null', '{"command":"power","value":null}'],
    ['false', '{"command":"power","value":false}'],
    ['true', '{"command":"power","value":true}'],
    ['nothing', '{"command":"power"}'],
    ['a list', '{"command":"power","value":["off"]}'],
    ['an object', '{"command":"power","value":{"off":true}}'],
    ['an unknown field', '{"command":"power","value":"on","force":true}'],
  ])('with the value %s is refused with 400 and switches nothing', async (_what, body) => {
    const before = await commandsOfTerminal();
    expectProblem(await post('/terminals/b1/commands', body), 400, 'invalid_request');
    expect(await commandsOfTerminal()).toEqual(before);
  });

  test.each([
    ['an empty text', '{"command":"power","value":""}', 'value_not_allowed'],
    ['0', '{"command":"power","value":0}', 'value_not_allowed'],
    ['another case', '{"command":"power","value":"OFF"}', 'value_not_allowed'],
    ['a name that every object has', '{"command":"power","value":"toString"}', 'value_not_allowed'],
    ['a number in quotes', '{"command":"setpoint","value":"20"}', 'value_not_allowed'],
    ['too much', '{"command":"setpoint","value":30.5}', 'value_not_allowed'],
    ['too little', '{"command":"setpoint","value":4.5}', 'value_not_allowed'],
    ['a step that does not exist', '{"command":"setpoint","value":20.3}', 'value_not_allowed'],
    ['a command that does not exist', '{"command":"explode","value":"on"}', 'unknown_command'],
    ['a command that every object has', '{"command":"constructor","value":"on"}', 'unknown_command'],
  ])('with %s is refused with 422 and switches nothing', async (_what, body, code) => {
    const before = await commandsOfTerminal();
    expectProblem(await post('/terminals/b1/commands', body), 422, code);
    expect(await commandsOfTerminal()).toEqual(before);
  });

  test('with a number that JSON cannot hold is refused', async () => {
    const answer = await post('/terminals/b1/commands', '{"command":"setpoint","value":1e999}');
    expect([400, 422]).toContain(answer.status);
  });
});

test('a refusal says which field was wrong', async () => {
  const body = JSON.stringify({ amountFen: 1.5, method: 'barter', reference: 'r' });
  const answer = await post(`/households/${household.id}/payments`, body);
  const { errors = [] } = problem.parse(JSON.parse(answer.text));
  expect(errors.map(({ path }) => path).sort()).toEqual(['body/amountFen', 'body/method']);
});

describe('a list', () => {
  test.each([
    'limit=0',
    'limit=-1',
    'limit=501',
    'limit=1.5',
    'limit=abc',
    'limit=',
    'limit=NaN',
    'limit=1&limit=2',
    `cursor=${'x'.repeat(101)}`,
    'cursor=',
    'cursor=%00',
    'cursor=a&cursor=b',
    'offset=10',
    'Limit=10',
  ])('asked with %s is refused with 400', async (query) => {
    for (const path of [
      'terminals',
      'households',
      'companies',
      'users',
      'api-keys',
      'commands',
      'alarms',
      'quarantine',
    ]) {
      expectProblem(await get(`/api/v1/${path}?${query}`), 400, 'invalid_request');
    }
  });

  test('asked with a cursor of another list is refused, since an empty page would look like the end', async () => {
    for (const path of ['households', 'companies', 'users', 'api-keys', 'commands', 'alarms', 'quarantine']) {
      expectProblem(await get(`/api/v1/${path}?cursor=stp_0mf3k2x9q0003xvht7abc`), 400, 'invalid_request');
      expectProblem(await get(`/api/v1/${path}?cursor=garbage`), 400, 'invalid_request');
    }
  });

  test('asked with a cursor that was never given is a page or a refusal, and no failure', async () => {
    for (const cursor of ["'; drop table terminals --", '%', '龙', '\u0000', '~~~~']) {
      const answer = await get(`/api/v1/terminals?cursor=${encodeURIComponent(cursor)}`);
      expect([200, 400], cursor).toContain(answer.status);
      const households = await get(`/api/v1/households?cursor=${encodeURIComponent(cursor)}`);
      expect([200, 400], cursor).toContain(households.status);
    }
    expect((await get(`/api/v1/households?areaCode=${VILLAGE}`)).status).toBe(200);
  });
});
