import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { rfc3339 } from '../../lib/calendar.ts';
import { GatewayError } from '../../lib/errors.ts';
import { createAttempts } from '../attempts.ts';
import { callerOf, tokenOf } from '../auth.ts';
import { me, newSession, session, setup, user } from '../schemas/people.ts';
import type { HttpParts } from '../server.ts';
import { userView } from '../views.ts';

/** An address may try this many times as often, over all user names. */
const NAMES_AN_ADDRESS = 5;

export const sessionRoutes =
  ({ config, clock, users, live, setup: firstAdmin }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const attempts = createAttempts(clock);
    const { loginsPerMinute } = config.http;

    app.post(
      '/sessions',
      {
        schema: { tags: ['sessions'], body: newSession, response: { 201: session }, security: [] },
        config: { public: true },
      },
      async (request, reply) => {
        const { username, password } = request.body;
        const takeBack = attempts.begin([
          { key: `${request.ip} ${username}`, perMinute: loginsPerMinute },
          { key: request.ip, perMinute: loginsPerMinute * NAMES_AN_ADDRESS },
        ]);
        const { token, expiresAt, user: row } = await users.signIn(username, password);
        takeBack();
        return reply.code(201).send({ token, expiresAt: rfc3339(expiresAt), user: userView(row) });
      },
    );

    app.delete(
      '/sessions/current',
      { schema: { tags: ['sessions'], response: { 204: z.null() } } },
      async (request, reply) => {
        await users.signOut(tokenOf(request) ?? '');
        await live.recheck();
        return reply.code(204).send(null);
      },
    );

    app.get('/me', { schema: { tags: ['sessions'], response: { 200: me } } }, async (request) => {
      const { id, name, role, companyId, areaCode, householdId } = callerOf(request);
      return { id, username: name, role, companyId, areaCode, householdId };
    });

    app.post(
      '/setup',
      {
        schema: { tags: ['sessions'], body: setup, response: { 201: user }, security: [] },
        config: { public: true },
      },
      async (request, reply) => {
        const { token, username, password } = request.body;
        if (!firstAdmin.fits(token)) throw new GatewayError('not_found', 'This setup link was used or is not valid');
        const admin = await users.create({ username, password, role: 'admin' }, 'setup:link');
        firstAdmin.end();
        return reply.code(201).send(userView(admin));
      },
    );
  };
