import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Caller } from '../../areas/scope.ts';
import type { ShownBill } from '../../billing/bills.ts';
import { givesBack } from '../../billing/issue-bills.ts';
import { answerOnce } from '../../db/answers.ts';
import { callerOf, idempotencyKeyOf } from '../auth.ts';
import { auditOfBill, billLinesView, billUsageView, billView } from '../bill-views.ts';
import { bill, billPage, billQuery, fullBill, givenReason, householdBillQuery } from '../schemas/bills.ts';
import { idempotencyHeaders, idParam } from '../schemas/common.ts';
import type { HttpParts } from '../server.ts';

/** Bills: what was used, by which price, line by line. */
export const billRoutes =
  ({ households, invoicing, billing, db, clock, audit }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const tags = ['bills'];
    const clerk = { roles: ['admin', 'company'] } as const;
    const { bills, tariffs } = invoicing;

    app.get(
      '/households/:id/bills',
      { schema: { tags, params: idParam, querystring: householdBillQuery, response: { 200: billPage } } },
      async (request) => {
        const caller = callerOf(request);
        const { id } = await households.get(caller, request.params.id);
        const page = await bills.list(caller, { ...request.query, householdId: id });
        return { ...page, items: page.items.map(billView) };
      },
    );

    app.get(
      '/bills',
      {
        config: { roles: ['admin', 'operator', 'company'] },
        schema: { tags, querystring: billQuery, response: { 200: billPage } },
      },
      async (request) => {
        const { late, ...query } = request.query;
        const page = await bills.list(callerOf(request), { ...query, late: late === 'true' });
        return { ...page, items: page.items.map(billView) };
      },
    );

    async function inFull(caller: Caller, row: ShownBill) {
      const lines = billLinesView(row.lines);
      const titles = [...new Set(lines.map(({ tariff }) => tariff))].flatMap((name) => {
        const title = tariffs.get(name)?.title;
        return title ? [[name, title] as const] : [];
      });
      const before = row.replaces === null ? undefined : await bills.get(caller, row.replaces).catch(() => undefined);
      const shown = billView(row);
      const beforeFen = before ? before.chargeFen - before.subsidyFen : 0;
      return {
        ...shown,
        lines,
        tariffs: Object.fromEntries(titles),
        usage: billUsageView(await bills.usageOf(row.id)),
        replacedBy: (await bills.replacementOf(row.id))?.id ?? null,
        before: before ? { id: before.id, totalFen: beforeFen, differenceFen: shown.totalFen - beforeFen } : null,
      };
    }

    app.get(
      '/bills/:id',
      {
        schema: {
          tags,
          description: 'A bill with its lines, which explain it, and the use of each day.',
          params: idParam,
          response: { 200: fullBill },
        },
      },
      async (request) => {
        const caller = callerOf(request);
        return inFull(caller, await bills.get(caller, request.params.id));
      },
    );

    app.post(
      '/bills/:id/release',
      {
        config: clerk,
        schema: {
          tags,
          description: 'Issues a bill that was held for its estimated or missing days, as it is.',
          params: idParam,
          headers: idempotencyHeaders,
          body: givenReason,
          response: { 200: bill },
        },
      },
      async (request) => {
        const caller = callerOf(request);
        const key = idempotencyKeyOf(request);
        const { id } = await bills.get(caller, request.params.id);
        const body = { release: request.body, id };
        const once = { caller: caller.id, key, body, now: clock.now() };
        const { reason } = request.body;
        const { answer, first } = await answerOnce(db, once, async (transaction) => {
          const released = await bills.release(transaction, caller, id, reason);
          await audit.record(transaction, auditOfBill('bill_released', released, caller.name, reason));
          return released;
        });
        if (first && givesBack(answer)) await billing.paid(answer.householdId);
        return billView(await bills.get(caller, id));
      },
    );

    app.post(
      '/bills/:id/rebill',
      {
        config: clerk,
        schema: {
          tags,
          description: 'Makes a new bill in its place, from what is known now. The ledger gets the difference.',
          params: idParam,
          headers: idempotencyHeaders,
          body: givenReason,
          response: { 201: bill },
        },
      },
      async (request, reply) => {
        const caller = callerOf(request);
        const key = idempotencyKeyOf(request);
        const before = await bills.get(caller, request.params.id);
        const now = await bills.madeAnew(before);
        const body = { rebill: request.body, id: before.id };
        const once = { caller: caller.id, key, body, now: clock.now() };
        const { reason } = request.body;
        const { answer, first } = await answerOnce(db, once, async (transaction) => {
          const made = await bills.rebill(transaction, caller, before, now, reason);
          await audit.record(transaction, auditOfBill('bill_replaced', made, caller.name, reason));
          return made;
        });
        if (first && givesBack(answer)) await billing.paid(answer.householdId);
        return reply.code(201).send(billView(await bills.get(caller, answer.id)));
      },
    );
  };
