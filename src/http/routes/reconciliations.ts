import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { callerOf } from '../auth.ts';
import { differenceView, reconciliationView } from '../payment-views.ts';
import {
  difference,
  differencePage,
  differenceParam,
  differenceQuery,
  explanation,
  newReconciliation,
  reconciliation,
  reconciliationPage,
  reconciliationQuery,
} from '../schemas/payment-orders.ts';
import type { HttpParts } from '../server.ts';

/** 对账: providers' statements beside our orders. A provider's account may hold the money of several companies, so its sums are the admin's. */
export const reconciliationRoutes =
  (parts: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const { reconciliation: found, differences } = parts.collection;
    const tags = ['payments'];
    const admin = { roles: ['admin'] } as const;
    const books = { roles: ['admin', 'company'] } as const;

    app.post(
      '/reconciliations',
      {
        config: admin,
        schema: {
          tags,
          description: 'Fetches the statement of a day that is over and compares it, again if need be.',
          body: newReconciliation,
          response: { 201: reconciliation },
        },
      },
      async (request, reply) => {
        const { provider, date } = request.body;
        return reply.code(201).send(reconciliationView(await found.reconcile(provider, date)));
      },
    );

    app.get(
      '/reconciliations',
      { config: admin, schema: { tags, querystring: reconciliationQuery, response: { 200: reconciliationPage } } },
      async (request) => {
        const page = await found.list(request.query);
        return { ...page, items: page.items.map(reconciliationView) };
      },
    );

    app.get(
      '/reconciliations/differences',
      {
        config: books,
        schema: {
          tags,
          description: 'What differs between providers’ statements and our orders; a company sees its own orders.',
          querystring: differenceQuery,
          response: { 200: differencePage },
        },
      },
      async (request) => {
        const page = await differences.list(callerOf(request), request.query);
        return { ...page, items: page.items.map(differenceView) };
      },
    );

    app.post(
      '/reconciliations/:date/differences/:id/explain',
      {
        config: books,
        schema: { tags, params: differenceParam, body: explanation, response: { 200: difference } },
      },
      async (request) => {
        const caller = callerOf(request);
        const { reason } = request.body;
        const explained = await parts.db.transaction().execute(async (transaction) => {
          const row = await differences.explain(transaction, caller, { ...request.params, reason });
          const { id: subject, companyId, provider, date, kind, orderId } = row;
          const detail = { provider, date, kind, orderId, reason };
          const entry = { actor: caller.name, action: 'difference_explained', subject, companyId, detail } as const;
          await parts.audit.record(transaction, entry);
          return row;
        });
        await differences.recount();
        return differenceView(explained);
      },
    );
  };
