import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerOf } from '../auth.ts';
import { areaCode } from '../schemas/common.ts';
import { area, areaList, areaOverview, putArea } from '../schemas/people.ts';
import type { HttpParts } from '../server.ts';
import { areaView } from '../views.ts';

/** A home is cold when its room is fresh and below this, in °C: the lower end of what heating companies promise. */
const COLD_C = 16;

export const areaRoutes =
  ({ areas, registry, presence, latest, alarms }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const params = z.strictObject({ code: areaCode });

    app.get('/areas', { schema: { tags: ['areas'], response: { 200: areaList } } }, async (request) => ({
      items: (await areas.list(callerOf(request))).map(areaView),
      nextCursor: null,
    }));

    app.put(
      '/areas/:code',
      {
        config: { roles: ['admin', 'operator'] },
        schema: { tags: ['areas'], params, body: putArea, response: { 200: area } },
      },
      async (request) => {
        const { responsiblePerson: person } = request.body;
        const row = person && { name: person.name, phone: person.phone ?? null };
        return areaView(await areas.setPerson(callerOf(request), request.params.code, row));
      },
    );

    app.get(
      '/areas/:code/overview',
      {
        config: { roles: ['admin', 'operator', 'company'] },
        schema: { tags: ['areas'], params, response: { 200: areaOverview } },
      },
      async (request) => {
        const caller = callerOf(request);
        const { code, name } = await areas.get(caller, request.params.code);
        const { items } = registry.list(caller, { areaCode: code, limit: Number.POSITIVE_INFINITY });
        const counts = { online: 0, offline: 0, unknown: 0 };
        const cold = new Set<string>();
        for (const terminal of items) {
          const status = presence.statusOf(terminal);
          counts[status] += 1;
          const room = latest.of(terminal.id).get('room_c');
          if (status === 'online' && room && room.value < COLD_C) cold.add(terminal.householdId ?? terminal.id);
        }
        const openAlarms = alarms.openCount(new Set(items.map((terminal) => terminal.id)));
        return { code, name, terminals: items.length, ...counts, openAlarms, coldHomes: cold.size };
      },
    );
  };
