import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import helmet from '@fastify/helmet';
import serveStatic from '@fastify/static';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import {
  jsonSchemaTransform,
  jsonSchemaTransformObject,
  serializerCompiler,
  validatorCompiler,
} from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Alarms } from '../alarms/alarms.ts';
import type { Areas } from '../areas/areas.ts';
import type { Companies, Households } from '../areas/households.ts';
import type { Users } from '../areas/users.ts';
import type { Audit } from '../audit/audit.ts';
import type { AuditWatch } from '../audit/watch.ts';
import type { Billing } from '../billing/billing.ts';
import type { Collection } from '../billing/collection.ts';
import type { Invoicing } from '../billing/invoicing.ts';
import type { Control } from '../commands/control.ts';
import type { Config } from '../config.ts';
import { projectRoot } from '../config.ts';
import type { Database } from '../db/database.ts';
import type { Downlink } from '../downlink.ts';
import type { Health } from '../health/health.ts';
import type { Metrics } from '../health/metrics.ts';
import type { Imports } from '../imports/imports.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { Latest } from '../readings/latest.ts';
import type { Quarantine } from '../readings/quarantine.ts';
import type { Requeue } from '../readings/requeue.ts';
import type { ReadingStore } from '../readings/store.ts';
import type { SecurityEvents } from '../security/security-events.ts';
import type { Handout } from '../terminals/handout.ts';
import type { MeterExchanges } from '../terminals/meter-exchanges.ts';
import type { Presence } from '../terminals/presence.ts';
import type { Profile } from '../terminals/profile.ts';
import type { Registry } from '../terminals/registry.ts';
import { authenticate } from './auth.ts';
import type { Live } from './live.ts';
import { answerProblems, sendBadAddress, sendNotFound } from './problems.ts';
import { problemResponses } from './responses.ts';
import { alarmRoutes } from './routes/alarms.ts';
import { areaRoutes } from './routes/areas.ts';
import { arrearsRoutes } from './routes/arrears.ts';
import { auditRoutes } from './routes/audit.ts';
import { batchRoutes } from './routes/batches.ts';
import { billingRoutes } from './routes/billing.ts';
import { billingRunRoutes } from './routes/billing-runs.ts';
import { billRoutes } from './routes/bills.ts';
import { clockRoutes } from './routes/clock.ts';
import { commandRoutes } from './routes/commands.ts';
import { credentialRoutes } from './routes/credentials.ts';
import { depositRoutes } from './routes/deposits.ts';
import { healthRoutes } from './routes/health.ts';
import { historyRoutes } from './routes/history.ts';
import { householdRoutes } from './routes/households.ts';
import { importRoutes } from './routes/imports.ts';
import { liveRoutes } from './routes/live.ts';
import { meterExchangeRoutes } from './routes/meter-exchanges.ts';
import { type ModbusLines, modbusRoutes } from './routes/modbus.ts';
import { paymentNotificationRoutes } from './routes/payment-notifications.ts';
import { paymentOrderRoutes } from './routes/payment-orders.ts';
import { proposalRoutes } from './routes/proposals.ts';
import { quarantineRoutes } from './routes/quarantine.ts';
import { readingRoutes } from './routes/readings.ts';
import { reconciliationRoutes } from './routes/reconciliations.ts';
import { reportRoutes } from './routes/reports.ts';
import { scheduleRoutes } from './routes/schedules.ts';
import { securityRoutes } from './routes/security.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { terminalRoutes } from './routes/terminals.ts';
import { termRoutes } from './routes/terms.ts';
import { userRoutes } from './routes/users.ts';
import type { Setup } from './setup.ts';

/** What routes may use. */
export interface HttpParts {
  config: Config;
  clock: Clock;
  log: Logger;
  db: Database;
  profiles: Map<string, Profile>;
  users: Users;
  areas: Areas;
  companies: Companies;
  households: Households;
  registry: Registry;
  imports: Imports;
  handout: Handout;
  presence: Presence;
  latest: Latest;
  store: ReadingStore;
  meterExchanges: MeterExchanges;
  quarantine: Quarantine;
  requeue: Requeue;
  security: SecurityEvents;
  alarms: Alarms;
  audit: Audit;
  auditWatch: AuditWatch;
  control: Control;
  downlink: Downlink;
  billing: Billing;
  invoicing: Invoicing;
  collection: Collection;
  live: Live;
  health: Health;
  metrics: Metrics;
  setup: Setup;
  modbus: ModbusLines;
}

