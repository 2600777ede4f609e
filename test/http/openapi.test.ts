import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startTestGateway, type TestGateway } from '../helpers/gateway.ts';
import { isPublic, type Operation, openApi, operationsOf } from './routes.ts';
import { send } from './stage.ts';

/** What programs rely on outside of the API's own answers: its description, health and metrics. */

let gateway: TestGateway;
let operations: Map<string, Operation>;

beforeAll(async () => {
  gateway = await startTestGateway();
  operations = await operationsOf(gateway.origin);
});
afterAll(() => gateway[Symbol.asyncDispose]());

/** The table of the contract (DESIGN.md, 6). */
const CONTRACT = [
  'POST /sessions',
  'DELETE /sessions/current',
  'GET /me',
  'GET /areas',
  'PUT /areas/{code}',
  'GET /areas/{code}/overview',
  'GET /companies',
  'POST /companies',
  'GET /companies/{id}',
  'GET /households',
  'POST /households',
  'GET /households/{id}',
  'GET /users',
  'POST /users',
  'GET /users/{id}',
  'GET /api-keys',
  'POST /api-keys',
  'GET /terminals',
  'POST /terminals',
  'GET /terminals/{id}',
  'PATCH /terminals/{id}',
  'DELETE /terminals/{id}',
  'POST /terminals/import',
  'POST /households/import',
  'GET /terminals/{id}/latest',
  'GET /terminals/{id}/readings',
  'GET /terminals/{id}/usage',
  'POST /terminals/{id}/commands',
  'GET /commands',
  'GET /commands/{id}',
  'POST /commands/{id}/cancel',
  'POST /commands/{id}/approve',
  'POST /commands/{id}/refuse',
  'POST /command-batches',
  'GET /command-batches/{id}',
  'POST /command-batches/{id}/approve',
  'POST /command-batches/{id}/refuse',
  'POST /command-batches/{id}/pause',
  'POST /command-batches/{id}/resume',
  'POST /command-batches/{id}/cancel',
  'GET /alarms',
  'POST /alarms/{id}/acknowledge',
  'GET /households/{id}/account',
  'GET /households/{id}/payments',
  'POST /households/{id}/payments',
  'GET /households/{id}/bills',
  'GET /households/{id}/ledger',
  'GET /households/{id}/usage',
  'POST /payment-notifications/{provider}',
  'GET /quarantine',
  'GET /audit',
  'GET /live',
];

/** A route that is there answers anything but 404 to somebody without a token. */
async function isServed(route: string): Promise<boolean> {
  const [method = '', path = ''] = route.split(' ');
  const { status } = await send(gateway.origin, method, `/api/v1${path.replace(/\{\w+\}/g, '141023')}`);
  return status !== 404;
}

test('every route of the contract that the gateway serves is described, and none is described that it does not serve', async () => {
  const served: string[] = [];
  for (const route of CONTRACT) if (await isServed(route)) served.push(route);
  expect(served.length).toBeGreaterThan(35);
  const described = [...operations.keys()].map((route) => route.replace('/api/v1/', '/'));
  expect(CONTRACT.filter((route) => described.includes(route))).toEqual(served);
  const dead: string[] = [];
  for (const route of operations.keys()) {
    if (route.includes(' /api/v1/') && !(await isServed(route.replace('/api/v1', '')))) dead.push(route);
  }
  expect(dead).toEqual([]);
});

