import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Caller } from '../../areas/scope.ts';
import type { AuditAction } from '../../db/schema-audit.ts';
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
  ({ registry, latest, presence, profiles, audit }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const installer = { roles: ['admin', 'company'] } as const;
    const params = z.strictObject({ id: terminalId });
    const note = ({ name }: Caller, action: AuditAction, terminal: string, detail: Record<string, unknown>) =>
      audit.note({ actor: name, action, subject: terminal, terminalId: terminal, detail });

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
        const caller = callerOf(request);
        const { terminal, secret, code } = await registry.create(caller, request.body);
        const { householdId, areaCode, connection } = terminal;
        const profile = terminal.profile.profile;
        await note(caller, 'terminal_added', terminal.id, { profile, householdId, areaCode, connection });
        const credentials = secret === null ? null : credentialsOf(terminal, secret);
        const claim = code === null ? null : claimView(terminal.id, code, terminal.claimUntil ?? 0);
        reply.header('location', `/api/v1/terminals/${terminal.id}`);
        const view = terminalView(caller, terminal, latest, presence);
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
      async (request) => {
        const caller = callerOf(request);
        const terminal = await registry.update(caller, request.params.id, request.body);
        await note(caller, 'terminal_changed', terminal.id, request.body);
        return terminalView(caller, terminal, latest, presence);
      },
    );

    app.delete(
      '/terminals/:id',
      { config: installer, schema: { tags: ['terminals'], params, response: { 204: z.null() } } },
      async (request, reply) => {
        await registry.remove(callerOf(request), request.params.id);
        await note(callerOf(request), 'terminal_removed', request.params.id, {});
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
