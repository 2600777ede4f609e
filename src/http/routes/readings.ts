import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { visibleSince } from '../../areas/scope.ts';
import { GatewayError } from '../../lib/errors.ts';
import { callerOf } from '../auth.ts';
import { terminalUsageQuery, usage } from '../schemas/readings.ts';
import { terminalId } from '../schemas/terminals.ts';
import type { HttpParts } from '../server.ts';
import { counterUsage } from '../usage.ts';

export const readingRoutes =
  (parts: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const { registry } = parts;
    const params = z.strictObject({ id: terminalId });
    app.get(
      '/terminals/:id/usage',
      {
        schema: {
          tags: ['readings'],
          description: 'Consumption from a counter of the terminal.',
          params,
          querystring: terminalUsageQuery,
          response: { 200: usage },
        },
      },
      async (request) => {
        const caller = callerOf(request);
        const terminal = registry.get(caller, request.params.id);
        const { metric, ...query } = request.query;
        const counters = await counterUsage(parts, terminal, query, visibleSince(caller, terminal));
        const counter = metric === undefined ? counters[0] : counters.find((one) => one.metric === metric);
        if (counter) return counter.items;
        throw new GatewayError('invalid_request', `${terminal.profile.profile} has no counter ${metric ?? ''}`);
      },
    );
  };
