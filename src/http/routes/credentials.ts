import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { GatewayError } from '../../lib/errors.ts';
import { credentialsOf } from '../../terminals/wire-names.ts';
import { createAttempts } from '../attempts.ts';
import { callerOf } from '../auth.ts';
import { idParam } from '../schemas/common.ts';
import { claimed, credentialState, newClaim, newCredentials, revoked } from '../schemas/provisioning.ts';
import { claimCode, terminalId } from '../schemas/terminals.ts';
import type { HttpParts } from '../server.ts';
import { claimView, orNull, terminalView } from '../views.ts';

/** The secrets of terminals, and how one that waits is claimed where it is installed. */
export const credentialRoutes =
  ({ config: { provisioning }, clock, registry, companies, latest, presence }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const { credentials, claims } = registry;
    const tags = ['provisioning'];
    const config = { roles: ['admin', 'company'] } as const;
    const params = z.strictObject({ id: terminalId });
    const attempts = createAttempts(clock);

    app.get(
      '/terminals/:id/credentials',
      { config, schema: { tags, params, response: { 200: credentialState } } },
      async (request) => {
        const { state, previousUntil } = credentials.state(callerOf(request), request.params.id);
        return { state, previousUntil: orNull(previousUntil) };
      },
    );

    app.post(
      '/terminals/:id/credentials',
      {
        config,
        schema: {
          tags,
          description:
            'A new secret, shown this once. The one before works until the new one was used, or the time of the configuration is over.',
          params,
          response: { 201: newCredentials },
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        const terminal = registry.get(callerOf(request), id);
        const { secret, previousUntil } = await credentials.rotate(callerOf(request), id);
        reply.header('cache-control', 'no-store');
        return reply.code(201).send({ ...credentialsOf(terminal, secret), previousUntil: orNull(previousUntil) });
      },
    );

    app.delete(
      '/terminals/:id/credentials',
      {
        config,
        schema: {
          tags,
          description: 'No secret opens anything any more, and its connection is cut.',
          params,
          response: { 204: z.null() },
        },
      },
      async (request, reply) => {
        await credentials.revoke(callerOf(request), request.params.id);
        return reply.code(204).send(null);
      },
    );

    app.delete(
      '/companies/:id/credentials',
      {
        config: { roles: ['admin'] },
        schema: {
          tags,
          description: 'Revokes the secrets of all terminals of a company.',
          params: idParam,
          response: { 200: revoked },
        },
      },
      async (request) => {
        const caller = callerOf(request);
        const { id } = await companies.get(caller, request.params.id);
        return { revoked: await credentials.revokeCompany(caller, id) };
      },
    );

    app.post(
      '/terminals/:id/claim-code',
      {
        config,
        schema: {
          tags,
          description: 'A new code for a terminal that waits to be claimed, shown this once; the one before ends.',
          params,
          response: { 201: claimCode },
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        const { code, until } = await claims.renew(callerOf(request), id);
        return reply.code(201).send(claimView(id, code, until));
      },
    );

    app.post(
      '/claims',
      {
        config,
        schema: {
          tags,
          description:
            'Binds a terminal that waits to a household, and lets it in. The code on its label (QR text `hearthgate:claim?id=…&code=…`) works once.',
          body: newClaim,
          response: { 201: claimed },
        },
      },
      async (request, reply) => {
        const caller = callerOf(request);
        const perMinute = provisioning.claimsPerMinute;
        const takeBack = attempts.begin([
          { key: `caller ${caller.id}`, perMinute },
          { key: `terminal ${request.body.id}`, perMinute },
        ]);
        const { terminal, secret } = await claims.claim(caller, request.body).catch((error) => {
          if (!(error instanceof GatewayError && error.code === 'wrong_claim')) takeBack();
          throw error;
        });
        takeBack();
        reply.header('location', `/api/v1/terminals/${terminal.id}`).header('cache-control', 'no-store');
        const view = terminalView(caller, terminal, latest, presence);
        return reply.code(201).send({ ...view, credentials: secret === null ? null : credentialsOf(terminal, secret) });
      },
    );
  };