describe('the description', () => {
  test('is OpenAPI 3.1, the same for people and for programs', async () => {
    const { status, type, text } = await send(gateway.origin, 'GET', '/openapi.json');
    expect([status, type.split(';')[0]]).toEqual([200, 'application/json']);
    const document = openApi.parse(JSON.parse(text));
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    expect(document.info.title).toContain('Hearthgate');
    expect(JSON.parse((await send(gateway.origin, 'GET', '/docs/json')).text)).toEqual(JSON.parse(text));
  });

  test('names every part of a path as a required parameter', () => {
    for (const [route, { parameters }] of operations) {
      const parts = [...route.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const named = parameters.filter((one) => one.in === 'path' && one.required).map(({ name }) => name);
      expect(named.sort(), route).toEqual(parts.sort());
    }
  });

  test('says of every route what it answers when all is well', () => {
    for (const [route, { responses }] of operations) {
      expect(
        Object.keys(responses).filter((status) => /^2\d\d$/.test(status)),
        route,
      ).not.toEqual([]);
    }
  });

  test('says of every route which problems it answers with', () => {
    const wanted: [status: string, when: (route: string, found: Operation) => boolean][] = [
      ['401', (route, found) => route.includes('/api/v1/') && !isPublic(found)],
      ['404', (route) => route.includes('{')],
      ['422', (route) => /^POST .*\/(terminals|households|users|commands|payments)$/.test(route)],
      ['409', (route) => /^POST .*\/(terminals|households|companies|users|cancel|acknowledge|requeue)$/.test(route)],
      ['403', (route) => /\/(users|api-keys|quarantine)/.test(route)],
      ['429', (route) => route === 'POST /api/v1/sessions'],
      ['default', () => true],
    ];
    for (const [route, found] of operations) {
      for (const [status, when] of wanted) {
        if (!when(route, found)) continue;
        expect(Object.keys(found.responses[status]?.content ?? {}), `${route} ${status}`).toEqual([
          'application/problem+json',
        ]);
      }
    }
  });

  test('says of the routes that move a valve or money that they need an Idempotency-Key', () => {
    const moving = [
      'POST /api/v1/terminals/{id}/commands',
      'POST /api/v1/command-batches',
      'POST /api/v1/schedules',
      'POST /api/v1/households/{id}/payments',
    ];
    for (const route of moving) {
      const { description = '', parameters = [] } = operations.get(route) ?? {};
      expect(`${description} ${parameters.map(({ name }) => name)}`, route).toMatch(/idempotency-key/i);
    }
  });

  test('has no reference that leads nowhere', async () => {
    const { text } = await send(gateway.origin, 'GET', '/openapi.json');
    const schemas = z
      .object({ components: z.object({ schemas: z.record(z.string(), z.unknown()).default({}) }) })
      .parse(JSON.parse(text)).components.schemas;
    const wanted = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref = '']) => ref);
    expect(wanted.filter((ref) => schemas[ref.replace('#/components/schemas/', '')] === undefined)).toEqual([]);
  });

  test('is shown to people at /docs, with scripts and styles that load', async () => {
    const page = await fetch(`${gateway.origin}/docs`);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toContain('text/html');
    const html = await page.text();
    // The security policy lets no script run that stands in the page itself.
    expect(html).not.toMatch(/<script>/);
    const files = [...html.matchAll(/(?:src|href)="([^"]+\.(?:js|css))"/g)].map(([, file = '']) => file);
    expect(files.length).toBeGreaterThan(1);
    for (const file of files) {
      expect((await fetch(new URL(file, page.url.endsWith('/') ? page.url : `${page.url}/`))).status, file).toBe(200);
    }
  });
});

describe('for machines that watch', () => {
  test('/health/live and /health/ready answer without a token', async () => {
    const live = await send(gateway.origin, 'GET', '/health/live');
    expect([live.status, JSON.parse(live.text)]).toEqual([200, { status: 'ok' }]);
    const ready = await send(gateway.origin, 'GET', '/health/ready');
    expect([ready.status, JSON.parse(ready.text)]).toMatchObject([200, { status: 'ok', troubles: [] }]);
  });

  test('/metrics is Prometheus text: every sample a number, every metric with its type', async () => {
    const { status, type, text } = await send(gateway.origin, 'GET', '/metrics');
    expect(status).toBe(200);
    expect(type).toMatch(/^text\/plain; version=0\.0\.4/);
    const lines = text.split('\n').filter((line) => line !== '');
    const types = new Set(
      lines.flatMap((line) => /^# TYPE (\w+) (?:counter|gauge|histogram|summary)$/.exec(line)?.[1] ?? []),
    );
    const samples = lines.filter((line) => !line.startsWith('#'));
    expect(samples.length).toBeGreaterThan(10);
    for (const sample of samples) {
      const [, name = ''] =
        /^([a-zA-Z_:][\w:]*)(?:\{[^}]*\})? (?:-?[\d.]+(?:e[+-]?\d+)?|NaN|[+-]Inf)$/i.exec(sample) ?? [];
      expect(types.has(name) || types.has(name.replace(/_(bucket|sum|count|total)$/, '')), sample).toBe(true);
    }
    expect(samples).toContain('hearthgate_quarantined_total 0');
    expect(samples).toContain('hearthgate_mqtt_connections 0');
  });

  test('/metrics calls what only grows a counter, as its name says', async () => {
    const { text } = await send(gateway.origin, 'GET', '/metrics');
    const totals = [...text.matchAll(/^# TYPE (hearthgate_\w+_total) (\w+)$/gm)].map(([, name, kind]) => [name, kind]);
    expect(totals.length).toBeGreaterThan(0);
    expect(totals.filter(([, kind]) => kind !== 'counter')).toEqual([]);
  });
});
