import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { rfc3339 } from '../../lib/calendar.ts';
import { callerOf } from '../auth.ts';
import {
  purged,
  quarantineCountQuery,
  quarantineCounts,
  quarantinePage,
  quarantinePurgeQuery,
  quarantineQuery,
  requeued,
  requeueRequest,
} from '../schemas/readings.ts';
import type { HttpParts } from '../server.ts';

/** Data that was refused: what, how often, and once more after a profile was mended. */
export const quarantineRoutes =
  ({ quarantine, requeue }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const tags = ['quarantine'];
    const staff = { roles: ['admin', 'operator', 'company'] } as const;
    const admin = { roles: ['admin'] } as const;

    app.get(
      '/quarantine',
      { config: staff, schema: { tags, querystring: quarantineQuery, response: { 200: quarantinePage } } },
      async (request) => {
        const page = await quarantine.list(callerOf(request), request.query);
        const items = page.items.map(({ frameId: _frameId, ...row }) => ({
          ...row,
          receivedAt: rfc3339(row.receivedAt),
        }));
        return { ...page, items };
      },
    );

    app.get(
      '/quarantine/counts',
      {
        config: staff,
        schema: {
          tags,
          description: 'How often, by terminal, reason and metric, most first; also of rows that are no longer kept.',
          querystring: quarantineCountQuery,
          response: { 200: quarantineCounts },
        },
      },
      async (request) => {
        const counts = await quarantine.counts(callerOf(request), request.query);
        const items = counts.map(({ metric, firstAt, lastAt, ...row }) => ({
          ...row,
          metric: metric || null,
          firstAt: rfc3339(firstAt),
          lastAt: rfc3339(lastAt),
        }));
        return { items };
      },
    );

    app.post(
      '/quarantine/requeue',
      {
        config: admin,
        schema: {
          tags,
          description:
            'Decodes whole messages once more, by the profiles as they were read at the start. What is good is stored under its own time ' +
            'and leaves; what is still bad stays with its new reason. It ends when its caller leaves; what was done stays done.',
          body: requeueRequest,
          response: { 200: requeued },
        },
      },
      async (request, reply) => {
        const left = new AbortController();
        reply.raw.once('close', () => left.abort());
        return requeue(request.body, left.signal);
      },
    );

    app.delete(
      '/quarantine',
      {
        config: admin,
        schema: {
          tags,
          description: 'Deletes what came before a time; what was counted stays counted.',
          querystring: quarantinePurgeQuery,
          response: { 200: purged },
        },
      },
      async (request) => {
        const { before, terminalId } = request.query;
        return { deleted: await quarantine.purge(before, terminalId) };
      },
    );
  };
