import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { rfc3339 } from '../../lib/calendar.ts';
import { callerOf } from '../auth.ts';
import { securityEventPage, securityEventQuery } from '../schemas/security.ts';
import type { HttpParts } from '../server.ts';

export const securityRoutes =
  ({ security }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/security-events',
      {
        config: { roles: ['admin', 'company'] },
        schema: { tags: ['security'], querystring: securityEventQuery, response: { 200: securityEventPage } },
      },
      async (request) => {
        const page = await security.list(callerOf(request), request.query);
        return {
          ...page,
          items: page.items.map(({ firstAt, lastAt, ...event }) => ({
            ...event,
            firstAt: rfc3339(firstAt),
            lastAt: rfc3339(lastAt),
          })),
        };
      },
    );
  };
