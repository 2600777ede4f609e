import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ApiKeyRow } from '../../db/schema.ts';
import { rfc3339 } from '../../lib/calendar.ts';
import { callerOf } from '../auth.ts';
import { idParam, pageQuery } from '../schemas/common.ts';
import { apiKey, apiKeyPage, createdApiKey, newApiKey, newUser, user, userPage } from '../schemas/people.ts';
import type { HttpParts } from '../server.ts';
import { userView } from '../views.ts';

const keyView = ({
  id,
  name,
  role,
  companyId,
  areaCode,
  householdId,
  createdAt,
}: ApiKeyRow): z.infer<typeof apiKey> => ({
  id,
  name,
  role,
  companyId,
  areaCode,
  householdId,
  createdAt: rfc3339(createdAt),
});

/** Users and API keys are the admin's. */
export const userRoutes =
  ({ users, live }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const config = { roles: ['admin'] } as const;

    app.get(
      '/users',
      {
        config,
        schema: { tags: ['users'], querystring: z.strictObject(pageQuery('usr')), response: { 200: userPage } },
      },
      async (request) => {
        const page = await users.list(request.query);
        return { ...page, items: page.items.map(userView) };
      },
    );

    app.post(
      '/users',
      { config, schema: { tags: ['users'], body: newUser, response: { 201: user } } },
      async (request, reply) =>
        reply.code(201).send(userView(await users.create(request.body, callerOf(request).name))),
    );

    app.get(
      '/users/:id',
      { config, schema: { tags: ['users'], params: idParam, response: { 200: user } } },
      async (request) => userView(await users.get(request.params.id)),
    );

    app.delete(
      '/users/:id',
      { config, schema: { tags: ['users'], params: idParam, response: { 204: z.null() } } },
      async (request, reply) => {
        await users.remove(request.params.id, callerOf(request).name);
        await live.recheck();
        return reply.code(204).send(null);
      },
    );

    app.get(
      '/api-keys',
      {
        config,
        schema: { tags: ['users'], querystring: z.strictObject(pageQuery('key')), response: { 200: apiKeyPage } },
      },
      async (request) => {
        const page = await users.listKeys(request.query);
        return { ...page, items: page.items.map(keyView) };
      },
    );

    app.post(
      '/api-keys',
      { config, schema: { tags: ['users'], body: newApiKey, response: { 201: createdApiKey } } },
      async (request, reply) => {
        const { row, key } = await users.createKey(callerOf(request), request.body);
        return reply.code(201).send({ ...keyView(row), key });
      },
    );

    app.get(
      '/api-keys/:id',
      { config, schema: { tags: ['users'], params: idParam, response: { 200: apiKey } } },
      async (request) => keyView(await users.getKey(request.params.id)),
    );

    app.delete(
      '/api-keys/:id',
      { config, schema: { tags: ['users'], params: idParam, response: { 204: z.null() } } },
      async (request, reply) => {
        await users.removeKey(request.params.id, callerOf(request).name);
        await live.recheck();
        return reply.code(204).send(null);
      },
    );
  };
