import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { rfc3339 } from '../../lib/calendar.ts';
import { inLanguage } from '../../lib/text.ts';
import { live, ready } from '../schemas/health.ts';
import type { HttpParts } from '../server.ts';

export const healthRoutes =
  ({ health, metrics }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const open = { public: true } as const;

    app.get(
      '/health/live',
      { config: open, schema: { tags: ['health'], security: [], response: { 200: live } } },
      async () => ({ status: 'ok' as const }),
    );

    app.get(
      '/health/ready',
      { config: open, schema: { tags: ['health'], security: [], response: { 200: ready, 503: ready } } },
      async (_request, reply) => {
        const parts = health.parts();
        const views = parts.map(({ vital: _, since, detail, ...part }) => ({
          ...part,
          since: rfc3339(since),
          detail: detail && inLanguage(detail, 'en'),
          detailZh: detail && inLanguage(detail, 'zh'),
        }));
        const troubles = parts
          .filter(({ vital, state }) => vital && state !== 'ok')
          .map(({ name, detail }) => `${name}: ${detail && inLanguage(detail, 'en')}`);
        return reply.code(troubles.length > 0 ? 503 : 200).send({
          status: troubles.length > 0 ? 'degraded' : 'ok',
          troubles,
          parts: views,
        });
      },
    );

    app.get('/metrics', { config: open, schema: { hide: true } }, async (_request, reply) =>
      reply.type(metrics.contentType).send(await metrics.text()),
    );
  };
