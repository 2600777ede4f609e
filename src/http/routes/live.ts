import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerOf, tokenOf } from '../auth.ts';
import { liveQuery } from '../schemas/live.ts';
import type { HttpParts } from '../server.ts';

export const liveRoutes =
  ({ live, registry, users }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/live',
      {
        exposeHeadRoute: false,
        schema: {
          tags: ['readings'],
          description:
            'Server-sent events `reading`, `status`, `command`, `alarm` of the terminals, and `batch` of the batches, that the caller sees.',
          querystring: liveQuery,
          produces: ['text/event-stream'],
          response: { 200: z.string() },
        },
      },
      async (request, reply) => {
        const { terminalId, areaCode } = request.query;
        if (terminalId !== undefined) registry.get(callerOf(request), terminalId);
        const token = tokenOf(request) ?? '';
        const valid = async () => (await users.callerOf(token)) !== undefined;
        live.open({ caller: callerOf(request), terminalId, areaCode, response: reply.raw, valid });
        reply.hijack();
      },
    );
  };
