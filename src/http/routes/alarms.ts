import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { callerOf } from '../auth.ts';
import { idParam } from '../schemas/common.ts';
import { alarm, alarmPage, alarmQuery } from '../schemas/live.ts';
import type { HttpParts } from '../server.ts';
import { alarmView } from '../views.ts';

export const alarmRoutes =
  ({ alarms, registry }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/alarms',
      { schema: { tags: ['alarms'], querystring: alarmQuery, response: { 200: alarmPage } } },
      async (request) => {
        const page = await alarms.list(callerOf(request), request.query);
        return { ...page, items: page.items.map(alarmView) };
      },
    );

    app.post(
      '/alarms/:id/acknowledge',
      {
        config: { roles: ['admin', 'operator'] },
        schema: { tags: ['alarms'], params: idParam, response: { 200: alarm } },
      },
      async (request) => {
        const row = await alarms.acknowledge(callerOf(request), request.params.id, ({ terminalId, alarm: name }) =>
          Object.hasOwn(registry.find(terminalId)?.profile.alarms ?? {}, name),
        );
        return alarmView(row);
      },
    );
  };
