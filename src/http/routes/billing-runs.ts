import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Caller } from '../../areas/scope.ts';
import { answerOnce } from '../../db/answers.ts';
import type { BillingRunRow } from '../../db/schema-bills.ts';
import { GatewayError } from '../../lib/errors.ts';
import { callerOf, idempotencyKeyOf } from '../auth.ts';
import { billingRunView } from '../bill-views.ts';
import {
  billingRun,
  billingRunPage,
  billingRunQuery,
  billingTroublePage,
  billingTroubleQuery,
  newBillingRun,
} from '../schemas/bills.ts';
import { idempotencyHeaders, idParam } from '../schemas/common.ts';
import type { HttpParts } from '../server.ts';

/** Billing runs: what is made for all households of a company, with its progress and what could not be billed. */
export const billingRunRoutes =
  ({ companies, invoicing, db, clock, audit }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const tags = ['bills'];
    const config = { roles: ['admin', 'company'] } as const;
    const { runs } = invoicing;

    async function visibleRun(caller: Caller, id: string): Promise<BillingRunRow> {
      const run = await runs.get(id);
      if (caller.role === 'company' && run.companyId !== caller.companyId) throw new GatewayError('not_found');
      return run;
    }

    app.post(
      '/billing-runs',
      {
        config,
        schema: {
          tags,
          description: 'Bills a period for all households of a company. What is billed already stays as it is.',
          headers: idempotencyHeaders,
          body: newBillingRun,
          response: { 202: billingRun },
        },
      },
      async (request, reply) => {
        const caller = callerOf(request);
        const key = idempotencyKeyOf(request);
        const { companyId, ...asked } = request.body;
        const wanted = companyId ?? caller.companyId;
        if (!wanted) throw new GatewayError('invalid_request', 'companyId is missing');
        const company = await companies.get(caller, wanted);
        const once = { caller: caller.id, key, body: { run: request.body }, now: clock.now() };
        const { answer, first } = await answerOnce(db, once, async (transaction) => {
          const run = await runs.add(transaction, company, { ...asked, by: caller.name });
          const entry = { actor: caller.name, action: 'billing_run_added', subject: run.id } as const;
          await audit.record(transaction, { ...entry, companyId: company.id, detail: asked });
          return run;
        });
        if (first) runs.begin(answer.id, company);
        return reply
          .code(202)
          .header('location', `/api/v1/billing-runs/${answer.id}`)
          .send(billingRunView(await runs.get(answer.id)));
      },
    );

    app.get(
      '/billing-runs',
      { config, schema: { tags, querystring: billingRunQuery, response: { 200: billingRunPage } } },
      async (request) => {
        const { role, companyId } = callerOf(request);
        const page = await runs.list(role === 'company' ? (companyId ?? '') : undefined, request.query);
        return { ...page, items: page.items.map(billingRunView) };
      },
    );

    app.get(
      '/billing-runs/:id',
      { config, schema: { tags, params: idParam, response: { 200: billingRun } } },
      async (request) => billingRunView(await visibleRun(callerOf(request), request.params.id)),
    );

    app.get(
      '/billing-runs/:id/troubles',
      {
        config,
        schema: {
          tags,
          description: 'Households that could not be billed, and why.',
          params: idParam,
          querystring: billingTroubleQuery,
          response: { 200: billingTroublePage },
        },
      },
      async (request) => {
        const { id } = await visibleRun(callerOf(request), request.params.id);
        const page = await runs.troubles(id, request.query);
        return { ...page, items: page.items.map(({ name, runId: _, ...row }) => ({ ...row, householdName: name })) };
      },
    );

    app.post(
      '/billing-runs/:id/cancel',
      {
        config,
        schema: {
          tags,
          description: 'Ends a run. What it billed stays.',
          params: idParam,
          response: { 200: billingRun },
        },
      },
      async (request) => {
        const { id } = await visibleRun(callerOf(request), request.params.id);
        return billingRunView(await runs.cancel(id));
      },
    );
  };
