import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { credentialsOf } from '../../terminals/wire-names.ts';
import { callerOf } from '../auth.ts';
import {
  createdTerminal,
  latest as latestSchema,
  newTerminal,
  patchTerminal,
  profileList,
  terminalId,
  terminalPage,
  terminalQuery,
  terminal as terminalSchema,
} from '../schemas/terminals.ts';
import type { HttpParts } from '../server.ts';
import { claimView, latestView, profileView, terminalView } from '../views.ts';

export const terminalRoutes =
  ({ registry, latest, presence, profiles }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const installer = { roles: ['admin', 'company'] } as const;
    const params = z.strictObject({ id: terminalId });

    app.get('/profiles', { schema: { tags: ['terminals'], response: { 200: profileList } } }, async () => ({
      items: [...profiles.values()].map(profileView),
    }));

    app.get(
      '/terminals',
      { schema: { tags: ['terminals'], querystring: terminalQuery, response: { 200: terminalPage } } },
      async (request) => {
        const { status, unclaimed, ...filter } = request.query;
        const page = registry.list(
          callerOf(request),
          filter,
          (terminal) =>
            (!status || presence.statusOf(terminal) === status) &&
            (unclaimed === undefined || (terminal.unclaimedSince !== null) === unclaimed),
        );
        return {
          ...page,
          items: page.items.map((terminal) => terminalView(callerOf(request), terminal, latest, presence)),
        };
      },
    );

    app.post(
      '/terminals',
      { config: installer, schema: { tags: ['terminals'], body: newTerminal, response: { 201: createdTerminal } } },
      async (request, reply) => {
        const { terminal, secret, code } = await registry.create(callerOf(request), request.body);
        const credentials = secret === null ? null : credentialsOf(terminal, secret);
        const claim = code === null ? null : claimView(terminal.id, code, terminal.claimUntil ?? 0);
        reply.header('location', `/api/v1/terminals/${terminal.id}`);
        const view = terminalView(callerOf(request), terminal, latest, presence);
        return reply.code(201).send({ ...view, credentials, claim });
      },
    );

    app.get(
      '/terminals/:id',
      { schema: { tags: ['terminals'], params, response: { 200: terminalSchema } } },
      async (request) =>
        terminalView(callerOf(request), registry.get(callerOf(request), request.params.id), latest, presence),
    );

    app.patch(
      '/terminals/:id',
      {
        config: installer,
        schema: { tags: ['terminals'], params, body: patchTerminal, response: { 200: terminalSchema } },
      },
      async (request) =>
        terminalView(
          callerOf(request),
          await registry.update(callerOf(request), request.params.id, request.body),
          latest,
          presence,
        ),
    );

    app.delete(
      '/terminals/:id',
      { config: installer, schema: { tags: ['terminals'], params, response: { 204: z.null() } } },
      async (request, reply) => {
        await registry.remove(callerOf(request), request.params.id);
        return reply.code(204).send(null);
      },
    );

    app.get(
      '/terminals/:id/latest',
      { schema: { tags: ['readings'], params, response: { 200: latestSchema } } },
      async (request) =>
        latestView(callerOf(request), registry.get(callerOf(request), request.params.id), latest, presence),
    );
  };
