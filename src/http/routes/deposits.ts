import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { fromFen, toFen } from '../../lib/money.ts';
import { callerOf } from '../auth.ts';
import { bookOnce, clerk, payOnce } from '../booking.ts';
import { booked, payment } from '../schemas/billing.ts';
import { idempotencyHeaders, idParam } from '../schemas/common.ts';
import { depositOffset, depositRefund, depositReport, newDeposit } from '../schemas/deposits.ts';
import { depositReportQuery } from '../schemas/reports.ts';
import type { HttpParts } from '../server.ts';
import { depositStatementView, paymentView } from '../views-billing.ts';

/** Deposits: received, offset against what is owed, given back; and the statement of all. */
export const depositRoutes =
  (parts: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const { deposits } = parts.billing;
    const fen = (amount: number | undefined) => (amount === undefined ? undefined : toFen(amount));

    app.post(
      '/households/:id/deposit/receive',
      {
        config: clerk,
        schema: {
          tags: ['deposits'],
          description:
            'Records a deposit received at the counter: what is due, or a part of it. It has a receipt as any payment.',
          params: idParam,
          headers: idempotencyHeaders,
          body: newDeposit,
          response: { 201: payment },
        },
      },
      async (request, reply) => {
        const { amountFen, ...rest } = request.body;
        const paid = await bookOnce(parts, request, (transaction, household, act) =>
          deposits.receive(transaction, household, { ...rest, amountFen: fen(amountFen) }, act),
        );
        return reply.code(201).send(paymentView(paid));
      },
    );

    app.post(
      '/households/:id/deposit/offset',
      {
        config: clerk,
        schema: {
          tags: ['deposits'],
          description: 'Pays with the deposit what the household owes: all of it, or the amount that is given.',
          params: idParam,
          headers: idempotencyHeaders,
          body: depositOffset,
          response: { 201: booked },
        },
      },
      async (request, reply) => {
        const { amountFen, reason } = request.body;
        const { id, taken } = await payOnce(parts, request, async (transaction, household, act) => {
          const posted = await deposits.offset(transaction, household, fen(amountFen), { ...act, reason });
          return { id: posted.id, taken: fromFen(posted.amountFen) };
        });
        return reply.code(201).send({ transferId: id, amountFen: taken });
      },
    );

    app.post(
      '/households/:id/deposit/refund',
      {
        config: clerk,
        schema: {
          tags: ['deposits'],
          description:
            'Gives the deposit back at the counter: all of it, or a part. What the household owes must be paid or offset first.',
          params: idParam,
          headers: idempotencyHeaders,
          body: depositRefund,
          response: { 201: booked },
        },
      },
      async (request, reply) => {
        const { amountFen, reason, ...rest } = request.body;
        const { id, given } = await bookOnce(parts, request, async (transaction, household, act) => {
          const asked = { ...rest, amountFen: fen(amountFen) };
          const posted = await deposits.refund(transaction, household, asked, { ...act, reason });
          return { id: posted.id, given: fromFen(posted.amountFen) };
        });
        return reply.code(201).send({ transferId: id, amountFen: given });
      },
    );

    app.get(
      '/reports/deposits',
      {
        config: { roles: ['admin', 'operator', 'company'] },
        schema: {
          tags: ['deposits'],
          description:
            'By company and county: deposits held at the beginning, what moved, and what is held at the end.',
          querystring: depositReportQuery,
          response: { 200: depositReport },
        },
      },
      async (request) => {
        const statements = await deposits.statement(callerOf(request), request.query);
        return { items: statements.map(depositStatementView) };
      },
    );
  };
