import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { rfc3339 } from '../../lib/calendar.ts';
import { callerOf } from '../auth.ts';
import { auditPage, auditQuery, auditState } from '../schemas/audit.ts';
import type { HttpParts } from '../server.ts';

export const auditRoutes =
  ({ audit, auditWatch }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/audit',
      {
        config: { roles: ['admin', 'company'] },
        schema: {
          tags: ['audit'],
          description:
            'Who did what, the newest first; to a company, what was done to its terminals while they were its own.',
          querystring: auditQuery,
          response: { 200: auditPage },
        },
      },
      async (request) => {
        const { role, companyId } = callerOf(request);
        const page = await audit.list(role === 'admin' ? undefined : (companyId ?? ''), request.query);
        return {
          ...page,
          items: page.items.map(({ companyId: _company, at, detail, ...row }) => ({
            ...row,
            at: rfc3339(at),
            detail: JSON.parse(detail) as Record<string, unknown>,
          })),
        };
      },
    );

    app.get(
      '/audit/state',
      { config: { roles: ['admin'] }, schema: { tags: ['audit'], response: { 200: auditState } } },
      async () => {
        const { head, checked, verified, faults } = auditWatch.state();
        return {
          head,
          checked: { seq: checked.seq, since: rfc3339(checked.since) },
          verified: verified && { seq: verified.seq, at: rfc3339(verified.at) },
          faults: [...faults],
        };
      },
    );
  };
