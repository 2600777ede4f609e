import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { AuditAction } from '../../db/schema-audit.ts';
import { type Fen, fromFen, toFen } from '../../lib/money.ts';
import { bookOnce, clerk, payOnce } from '../booking.ts';
import { type Booked, booked, payment } from '../schemas/billing.ts';
import { idempotencyHeaders, idParam } from '../schemas/common.ts';
import { depositOffset, depositRefund, newDeposit } from '../schemas/deposits.ts';
import type { HttpParts } from '../server.ts';
import { auditOfPayment, paymentView } from '../views-billing.ts';

/** Deposits: received, offset against what is owed, given back. */
export const depositRoutes =
  (parts: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const { deposits } = parts.billing;
    const fen = (amount: number | undefined) => (amount === undefined ? undefined : toFen(amount));
    const bookedView = ({ id, amountFen }: { id: string; amountFen: Fen }): Booked => ({
      transferId: id,
      amountFen: fromFen(amountFen),
    });
    const auditOf = (action: AuditAction, { transferId, amountFen }: Booked, detail: object) => ({
      action,
      subject: transferId,
      detail: { amountFen, ...detail },
    });

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
        const paid = await bookOnce(parts, request, {
          run: (transaction, household, act) =>
            deposits.receive(transaction, household, { ...rest, amountFen: fen(amountFen) }, act),
          audit: auditOfPayment('deposit_received'),
        });
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
        const taken = await payOnce(parts, request, {
          run: async (transaction, household, act) =>
            bookedView(await deposits.offset(transaction, household, fen(amountFen), { ...act, reason })),
          audit: (booking) => auditOf('deposit_offset', booking, { reason: reason ?? null }),
        });
        return reply.code(201).send(taken);
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
        const asked = { ...rest, amountFen: fen(amountFen) };
        const given = await bookOnce(parts, request, {
          run: async (transaction, household, act) =>
            bookedView(await deposits.refund(transaction, household, asked, { ...act, reason })),
          audit: (booking) => auditOf('deposit_refunded', booking, { ...rest, reason }),
        });
        return reply.code(201).send(given);
      },
    );
  };
