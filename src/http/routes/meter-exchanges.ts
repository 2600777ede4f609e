import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerOf } from '../auth.ts';
import { meterExchange, meterExchangePage, meterExchangeQuery, newMeterExchange } from '../schemas/readings.ts';
import { terminalId } from '../schemas/terminals.ts';
import type { HttpParts } from '../server.ts';
import { meterExchangeView } from '../views.ts';

export const meterExchangeRoutes =
  ({ registry, meterExchanges }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const tags = ['readings'];
    const params = z.strictObject({ id: terminalId });

    app.get(
      '/terminals/:id/meter-exchanges',
      { schema: { tags, params, querystring: meterExchangeQuery, response: { 200: meterExchangePage } } },
      async (request) => {
        const caller = callerOf(request);
        const terminal = registry.get(caller, request.params.id);
        const page = await meterExchanges.list(caller, terminal, request.query);
        return { ...page, items: page.items.map(meterExchangeView) };
      },
    );

    app.post(
      '/terminals/:id/meter-exchanges',
      {
        config: { roles: ['admin', 'company'] },
        schema: {
          tags,
          description: 'Records that the meter behind a counter was exchanged; its use is then exact across it.',
          params,
          body: newMeterExchange,
          response: { 201: meterExchange },
        },
      },
      async (request, reply) => {
        const caller = callerOf(request);
        const terminal = registry.get(caller, request.params.id);
        return reply.code(201).send(meterExchangeView(await meterExchanges.record(caller, terminal, request.body)));
      },
    );
  };
