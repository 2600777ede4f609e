import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { answerOnce } from '../../db/answers.ts';
import { rfc3339 } from '../../lib/calendar.ts';
import { fromFen, toFen } from '../../lib/money.ts';
import { callerOf, idempotencyKeyOf } from '../auth.ts';
import { account, householdUsage, newPayment, payment, paymentPage, paymentQuery } from '../schemas/billing.ts';
import { idempotencyHeaders, idParam, pageQuery } from '../schemas/common.ts';
import {
  company,
  companyPage,
  household,
  householdPage,
  householdQuery,
  newCompany,
  newHousehold,
} from '../schemas/people.ts';
import { usageQuery } from '../schemas/readings.ts';
import type { HttpParts } from '../server.ts';
import { counterUsage } from '../usage.ts';
import { householdView, paymentView } from '../views.ts';

/** Companies, households, and what a household has paid and used. */
export const householdRoutes =
  (parts: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const { db, clock, companies, households, payments, registry } = parts;
    const clerk = { roles: ['admin', 'company'] } as const;
    const staff = { roles: ['admin', 'operator', 'company'] } as const;

    app.get(
      '/companies',
      {
        config: staff,
        schema: { tags: ['households'], querystring: z.strictObject(pageQuery('co')), response: { 200: companyPage } },
      },
      async (request) => {
        const page = await companies.list(callerOf(request), request.query);
        return { ...page, items: page.items.map((row) => ({ ...row, createdAt: rfc3339(row.createdAt) })) };
      },
    );

    app.post(
      '/companies',
      { config: { roles: ['admin'] }, schema: { tags: ['households'], body: newCompany, response: { 201: company } } },
      async (request, reply) => {
        const row = await companies.create(request.body.name);
        return reply.code(201).send({ ...row, createdAt: rfc3339(row.createdAt) });
      },
    );

    app.get(
      '/companies/:id',
      { config: staff, schema: { tags: ['households'], params: idParam, response: { 200: company } } },
      async (request) => {
        const row = await companies.get(callerOf(request), request.params.id);
        return { ...row, createdAt: rfc3339(row.createdAt) };
      },
    );

    app.get(
      '/households',
      { schema: { tags: ['households'], querystring: householdQuery, response: { 200: householdPage } } },
      async (request) => {
        const page = await households.list(callerOf(request), request.query);
        return { ...page, items: page.items.map(householdView) };
      },
    );

    app.post(
      '/households',
      { config: clerk, schema: { tags: ['households'], body: newHousehold, response: { 201: household } } },
      async (request, reply) =>
        reply.code(201).send(householdView(await households.create(callerOf(request), request.body))),
    );

    app.get(
      '/households/:id',
      { schema: { tags: ['households'], params: idParam, response: { 200: household } } },
      async (request) => householdView(await households.get(callerOf(request), request.params.id)),
    );

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
