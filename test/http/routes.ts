import { z } from 'zod';
import type { Role } from '../../src/http/schemas/people.ts';
import { newSecret } from '../../src/lib/ids.ts';
import type { World } from './stage.ts';

/** The OpenAPI document, and for each of its routes a request that names what belongs to somebody else. */

const operation = z.object({
  description: z.string().optional(),
  security: z.array(z.record(z.string(), z.array(z.string()))).optional(),
  parameters: z.array(z.object({ name: z.string(), in: z.string(), required: z.boolean().optional() })).default([]),
  responses: z.record(
    z.string(),
    z.object({ description: z.string(), content: z.record(z.string(), z.unknown()).optional() }),
  ),
});
export const openApi = z.object({
  openapi: z.string(),
  info: z.object({ title: z.string(), version: z.string() }),
  paths: z.record(z.string(), z.record(z.string(), operation)),
});
export type Operation = z.infer<typeof operation>;

/** Every operation by `GET /api/v1/…`. */
export async function operationsOf(origin: string): Promise<Map<string, Operation>> {
  const document = openApi.parse(await (await fetch(`${origin}/openapi.json`)).json());
  return new Map(
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, found]) => [`${method.toUpperCase()} ${path}`, found] as const),
    ),
  );
}

export const isPublic = ({ security }: Operation): boolean => security?.length === 0;

export type Scoped = Exclude<Role, 'admin'>;
export const SCOPED: readonly Scoped[] = ['operator', 'company', 'resident'];

export interface Example {
  /** Below /api/v1; names what is the other household's, company's or area's. */
  path: string;
  body?: unknown;
  /** What each role gets for it; a role that is left out may not use the route: 403. */
  answers: Partial<Record<Scoped, number>>;
  /** What the admin gets, which shows that the thing is there. */
  admin?: number;
  /** In a list: what of the caller's own must be in it. */
  own?: string;
  /** Lists that ask for the other's things only, and must be empty. */
  empty?: string[];
  /** Names nothing of anybody: nothing to hide. */
  neutral?: boolean;
}

const everyone = (status: number) => ({ operator: status, company: status, resident: status });

