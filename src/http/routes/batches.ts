import { Readable } from 'node:stream';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Caller } from '../../areas/scope.ts';
import { type BatchRequest, summaryOf } from '../../commands/batch-plan.ts';
import type { Batch } from '../../commands/batch-rows.ts';
import { codesOf } from '../../commands/rules.ts';
import { answerBefore, answerOnce } from '../../db/answers.ts';
import { rfc3339 } from '../../lib/calendar.ts';
import { callerOf, idempotencyKeyOf } from '../auth.ts';
import {
  batchDecision,
  batchItemPage,
  batchItemQuery,
  batchPage,
  batchPreview,
  batchQuery,
  batch as batchSchema,
  newBatch,
} from '../schemas/batches.ts';
import { idempotencyHeaders, idParam } from '../schemas/common.ts';
import type { HttpParts } from '../server.ts';
import { batchItemView, batchView } from '../views.ts';

/** One command for many terminals: what it would do, its life, and what became of each. */

const tags = ['commands'];
const CSV_PAGE = 1_000;

export const batchRoutes =
  ({ db, clock, control }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const { batches } = control;
    const switcher = { roles: ['admin', 'company'] } as const;
    const watcher = { roles: ['admin', 'company', 'operator'] } as const;

    async function make(caller: Caller, asked: BatchRequest, asking: Parameters<typeof answerOnce>[1]): Promise<Batch> {
      const plan = await batches.plan(caller, asked, 'batch');
      const { answer, first } = await answerOnce(db, asking, (transaction) =>
        batches.create(transaction, caller, asked, plan),
      );
      if (first) batches.announce(answer);
      return answer;
    }

    app.post(
      '/command-batches',
      {
        config: switcher,
        schema: {
          tags,
          description:
            'Asks for one command for the terminals of an area or of a list. With `dryRun`, 200 says what would happen and nothing is kept. Otherwise the list is fixed: it is rolled out by and by, or `held` until a second person allows it.',
          headers: idempotencyHeaders,
          body: newBatch,
          response: { 200: batchPreview, 202: batchSchema },
        },
      },
      async (request, reply) => {
        const caller = callerOf(request);
        const key = idempotencyKeyOf(request);
        const { dryRun, ...asked } = request.body;
        if (dryRun) {
          const { items, decision, homes, policyVersion } = await batches.preview(caller, asked);
          return { dryRun, decision, total: items.length, homes, policyVersion, ...summaryOf(items) };
        }
        const asking = { caller: caller.id, key, body: { batch: asked }, now: clock.now() };
        const made = (await answerBefore<Batch>(db, asking)) ?? (await make(caller, asked, asking));
        reply.header('location', `/api/v1/command-batches/${made.id}`);
        return reply.code(202).send(batchView(made));
      },
    );

    app.get(
      '/command-batches',
      { config: watcher, schema: { tags, querystring: batchQuery, response: { 200: batchPage } } },
      async (request) => {
        const page = await batches.list(callerOf(request), request.query);
        return { ...page, items: page.items.map(batchView) };
      },
    );

    app.get(
      '/command-batches/:id',
      { config: watcher, schema: { tags, params: idParam, response: { 200: batchSchema } } },
      async (request) => batchView(await batches.get(callerOf(request), request.params.id)),
    );

    app.get(
      '/command-batches/:id/items',
      {
        config: watcher,
        schema: { tags, params: idParam, querystring: batchItemQuery, response: { 200: batchItemPage } },
      },
      async (request) => {
        const { id } = await batches.get(callerOf(request), request.params.id);
        const page = await batches.items(id, request.query);
        return { ...page, items: page.items.map(batchItemView) };
      },
    );

    async function* linesOf(id: string): AsyncGenerator<string> {
      yield '\uFEFFterminal,area,household,state,turn,command,rules\r\n';
      for (let cursor: number | undefined = -1; cursor !== undefined; ) {
        const page = await batches.items(id, { limit: CSV_PAGE, cursor });
        yield page.items
          .map(({ terminalId, areaCode, householdId, state, at, commandId, rules }) =>
            [
              terminalId,
              areaCode ?? '',
              householdId ?? '',
              state,
              at === null ? '' : rfc3339(at),
              commandId ?? '',
              // Codes of rules are words with a comma between.
              `"${codesOf(rules)}"`,
            ].join(','),
          )
          .map((line) => `${line}\r\n`)
          .join('');
        cursor = page.nextCursor === null ? undefined : Number(page.nextCursor);
      }
    }

    app.get(
      '/command-batches/:id/items.csv',
      {
        config: watcher,
        schema: {
          tags,
          description: 'What became of each terminal, as CSV.',
          params: idParam,
          response: { 200: { content: { 'text/csv': { schema: z.unknown() } } } },
        },
      },
      async (request, reply) => {
        const { id } = await batches.get(callerOf(request), request.params.id);
        return reply
          .type('text/csv; charset=utf-8')
          .header('content-disposition', `attachment; filename="${id}.csv"`)
          .send(Readable.from(linesOf(id)));
      },
    );

    const secondPerson = {
      config: switcher,
      schema: { tags, params: idParam, body: batchDecision.nullish(), response: { 200: batchSchema } },
    };
    app.post(
      '/command-batches/:id/approve',
      {
        ...secondPerson,
        schema: {
          ...secondPerson.schema,
          description: 'A second person, not who asked, allows exactly the list that was shown.',
        },
      },
      async (request) => batchView(await batches.approve(callerOf(request), request.params.id, request.body ?? {})),
    );
    app.post('/command-batches/:id/refuse', secondPerson, async (request) =>
      batchView(await batches.refuse(callerOf(request), request.params.id, request.body ?? {})),
    );

    // Done twice is done once: the state sees to it, so these need no key.
    const step = { config: switcher, schema: { tags, params: idParam, response: { 200: batchSchema } } };
    app.post('/command-batches/:id/pause', step, async (request) =>
      batchView(await batches.pause(callerOf(request), request.params.id)),
    );
    app.post('/command-batches/:id/resume', step, async (request) =>
      batchView(await batches.resume(callerOf(request), request.params.id)),
    );
    app.post('/command-batches/:id/cancel', step, async (request) =>
      batchView(await batches.cancel(callerOf(request), request.params.id)),
    );
  };
