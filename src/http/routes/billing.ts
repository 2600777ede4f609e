import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { householdAccount } from '../../billing/accounts.ts';
import { fromFen, toFen } from '../../lib/money.ts';
import { callerOf } from '../auth.ts';
import { bookOnce, clerk, payOnce } from '../booking.ts';
import {
  account,
  adjustment,
  booked,
  householdUsage,
  ledgerPage,
  ledgerQuery,
  newPayment,
  payment,
  paymentPage,
  paymentParams,
  paymentQuery,
  receipt,
  reversal,
} from '../schemas/billing.ts';
import { idempotencyHeaders, idParam } from '../schemas/common.ts';
import { usageQuery } from '../schemas/readings.ts';
import type { HttpParts } from '../server.ts';
import { counterUsage } from '../usage.ts';
import { auditOfPayment, ledgerEntryView, paymentView, receiptView } from '../views-billing.ts';

/** What a household has paid and used. */
export const billingRoutes =
  (parts: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const { households, companies, registry } = parts;
    const { payments, deposits, adjustments, ledger } = parts.billing;

    app.get(
      '/households/:id/account',
      { schema: { tags: ['payments'], params: idParam, response: { 200: account } } },
      async (request) => {
        const household = await households.get(callerOf(request), request.params.id);
        const [heating, subsidy, deposit] = await Promise.all([
          ledger.balance(householdAccount(household, 'heating')),
          ledger.balance(householdAccount(household, 'subsidy')),
          deposits.of(household),
        ]);
        return {
          householdId: household.id,
          accountNo: household.accountNo,
          balanceFen: fromFen(heating.postedFen),
          pendingFen: fromFen(heating.pendingInFen - heating.pendingOutFen),
          subsidyFen: fromFen(subsidy.postedFen),
          depositFen: fromFen(deposit.heldFen),
          depositDueFen: fromFen(deposit.dueFen),
        };
      },
    );

    app.get(
      '/households/:id/ledger',
      {
        schema: {
          tags: ['payments'],
          description: 'Every line of one of the household’s accounts, the newest first, with the balance after it.',
          params: idParam,
          querystring: ledgerQuery,
          response: { 200: ledgerPage },
        },
      },
      async (request) => {
        const household = await households.get(callerOf(request), request.params.id);
        const { account: kind, ...asked } = request.query;
        const page = await ledger.entriesOf(householdAccount(household, kind), asked);
        return { ...page, items: page.items.map(ledgerEntryView) };
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
        const { amountFen, ...rest } = request.body;
        const paid = await payOnce(parts, request, {
          run: (transaction, household, act) =>
            payments.record(transaction, household, { ...rest, amountFen: toFen(amountFen) }, act),
          audit: auditOfPayment('payment_received'),
        });
        return reply.code(201).send(paymentView(paid));
      },
    );

    app.post(
      '/households/:id/payments/:paymentId/reverse',
      {
        config: clerk,
        schema: {
          tags: ['payments'],
          description: 'Takes a payment at the counter back, once: the money is given back, or was never there.',
          params: paymentParams,
          headers: idempotencyHeaders,
          body: reversal,
          response: { 200: payment },
        },
      },
      async (request) => {
        const reversed = await bookOnce(parts, request, {
          run: (transaction, household, act) =>
            payments.reverse(transaction, household, request.params.paymentId, { ...act, ...request.body }),
          audit: auditOfPayment('payment_reversed'),
        });
        return paymentView(reversed);
      },
    );

    app.get(
      '/payments/:id/receipt',
      { schema: { tags: ['payments'], params: idParam, response: { 200: receipt } } },
      async (request) => {
        const paid = await payments.find(request.params.id);
        const household = await households.get(callerOf(request), paid.householdId);
        return receiptView(paid, household, await companies.nameOf(paid.companyId));
      },
    );

    app.post(
      '/households/:id/adjustments',
      {
        config: clerk,
        schema: {
          tags: ['payments'],
          description:
            'Forgives the household an amount, or asks for it when it is below zero. What a company may at once is limited by `billing.adjustmentFen`.',
          params: idParam,
          headers: idempotencyHeaders,
          body: adjustment,
          response: { 201: booked },
        },
      },
      async (request, reply) => {
        const caller = callerOf(request);
        const { amountFen, reason, evidence } = request.body;
        const book = amountFen > 0 ? payOnce : bookOnce;
        const posted = await book(parts, request, {
          run: (transaction, payer, act) =>
            adjustments.adjust(
              transaction,
              { caller, payer, amountFen: toFen(amountFen), evidence },
              { ...act, reason },
            ),
          audit: ({ id }) => ({
            action: 'adjustment_booked',
            subject: id,
            detail: { amountFen, reason, evidence: evidence ?? null },
          }),
        });
        return reply.code(201).send({ transferId: posted.id, amountFen });
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