type App = ReturnType<typeof createApp>;

function createApp({ config, log }: HttpParts) {
  const logger: FastifyBaseLogger = log;
  return Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: config.http.bodyLimitBytes,
    routerOptions: { maxParamLength: 200 },
    frameworkErrors: (_error, _request, reply) => void sendBadAddress(reply),
    trustProxy: config.http.trustedProxies || false,
    forceCloseConnections: true,
  });
}

const CONSOLE = resolve(projectRoot, 'dist/console');

async function describe(app: App): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Hearthgate 暖关', version: '1', description: 'Heating terminals: readings, commands, payments.' },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
      security: [{ bearer: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
  await app.register(swaggerUi, { routePrefix: '/docs' });
  app.get('/openapi.json', { schema: { hide: true }, config: { public: true } }, async () => app.swagger());
}

/** The console and the residents' page below `/my`, each with its index page for every path that only it knows. */
async function serveConsole(app: App): Promise<void> {
  const built = existsSync(resolve(CONSOLE, 'index.html'));
  if (built) {
    await app.register(serveStatic, {
      root: CONSOLE,
      // The names of assets change with their content; the page that names them must be asked for anew.
      setHeaders: (reply, path) =>
        reply.header('cache-control', path.includes('/assets/') ? 'max-age=31536000, immutable' : 'no-cache'),
    });
  }
  app.setNotFoundHandler((request, reply) => {
    const isPage = built && request.method === 'GET' && (request.headers.accept ?? '').includes('text/html');
    if (isPage && /^\/my([/?]|$)/.test(request.url)) return reply.sendFile('my/index.html');
    if (isPage && !request.url.startsWith('/api/')) return reply.sendFile('index.html');
    return sendNotFound(reply);
  });
}

/** A terminal that was registered at another gateway a moment ago is known here at the next request too. */
function knowTerminals(api: FastifyInstance, { registry }: HttpParts): void {
  api.addHook('preHandler', async (request) => {
    if (!request.routeOptions.url?.startsWith('/api/v1/terminals/:id')) return;
    const { id } = z.object({ id: z.string() }).parse(request.params);
    if (!registry.find(id)) await registry.follow([id]);
  });
}

/** Listens. Dispose closes every connection. */
export async function startHttp(parts: HttpParts) {
  const { config, users } = parts;
  const app = createApp(parts);
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.removeContentTypeParser('text/plain');
  answerProblems(app);
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        objectSrc: ["'none'"],
        frameAncestors: ["'none'"],
        baseUri: ["'self'"],
      },
    },
    // Plain HTTP on a county's own network is usual; a proxy that ends TLS sets this header.
    strictTransportSecurity: false,
  });
  app.addHook('onRoute', (route) => {
    const { schema } = route;
    if (schema && !schema.hide) schema.response = { ...problemResponses(route), ...Object(schema.response) };
  });
  await describe(app);
  await app.register(async (api) => {
    authenticate(api, users);
    if (config.database.url) knowTerminals(api, parts);
    for (const routes of [
      sessionRoutes,
      userRoutes,
      areaRoutes,
      householdRoutes,
      billingRoutes,
      depositRoutes,
      billRoutes,
      billingRunRoutes,
      termRoutes,
      arrearsRoutes,
      proposalRoutes,
      reportRoutes,
      paymentOrderRoutes,
      paymentNotificationRoutes,
      reconciliationRoutes,
      terminalRoutes,
      importRoutes,
      credentialRoutes,
      historyRoutes,
      readingRoutes,
      meterExchangeRoutes,
      modbusRoutes,
      quarantineRoutes,
      securityRoutes,
      commandRoutes,
      clockRoutes,
      auditRoutes,
      batchRoutes,
      scheduleRoutes,
      alarmRoutes,
      liveRoutes,
    ]) {
      await api.register(routes(parts), { prefix: '/api/v1' });
    }
  });
  await app.register(healthRoutes(parts));
  await serveConsole(app);
  await app.listen({ host: config.http.host, port: config.http.port });
  const address = app.server.address();
  return {
    port: typeof address === 'object' && address ? address.port : config.http.port,
    async [Symbol.asyncDispose](): Promise<void> {
      await app.close();
    },
  };
}
