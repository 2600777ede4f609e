import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { answerOnce } from '../../db/answers.ts';
import { GatewayError } from '../../lib/errors.ts';
import { toFen } from '../../lib/money.ts';
import { callerOf, idempotencyKeyOf } from '../auth.ts';
import { orderSummaryView, orderView } from '../payment-views.ts';
import { idempotencyHeaders, idParam } from '../schemas/common.ts';
import {
  newPaymentOrder,
  newRefund,
  type PaymentOrder,
  paymentOrder,
  paymentOrderPage,
  paymentOrderQuery,
  paymentProviders,
} from '../schemas/payment-orders.ts';
import type { HttpParts } from '../server.ts';

/** Orders that are paid by scanning a QR code. */
export const paymentOrderRoutes =
  (parts: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const { db, clock, log, households } = parts;
    const { providers, orders } = parts.collection;
    const tags = ['payments'];
    const clerk = { roles: ['admin', 'company'] } as const;
    const payer = { roles: ['admin', 'company', 'resident'] } as const;

    async function shown(id: string): Promise<PaymentOrder> {
      const [order, refunds] = await Promise.all([orders.byId(id), orders.refunds(id)]);
      return orderView(order, refunds);
    }

    app.get(
      '/payment-providers',
      {
        schema: {
          tags,
          description: 'The payment providers that are set up here.',
          response: { 200: paymentProviders },
        },
      },
      async () => ({ items: providers.names().map((name) => ({ name, sandbox: name === 'sandbox' })) }),
    );

    app.post(
      '/households/:id/payment-orders',
      {
        config: payer,
        schema: {
          tags,
          description:
            'Makes an order at a provider; `codeUrl` is the text of its QR code. Where the provider did not answer (503), the same key tries again.',
          params: idParam,
          headers: idempotencyHeaders,
          body: newPaymentOrder,
          response: { 201: paymentOrder },
        },
      },
      async (request, reply) => {
        const caller = callerOf(request);
        const key = idempotencyKeyOf(request);
        const household = await households.get(caller, request.params.id);
        const { amountFen, ...rest } = request.body;
        const { answer: id } = await answerOnce(
          db,
          { caller: caller.id, key, body: { order: request.body, id: household.id }, now: clock.now() },
          (transaction) => orders.create(transaction, caller, household, { amountFen: toFen(amountFen), ...rest }),
        );
        await orders.withCode(id);
        return reply.code(201).send(await shown(id));
      },
    );

    app.get(
      '/households/:id/payment-orders',
      { schema: { tags, params: idParam, querystring: paymentOrderQuery, response: { 200: paymentOrderPage } } },
      async (request) => {
        const { id } = await households.get(callerOf(request), request.params.id);
        const page = await orders.list(id, request.query);
        return { ...page, items: page.items.map(orderSummaryView) };
      },
    );

    app.get(
      '/payment-orders/:id',
      { schema: { tags, params: idParam, response: { 200: paymentOrder } } },
      async (request) => {
        const { id } = await orders.get(callerOf(request), request.params.id);
        return shown(id);
      },
    );

    app.post(
      '/payment-orders/:id/close',
      {
        config: payer,
        schema: {
          tags,
          description: 'Nobody can pay it afterwards. Asks the provider first: what was paid just now stays paid.',
          params: idParam,
          response: { 200: paymentOrder },
        },
      },
      async (request) => {
        const order = await orders.get(callerOf(request), request.params.id);
        if (order.state !== 'open') throw new GatewayError('wrong_state', 'Only an open order can be closed');
        await orders.close(order);
        return shown(order.id);
      },
    );

    app.post(
      '/payment-orders/:id/refund',
      {
        config: clerk,
        schema: {
          tags,
          description: 'Gives back a part or all. The refund may still be `pending` in the answer; it is followed up.',
          params: idParam,
          headers: idempotencyHeaders,
          body: newRefund,
          response: { 201: paymentOrder },
        },
      },
      async (request, reply) => {
        const caller = callerOf(request);
        const key = idempotencyKeyOf(request);
        const { id } = await orders.get(caller, request.params.id);
        const { amountFen, reason } = request.body;
        const { answer: refundId } = await answerOnce(
          db,
          { caller: caller.id, key, body: { refund: request.body, id }, now: clock.now() },
          (transaction) => orders.beginRefund(transaction, caller, id, { amountFen: toFen(amountFen), reason }),
        );
        const refund = (await orders.refunds(id)).find((one) => one.id === refundId);
        try {
          if (refund?.state === 'pending') await orders.pursue(await orders.byId(id), refund);
        } catch (error) {
          // The row is there, so the provider is asked again by the clock.
          if (!(error instanceof GatewayError)) throw error;
          log.warn({ orderId: id, refundId, why: error.message }, 'payments: a refund waits for its provider');
        }
        return reply.code(201).send(await shown(id));
      },
    );

    app.post(
      '/payment-orders/:id/sandbox-pay',
      {
        config: payer,
        schema: {
          tags,
          description: 'Plays who pays an order of the provider `sandbox`, which then sends its signed notification.',
          params: idParam,
          response: { 200: paymentOrder },
        },
      },
      async (request) => {
        const order = await orders.get(callerOf(request), request.params.id);
        if (!providers.sandbox || order.provider !== 'sandbox') throw new GatewayError('provider_off');
        const { localAddress = '', localPort } = request.socket;
        const host = localAddress.includes(':') ? `[${localAddress}]` : localAddress;
        await providers.sandbox.pay(order.id, `http://${host}:${localPort}`);
        return shown(order.id);
      },
    );
  };
