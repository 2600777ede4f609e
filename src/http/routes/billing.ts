import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { householdAccount } from '../../billing/accounts.ts';
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
    const { payments, ledger, paid } = parts.billing;
    const clerk = { roles: ['admin', 'company'] } as const;

    app.get(
      '/households/:id/account',
      { schema: { tags: ['payments'], params: idParam, response: { 200: account } } },
      async (request) => {
        const household = await households.get(callerOf(request), request.params.id);
        const [heating, deposit, subsidy] = await Promise.all([
          ledger.balance(householdAccount(household, 'heating')),
          ledger.balance(householdAccount(household, 'deposit')),
          ledger.balance(householdAccount(household, 'subsidy')),
        ]);
        return {
          householdId: household.id,
          accountNo: household.accountNo,
          balanceFen: fromFen(heating.postedFen),
          depositFen: fromFen(deposit.postedFen),
          subsidyFen: fromFen(subsidy.postedFen),
          pendingFen: fromFen(heating.pendingInFen - heating.pendingOutFen),
        };
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
        const household = await households.get(caller, request.params.id);
        const { amountFen, ...rest } = request.body;
        const now = clock.now();
        const { answer, first } = await answerOnce(
          db,
          { caller: caller.id, key, body: { payment: request.body, id: household.id }, now },
          (transaction) =>
            payments.record(
              transaction,
              household,
              { ...rest, amountFen: toFen(amountFen) },
              { at: now, by: caller.name },
            ),
        );
        if (first) await paid(household.id);
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
