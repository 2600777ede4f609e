import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { rfc3339 } from '../../lib/calendar.ts';
import { callerOf } from '../auth.ts';
import { clockState, clockTrust } from '../schemas/clock.ts';
import type { HttpParts } from '../server.ts';

/** Whether the gateway's clock is trusted, and an admin's word that it is right. */
export const clockRoutes =
  ({ control: { clockTrust: trusting } }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const tags = ['commands'];
    const view = ({ gateway, now, trouble, jumpMs, unsureMs }: ReturnType<typeof trusting.state>) => ({
      gateway,
      time: rfc3339(now),
      trouble: trouble ?? null,
      jumpS: jumpMs === undefined ? null : Math.round(jumpMs / 1_000),
      sureInS: Math.ceil(unsureMs / 1_000),
    });

    app.get(
      '/clock',
      { config: { roles: ['admin', 'company'] }, schema: { tags, response: { 200: clockState } } },
      async () => view(trusting.state()),
    );

    // Done twice is done once, so this needs no key.
    app.post(
      '/clock/trust',
      {
        config: { roles: ['admin'] },
        schema: {
          tags,
          description:
            'After somebody has set the clock nothing is switched off for a minute; this ends it earlier. 409 `clock_differs` where your clock and the gateway’s are more than a minute apart.',
          body: clockTrust,
          response: { 200: clockState },
        },
      },
      async (request) => view(await trusting.trust(callerOf(request), Date.parse(request.body.time))),
    );
  };
