import type { FastifyPluginAsync } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ForgedNotification } from '../../billing/providers/provider.ts';
import { GatewayError } from '../../lib/errors.ts';
import { createTally } from '../../lib/limits.ts';
import { callerOf } from '../auth.ts';
import { notificationView } from '../payment-views.ts';
import { idParam } from '../schemas/common.ts';
import {
  explanation,
  paymentNotification,
  paymentNotificationPage,
  paymentNotificationQuery,
  providerParam,
} from '../schemas/payment-orders.ts';
import type { HttpParts } from '../server.ts';

/** What payment providers tell. Anybody may send something here, so nothing counts but what the provider's key has signed. */

const MOST_BYTES = 65_536;
const MINUTE_MS = 60_000;

/** The body just as it came, since its bytes are what was signed. */
const received =
  ({ config, clock, log, security, collection }: HttpParts): FastifyPluginAsync =>
  async (app) => {
    const { providers, notifications } = collection;
    const { wrongNotificationsPerMinute } = config.payments;
    const wrong = createTally({ clock, windowMs: MINUTE_MS });

    app.removeAllContentTypeParsers();
    app.addContentTypeParser(
      ['application/json', 'application/x-www-form-urlencoded'],
      { parseAs: 'buffer', bodyLimit: MOST_BYTES },
      (_request, body, done) => done(null, body),
    );

    app.post<{ Params: z.infer<typeof providerParam> }>(
      '/payment-notifications/:provider',
      {
        config: { public: true },
        bodyLimit: MOST_BYTES,
        schema: {
          tags: ['payments'],
          security: [],
          description:
            'For payment providers only: their signed notifications. Answered with success when it is committed, with its posting. At most 64 KiB.',
          params: providerParam,
          response: { 200: z.unknown() },
        },
      },
      async (request, reply) => {
        const provider = providers.find(request.params.provider);
        if (!provider) throw new GatewayError('not_found');
        // Counted before it is looked at, and a good one taken back, so that many at once are no way around.
        if (wrong.add(request.ip) > wrongNotificationsPerMinute) throw new GatewayError('too_many_requests');
        if (!Buffer.isBuffer(request.body)) throw new GatewayError('invalid_request', 'There is no body');
        try {
          const told = provider.verifyNotification(request.body, request.headers);
          wrong.takeBack(request.ip);
          await notifications.take({ ...told, provider: provider.name, source: 'notification' });
          return reply.type(provider.answers.taken.type).serializer(String).send(provider.answers.taken.body);
        } catch (error) {
          if (!(error instanceof ForgedNotification)) throw error;
          notifications.refused(provider.name);
          const detail = `${provider.name}: ${error.message}`;
          security.record({ kind: 'forged_notification', terminalId: null, address: request.ip, detail });
          log.warn({ provider: provider.name, why: error.message }, 'payments: a notification is not the provider’s');
          const { type, body } = provider.answers.refused;
          return reply.code(400).type(type).serializer(String).send(body);
        }
      },
    );
  };

export const paymentNotificationRoutes =
  (parts: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    await app.register(received(parts));

    app.get(
      '/payment-notifications',
      {
        config: { roles: ['admin', 'company'] },
        schema: {
          tags: ['payments'],
          description:
            'What providers told. With `state=held`: what does not fit, was not credited, and waits for people; `resolved`: what they did about it.',
          querystring: paymentNotificationQuery,
          response: { 200: paymentNotificationPage },
        },
      },
      async (request) => {
        const page = await parts.collection.notifications.list(callerOf(request), request.query);
        return { ...page, items: page.items.map(notificationView) };
      },
    );

    app.post(
      '/payment-notifications/:id/resolve',
      {
        config: { roles: ['admin', 'company'] },
        schema: {
          tags: ['payments'],
          description:
            'Says what was done about a held notification, once: it waits no more. No money moves by it; adjust or refund where that is due.',
          params: idParam,
          body: explanation,
          response: { 200: paymentNotification },
        },
      },
      async (request) => {
        const { notifications } = parts.collection;
        const caller = callerOf(request);
        const resolution = request.body.reason;
        const resolved = await parts.db.transaction().execute(async (transaction) => {
          const row = await notifications.resolve(transaction, caller, request.params.id, resolution);
          const { id: subject, companyId, provider, orderId, amountFen, reason: why } = row;
          const detail = { provider, orderId, amountFen, why, reason: resolution };
          const entry = { actor: caller.name, action: 'notification_resolved', subject, companyId, detail } as const;
          await parts.audit.record(transaction, entry);
          return row;
        });
        await notifications.recount();
        return notificationView(resolved);
      },
    );
  };