/** A request of a stranger to `theirs` for every route of the API that is not public. */
export function examples(theirs: World, mine: World): Record<string, Example> {
  const { terminal, household, company, command, payment, alarm, areaCode, importId: theirImport } = theirs;
  const t = `/terminals/${terminal.id}`;
  const h = `/households/${household.id}`;
  const o = `/payment-orders/${theirs.order.id}`;
  const everything = 'from=2020-01-01T00:00:00Z&to=2099-01-01T00:00:00Z';
  const days = 'from=2026-01-01T00:00:00Z&to=2026-01-08T00:00:00Z';
  const get = (path: string): Example => ({ path, answers: everyone(404), admin: 200 });
  const b = `/command-batches/${theirs.batch.id}`;
  const watched = (path: string): Example => ({ path, answers: { operator: 404, company: 404 }, admin: 200 });
  const scheduled = (path: string, admin: number): Example => ({
    path: `/schedules/${theirs.schedule.id}${path}`,
    answers: { company: 404 },
    admin,
  });
  const adminOnly = (path: string, body?: unknown): Example => ({ path, body, answers: {} });
  const neutral = (path: string): Example => ({ path, answers: everyone(200), neutral: true });
  const user = { username: 'new-one', password: 'a-long-password', role: 'admin' };
  return {
    'GET /api/v1/me': neutral('/me'),
    'DELETE /api/v1/sessions/current': neutral('/sessions/current'),
    'GET /api/v1/profiles': neutral('/profiles'),
    'GET /api/v1/live': neutral(`/live?terminalId=${terminal.id}`),
    'GET /api/v1/users': adminOnly('/users'),
    'POST /api/v1/users': adminOnly('/users', user),
    'GET /api/v1/users/{id}': adminOnly('/users/usr_1'),
    'DELETE /api/v1/users/{id}': adminOnly('/users/usr_1'),
    'GET /api/v1/api-keys': adminOnly('/api-keys'),
    'POST /api/v1/api-keys': adminOnly('/api-keys', { name: 'k', role: 'admin' }),
    'GET /api/v1/api-keys/{id}': adminOnly('/api-keys/key_1'),
    'DELETE /api/v1/api-keys/{id}': adminOnly('/api-keys/key_1'),
    'POST /api/v1/companies': adminOnly('/companies', { name: 'Another' }),
    // The tree of areas and the names of companies are no secrets, except where a role is bound to its own.
    'GET /api/v1/areas': { path: '/areas', answers: everyone(200), own: mine.areaCode },
    'PUT /api/v1/areas/{code}': {
      path: `/areas/${areaCode}`,
      body: { responsiblePerson: { name: 'Somebody' } },
      answers: { operator: 404 },
      admin: 200,
    },
    'GET /api/v1/areas/{code}/overview': {
      path: `/areas/${areaCode}/overview`,
      answers: { operator: 404, company: 200 },
      admin: 200,
    },
    'GET /api/v1/areas/{code}/readings': {
      path: `/areas/${areaCode}/readings?metric=room_c&every=1d&${days}`,
      answers: { operator: 404, company: 200 },
      admin: 200,
    },
    'GET /api/v1/readings': get(`/readings?terminalIds=${terminal.id}&metric=room_c&${days}`),
    'GET /api/v1/readings/export': get(`/readings/export?terminalIds=${terminal.id}&${days}`),
    'GET /api/v1/companies': {
      path: '/companies?limit=500',
      answers: { operator: 200, company: 200 },
      own: mine.company.id,
    },
    'GET /api/v1/companies/{id}': {
      path: `/companies/${company.id}`,
      answers: { operator: 200, company: 404 },
      admin: 200,
    },
    'GET /api/v1/households': {
      path: '/households?limit=500',
      answers: everyone(200),
      own: mine.household.id,
      empty: [`/households?areaCode=${areaCode}`, `/households?search=${household.accountNo}`],
    },
    'POST /api/v1/households': {
      path: '/households',
      body: { accountNo: 'N-1', name: 'N', areaCode, companyId: company.id },
      answers: { company: 403 },
      admin: 201,
    },
    'GET /api/v1/households/{id}': get(h),
    'GET /api/v1/households/{id}/account': get(`${h}/account`),
    'GET /api/v1/households/{id}/payments': get(`${h}/payments`),
    'GET /api/v1/households/{id}/usage': get(`${h}/usage?${days}`),
    'POST /api/v1/households/{id}/payments': {
      path: `${h}/payments`,
      body: { amountFen: 1, method: 'cash', reference: 'r' },
      answers: { company: 404 },
      admin: 201,
    },
    'GET /api/v1/payment-providers': neutral('/payment-providers'),
    'GET /api/v1/households/{id}/payment-orders': get(`${h}/payment-orders`),
    'POST /api/v1/households/{id}/payment-orders': {
      path: `${h}/payment-orders`,
      body: { amountFen: 1, provider: 'sandbox' },
      answers: { company: 404, resident: 404 },
      admin: 201,
    },
    'GET /api/v1/payment-orders/{id}': get(o),
    'POST /api/v1/payment-orders/{id}/close': {
      path: `${o}/close`,
      answers: { company: 404, resident: 404 },
      admin: 409,
    },
    'POST /api/v1/payment-orders/{id}/sandbox-pay': {
      path: `${o}/sandbox-pay`,
      answers: { company: 404, resident: 404 },
      admin: 409,
    },
    'POST /api/v1/payment-orders/{id}/refund': {
      path: `${o}/refund`,
      body: { amountFen: 1, reason: 'r' },
      answers: { company: 404 },
      admin: 201,
    },
    'GET /api/v1/payment-notifications': {
      path: '/payment-notifications?limit=500',
      answers: { company: 200 },
      own: mine.order.id,
    },
    // It was taken, so there is nothing to resolve.
    'POST /api/v1/payment-notifications/{id}/resolve': {
      path: `/payment-notifications/${theirs.notificationId}/resolve`,
      body: { reason: 'r' },
      answers: { company: 404 },
      admin: 409,
    },
    'POST /api/v1/reconciliations': adminOnly('/reconciliations', { provider: 'sandbox', date: '2026-01-01' }),
    'GET /api/v1/reconciliations': adminOnly('/reconciliations'),
    'GET /api/v1/reconciliations/differences': {
      path: '/reconciliations/differences',
      answers: { company: 200 },
      neutral: true,
    },
    'POST /api/v1/reconciliations/{date}/differences/{id}/explain': {
      path: '/reconciliations/2026-01-01/differences/dif_none/explain',
      body: { reason: 'r' },
      answers: { company: 404 },
    },
    'POST /api/v1/households/{id}/payments/{paymentId}/reverse': {
      path: `${h}/payments/${payment.id}/reverse`,
      body: { reason: 'x' },
      answers: { company: 404 },
      admin: 200,
    },
    'POST /api/v1/households/{id}/adjustments': {
      path: `${h}/adjustments`,
      body: { amountFen: 1, reason: 'x' },
      answers: { company: 404 },
      admin: 201,
    },
    'GET /api/v1/households/{id}/ledger': get(`${h}/ledger`),
    'GET /api/v1/payments/{id}/receipt': get(`/payments/${payment.id}/receipt`),
    'POST /api/v1/households/{id}/deposit/receive': {
      path: `${h}/deposit/receive`,
      body: { amountFen: 1, method: 'cash', reference: 'r' },
      answers: { company: 404 },
      admin: 201,
    },
    // It owes for a bill.
    'POST /api/v1/households/{id}/deposit/refund': {
      path: `${h}/deposit/refund`,
      body: { amountFen: 1, method: 'cash', reference: 'r', reason: 'x' },
      answers: { company: 404 },
      admin: 409,
    },
    'POST /api/v1/households/{id}/deposit/offset': {
      path: `${h}/deposit/offset`,
      body: {},
      answers: { company: 404 },
      admin: 201,
    },
    'GET /api/v1/reports/takings': {
      path: `/reports/takings?${everything}`,
      answers: { operator: 200, company: 200 },
      own: mine.company.id,
      empty: [
        `/reports/takings?${everything}&companyId=${company.id}`,
        `/reports/takings?${everything}&areaCode=${areaCode}`,
      ],
    },
    'GET /api/v1/reports/accounts': {
      path: `/reports/accounts?${everything}`,
      answers: { company: 200 },
      own: mine.company.id,
      empty: [`/reports/accounts?${everything}&companyId=${company.id}`],
    },
    'GET /api/v1/reports/arrears': {
      path: '/reports/arrears?format=csv',
      answers: { operator: 200, company: 200 },
      own: mine.household.accountNo,
    },
    'GET /api/v1/reports/proposals': {
      path: '/reports/proposals?format=csv',
      answers: { operator: 200, company: 200 },
      own: mine.household.accountNo,
    },
    'GET /api/v1/reports/differences': {
      path: '/reports/differences?format=csv',
      answers: { company: 200 },
      neutral: true,
    },
    'GET /api/v1/reports/payment-notifications': {
      path: '/reports/payment-notifications?format=csv',
      answers: { company: 200 },
      own: mine.order.id,
    },
    'GET /api/v1/reports/reconciliations': adminOnly('/reports/reconciliations?format=csv'),
    'GET /api/v1/reports/deposits': {
      path: `/reports/deposits?${everything}`,
      answers: { operator: 200, company: 200 },
      own: mine.company.id,
      empty: [
        `/reports/deposits?${everything}&companyId=${company.id}`,
        `/reports/deposits?${everything}&areaCode=${areaCode}`,
      ],
    },
    'GET /api/v1/tariffs': neutral('/tariffs'),
    'GET /api/v1/households/{id}/bills': get(`${h}/bills`),
    'GET /api/v1/bills': {
      path: '/bills?limit=500',
      answers: { operator: 200, company: 200 },
      own: mine.bill.id,
      empty: [`/bills?companyId=${company.id}`, `/bills?runId=${theirs.billingRunId}`],
    },
    'GET /api/v1/bills/{id}': get(`/bills/${theirs.bill.id}`),
    'POST /api/v1/bills/{id}/release': {
      path: `/bills/${theirs.bill.id}/release`,
      body: { reason: 'r' },
      answers: { company: 404 },
      admin: 409,
    },
    'POST /api/v1/bills/{id}/rebill': {
      path: `/bills/${theirs.bill.id}/rebill`,
      body: { reason: 'r' },
      answers: { company: 404 },
      admin: 201,
    },
    'POST /api/v1/billing-runs': {
      path: '/billing-runs',
      body: { companyId: company.id, period: '2025-12' },
      answers: { company: 404 },
      admin: 202,
    },
    'GET /api/v1/billing-runs': { path: '/billing-runs?limit=500', answers: { company: 200 }, own: mine.billingRunId },
    'GET /api/v1/billing-runs/{id}': {
      path: `/billing-runs/${theirs.billingRunId}`,
      answers: { company: 404 },
      admin: 200,
    },
    'GET /api/v1/billing-runs/{id}/troubles': {
      path: `/billing-runs/${theirs.billingRunId}/troubles`,
      answers: { company: 404 },
      admin: 200,
    },
    'POST /api/v1/billing-runs/{id}/cancel': {
      path: `/billing-runs/${theirs.billingRunId}/cancel`,
      answers: { company: 404 },
      admin: 409,
    },
    'GET /api/v1/households/{id}/tariff': get(`${h}/tariff`),
    'PUT /api/v1/households/{id}/tariff': {
      path: `${h}/tariff`,
      body: { tariff: 'gas-three-tiers', since: '2026-01-01' },
      answers: { company: 404 },
      admin: 200,
    },
    'GET /api/v1/households/{id}/billing-mode': get(`${h}/billing-mode`),
    'PUT /api/v1/households/{id}/billing-mode': {
      path: `${h}/billing-mode`,
      body: { mode: 'prepaid', since: '2026-01-01' },
      answers: { company: 404 },
      admin: 200,
    },
    'PUT /api/v1/companies/{id}/billing-mode': {
      path: `/companies/${company.id}/billing-mode`,
      body: { mode: 'prepaid', since: '2026-01-01' },
      answers: { company: 404 },
      admin: 200,
    },
    'POST /api/v1/terminals/{id}/usage-corrections': {
      path: `${t}/usage-corrections`,
      body: { metric: 'gas_m3', day: '2026-01-01', amount: '1', reason: 'r' },
      answers: { company: 404 },
      admin: 201,
    },
    'GET /api/v1/arrears': {
      path: '/arrears?limit=500',
      answers: { operator: 200, company: 200 },
      own: mine.household.id,
      empty: [`/arrears?areaCode=${areaCode}`, `/arrears?companyId=${company.id}`],
    },
    'GET /api/v1/households/{id}/notices': get(`${h}/notices`),
    'POST /api/v1/households/{id}/notices': {
      path: `${h}/notices`,
      body: { step: 'reminder' },
      answers: { company: 404 },
      admin: 201,
    },
    'GET /api/v1/proposals': {
      path: '/proposals?limit=500',
      answers: { operator: 200, company: 200 },
      own: mine.proposalId,
      empty: [`/proposals?areaCode=${areaCode}`, `/proposals?companyId=${company.id}`],
    },
    // Of the notices that there must be before, one was given.
    'POST /api/v1/proposals/{id}/accept': {
      path: `/proposals/${theirs.proposalId}/accept`,
      body: { terminalId: terminal.id, command: 'power', value: 'off' },
      answers: { company: 404 },
      admin: 422,
    },
    'POST /api/v1/proposals/{id}/dismiss': {
      path: `/proposals/${theirs.proposalId}/dismiss`,
      body: { reason: 'r' },
      answers: { company: 404 },
      admin: 200,
    },
    'GET /api/v1/terminals': {
      path: '/terminals?limit=500',
      answers: everyone(200),
      own: mine.terminal.id,
      empty: [
        `/terminals?areaCode=${areaCode}`,
        `/terminals?householdId=${household.id}`,
        `/terminals?search=${terminal.id}`,
        `/terminals?status=online&search=${encodeURIComponent(household.name)}`,
      ],
    },
    'POST /api/v1/terminals': {
      path: '/terminals',
      body: {
        id: `t-${newSecret().slice(0, 8)}`,
        profile: 'gas-boiler',
        householdId: household.id,
        connection: { type: 'mqtt' },
      },
      answers: { company: 422 },
      admin: 201,
    },
    'GET /api/v1/terminals/{id}': get(t),
    'GET /api/v1/terminals/{id}/latest': get(`${t}/latest`),
    'GET /api/v1/terminals/{id}/readings': get(`${t}/readings?metric=room_c&${days}`),
    'GET /api/v1/terminals/{id}/meter-exchanges': get(`${t}/meter-exchanges`),
    'POST /api/v1/terminals/{id}/meter-exchanges': {
      path: `${t}/meter-exchanges`,
      body: { metric: 'gas_m3', at: '2026-01-05T00:00:00Z', lastValue: 100, firstValue: 0 },
      answers: { company: 404 },
      admin: 201,
    },
    'GET /api/v1/terminals/{id}/usage': get(`${t}/usage?${days}`),
    'PATCH /api/v1/terminals/{id}': {
      path: t,
      body: { householdId: mine.household.id },
      answers: { company: 404 },
      admin: 200,
    },
    'DELETE /api/v1/terminals/{id}': { path: t, answers: { company: 404 }, admin: 204 },
    'POST /api/v1/terminals/import': { path: '/terminals/import', body: {}, answers: { company: 415 }, admin: 415 },
    'POST /api/v1/households/import': { path: '/households/import', body: {}, answers: { company: 415 }, admin: 415 },
    'GET /api/v1/imports': { path: '/imports?limit=500', answers: { company: 200 }, own: mine.importId },
    'GET /api/v1/imports/template': { path: '/imports/template', answers: { company: 200 }, neutral: true },
    'GET /api/v1/imports/{id}': { path: `/imports/${theirImport}`, answers: { company: 404 }, admin: 200 },
    'GET /api/v1/imports/{id}/errors': {
      path: `/imports/${theirImport}/errors`,
      answers: { company: 404 },
      admin: 200,
    },
    'GET /api/v1/imports/{id}/errors.csv': {
      path: `/imports/${theirImport}/errors.csv`,
      answers: { company: 404 },
      admin: 200,
    },
    'POST /api/v1/imports/{id}/cancel': {
      path: `/imports/${theirImport}/cancel`,
      answers: { company: 404 },
      admin: 409,
    },
    'POST /api/v1/imports/{id}/credentials': {
      path: `/imports/${theirImport}/credentials`,
      answers: { company: 404 },
      admin: 403,
    },
    'GET /api/v1/terminals/{id}/credentials': { path: `${t}/credentials`, answers: { company: 404 }, admin: 200 },
    'POST /api/v1/terminals/{id}/credentials': { path: `${t}/credentials`, answers: { company: 404 }, admin: 201 },
    'DELETE /api/v1/terminals/{id}/credentials': { path: `${t}/credentials`, answers: { company: 404 }, admin: 204 },
    'DELETE /api/v1/companies/{id}/credentials': adminOnly(`/companies/${company.id}/credentials`),
    'POST /api/v1/terminals/{id}/claim-code': { path: `${t}/claim-code`, answers: { company: 404 }, admin: 409 },
    'POST /api/v1/claims': {
      path: '/claims',
      body: { id: terminal.id, code: 'AAAAA', householdId: mine.household.id },
      answers: { company: 422 },
      admin: 422,
    },
    'GET /api/v1/quarantine': {
      path: '/quarantine?limit=500',
      answers: { operator: 200, company: 200 },
      own: mine.terminal.id,
      empty: [`/quarantine?terminalId=${terminal.id}`],
    },
    'GET /api/v1/modbus/lines': { path: '/modbus/lines', answers: { operator: 200, company: 200 }, neutral: true },
    'GET /api/v1/modbus/lines/{id}': { path: '/modbus/lines/nobody', answers: { operator: 404, company: 404 } },
    'PATCH /api/v1/modbus/lines/{id}': adminOnly('/modbus/lines/nobody', { line: { host: '127.0.0.1', port: 1 } }),
    'GET /api/v1/security-events': {
      path: '/security-events?limit=500',
      answers: { company: 200 },
      own: mine.terminal.id,
      admin: 200,
      empty: [`/security-events?terminalId=${terminal.id}`],
    },
    'GET /api/v1/quarantine/counts': {
      path: '/quarantine/counts?limit=500',
      answers: { operator: 200, company: 200 },
      own: mine.terminal.id,
      empty: [`/quarantine/counts?terminalId=${terminal.id}`],
    },
    'POST /api/v1/quarantine/requeue': adminOnly('/quarantine/requeue', { terminalId: terminal.id }),
    'DELETE /api/v1/quarantine': adminOnly('/quarantine?before=2026-01-01T00:00:00Z'),
    'POST /api/v1/terminals/{id}/commands': {
      path: `${t}/commands`,
      body: { command: 'power', value: 'off' },
      answers: { company: 404 },
      admin: 202,
    },
    'GET /api/v1/terminals/{id}/commands/judgement': {
      path: `${t}/commands/judgement?command=power&value=off`,
      answers: { company: 404 },
      admin: 200,
    },
    // Nobody holds it, so there is nothing to decide.
    'POST /api/v1/commands/{id}/approve': {
      path: `/commands/${command.id}/approve`,
      body: {},
      answers: { company: 404 },
      admin: 409,
    },
    'POST /api/v1/commands/{id}/refuse': {
      path: `/commands/${command.id}/refuse`,
      body: {},
      answers: { company: 404 },
      admin: 409,
    },
    'GET /api/v1/commands': {
      path: '/commands?limit=500',
      answers: everyone(200),
      own: mine.command.id,
      empty: [`/commands?terminalId=${terminal.id}`],
    },
    'GET /api/v1/audit': {
      path: '/audit?limit=500',
      answers: { company: 200 },
      own: mine.command.id,
      empty: [`/audit?terminalId=${terminal.id}`, `/audit?actor=terminal:${terminal.id}`, '/audit?action=user_added'],
    },
    'GET /api/v1/audit/state': adminOnly('/audit/state'),
    'GET /api/v1/clock': { path: '/clock', answers: { company: 200 }, neutral: true },
    'POST /api/v1/clock/trust': adminOnly('/clock/trust', { time: new Date().toISOString() }),
    'GET /api/v1/commands/{id}': get(`/commands/${command.id}`),
    'POST /api/v1/commands/{id}/cancel': {
      path: `/commands/${command.id}/cancel`,
      answers: { company: 404 },
      admin: 200,
    },
    'POST /api/v1/command-batches': {
      path: '/command-batches',
      body: { terminalIds: [terminal.id], command: 'setpoint', value: 21, reason: 'mine', dryRun: true },
      answers: { company: 404 },
      admin: 200,
    },
    'GET /api/v1/command-batches': {
      path: '/command-batches?limit=500',
      answers: { operator: 200, company: 200 },
      own: mine.batch.id,
    },
    'GET /api/v1/command-batches/{id}': watched(b),
    'GET /api/v1/command-batches/{id}/items': watched(`${b}/items`),
    'GET /api/v1/command-batches/{id}/items.csv': watched(`${b}/items.csv`),
    // It is over, so there is nothing to decide.
    'POST /api/v1/command-batches/{id}/approve': {
      path: `${b}/approve`,
      body: {},
      answers: { company: 404 },
      admin: 409,
    },
    'POST /api/v1/command-batches/{id}/refuse': {
      path: `${b}/refuse`,
      body: {},
      answers: { company: 404 },
      admin: 409,
    },
    'POST /api/v1/command-batches/{id}/pause': { path: `${b}/pause`, answers: { company: 404 }, admin: 409 },
    'POST /api/v1/command-batches/{id}/resume': { path: `${b}/resume`, answers: { company: 404 }, admin: 409 },
    'POST /api/v1/command-batches/{id}/cancel': { path: `${b}/cancel`, answers: { company: 404 }, admin: 409 },
    'GET /api/v1/schedules': { path: '/schedules?limit=500', answers: { company: 200 }, own: mine.schedule.id },
    'POST /api/v1/schedules': {
      path: '/schedules',
      body: {
        terminalIds: [terminal.id],
        command: 'setpoint',
        value: 21,
        reason: 'mine',
        weekly: { days: [1], time: '06:00' },
      },
      answers: { company: 404 },
      admin: 201,
    },
    'GET /api/v1/schedules/{id}': scheduled('', 200),
    'GET /api/v1/schedules/{id}/runs': scheduled('/runs', 200),
    'PATCH /api/v1/schedules/{id}': { ...scheduled('', 200), body: { version: 1, reason: 'another' } },
    'DELETE /api/v1/schedules/{id}': scheduled('', 204),
    'GET /api/v1/alarms': {
      path: '/alarms?limit=500',
      answers: everyone(200),
      own: mine.alarm.id,
      empty: [`/alarms?terminalId=${terminal.id}`],
    },
    'POST /api/v1/alarms/{id}/acknowledge': {
      path: `/alarms/${alarm.id}/acknowledge`,
      answers: { operator: 404 },
      admin: 200,
    },
  };
}
