import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { answerOnce } from '../../db/answers.ts';
import { fromFen, toFen } from '../../lib/money.ts';
import { callerOf, idempotencyKeyOf } from '../auth.ts';
import { account, householdUsage, newPayment, payment, paymentPage, paymentQuery } from '../schemas/billing.ts';
import { idempotencyHeaders, idParam } from '../schemas/common.ts';
import { usageQuery } from '../schemas/readings.ts';
import type { HttpParts } from '../server.ts';
import { counterUsage } from '../usage.ts';
import { paymentView } from '../views.ts';

/** What a household has paid and used. */
export const billingRoutes =
  (parts: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const { db, clock, households, registry } = parts;
    const { payments } = parts.billing;
    const clerk = { roles: ['admin', 'company'] } as const;

    app.get(
      '/households/:id/account',
      { schema: { tags: ['payments'], params: idParam, response: { 200: account } } },
      async (request) => {
        const { id, accountNo } = await households.get(callerOf(request), request.params.id);
        return { householdId: id, accountNo, balanceFen: fromFen(await payments.balance(id)), depositFen: 0 };
      },
    );

    app.get(
      '/households/:id/payments',
      { schema: { tags: ['payments'], params: idParam, querystring: paymentQuery, response: { 200: paymentPage } } },
      async (request) => {
        const { id } = await households.get(callerOf(request), request.params.id);
        const page = await payments.list(id, request.query);
        return { ...page, items: page.items.map(paymentView) };
      },
    );

    app.post(
      '/households/:id/payments',
      {
        config: clerk,
        schema: {
          tags: ['payments'],
          description: 'Records money received at the counter.',
          params: idParam,
          headers: idempotencyHeaders,
          body: newPayment,
          response: { 201: payment },
        },
      },
      async (request, reply) => {
        const caller = callerOf(request);
        const key = idempotencyKeyOf(request);
        const { id } = await households.get(caller, request.params.id);
        const { amountFen, method, reference } = request.body;
        const { answer } = await answerOnce(
          db,
          { caller: caller.id, key, body: { payment: request.body, id }, now: clock.now() },
          (transaction) => payments.record(transaction, caller, id, { amountFen: toFen(amountFen), method, reference }),
        );
        return reply.code(201).send(paymentView(answer));
      },
    );

    app.get(
      '/households/:id/usage',
      { schema: { tags: ['payments'], params: idParam, querystring: usageQuery, response: { 200: householdUsage } } },
      async (request) => {
        const caller = callerOf(request);
        const { id } = await households.get(caller, request.params.id);
        const { items: terminals } = registry.list(caller, { householdId: id, limit: 100 });
        const all = await Promise.all(
          terminals.map((terminal) =>
            // What was used where the terminal stood before is not this household's.
            counterUsage(parts, terminal, request.query, terminal.householdSince ?? Number.NEGATIVE_INFINITY),
          ),
        );
        return { items: all.flat() };
      },
    );
  };
