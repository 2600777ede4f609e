import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { callerOf } from '../auth.ts';
import { liveQuery } from '../schemas/live.ts';
import type { HttpParts } from '../server.ts';

export const liveRoutes =
  ({ live }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/live',
      {
        schema: {
          tags: ['readings'],
          description:
            'Server-sent events `reading`, `status`, `command`, `alarm` of the terminals that the caller sees.',
          querystring: liveQuery,
          produces: ['text/event-stream'],
        },
      },
      async (request, reply) => {
        const { terminalId, areaCode } = request.query;
        live.open({ caller: callerOf(request), terminalId, areaCode, response: reply.raw });
        reply.hijack();
      },
    );
  };
