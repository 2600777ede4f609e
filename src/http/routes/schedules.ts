import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Caller } from '../../areas/scope.ts';
import type { Schedule } from '../../commands/schedule-rows.ts';
import type { NewSchedule } from '../../commands/schedules.ts';
import { answerBefore, answerOnce } from '../../db/answers.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { Recurrence } from '../../lib/recurrence.ts';
import { callerOf, idempotencyKeyOf } from '../auth.ts';
import { idempotencyHeaders, idParam } from '../schemas/common.ts';
import {
  newSchedule,
  scheduleChange,
  schedulePage,
  scheduleQuery,
  scheduleRunPage,
  scheduleRunQuery,
  schedule as scheduleSchema,
} from '../schemas/schedules.ts';
import type { HttpParts } from '../server.ts';
import { scheduleRunView, scheduleView } from '../views.ts';

/** Commands at a time: once, or every week. */

const ONE_TIME = { zh: '请填一次的时间或每周的时间，二者取一', en: 'give either at or weekly' };

type Times = { at?: string | undefined; weekly?: { days: number[]; time: string } | undefined };

function recurrenceOf({ at, weekly }: Times): Recurrence | undefined {
  if (at !== undefined && weekly) throw new GatewayError('invalid_request', ONE_TIME);
  if (at !== undefined) return { kind: 'once', at: Date.parse(at) };
  return weekly && { kind: 'weekly', ...weekly };
}

export const scheduleRoutes =
  ({ db, clock, control: { schedules } }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const config = { roles: ['admin', 'company'] } as const;
    const tags = ['commands'];

    async function make(caller: Caller, wanted: NewSchedule, asking: Parameters<typeof answerOnce>[1]) {
      await schedules.check(caller, wanted);
      const { answer } = await answerOnce(db, asking, (transaction) => schedules.create(transaction, caller, wanted));
      return answer;
    }

    app.get(
      '/schedules',
      { config, schema: { tags, querystring: scheduleQuery, response: { 200: schedulePage } } },
      async (request) => {
        const page = await schedules.list(callerOf(request), request.query);
        return { ...page, items: page.items.map(scheduleView) };
      },
    );

    app.post(
      '/schedules',
      {
        config,
        schema: {
          tags,
          description:
            'A command for an area or a list, once or every week. Each time is a batch, judged as things are then; a time that was missed is noted and not made up.',
          headers: idempotencyHeaders,
          body: newSchedule,
          response: { 201: scheduleSchema },
        },
      },
      async (request, reply) => {
        const caller = callerOf(request);
        const key = idempotencyKeyOf(request);
        const { at, weekly, ...asked } = request.body;
        const recurrence = recurrenceOf({ at, weekly });
        if (!recurrence) throw new GatewayError('invalid_request', ONE_TIME);
        const wanted = { ...asked, recurrence };
        const asking = { caller: caller.id, key, body: { schedule: request.body }, now: clock.now() };
        const made = (await answerBefore<Schedule>(db, asking)) ?? (await make(caller, wanted, asking));
        return reply.code(201).header('location', `/api/v1/schedules/${made.id}`).send(scheduleView(made));
      },
    );

    app.get(
      '/schedules/:id',
      { config, schema: { tags, params: idParam, response: { 200: scheduleSchema } } },
      async (request) => scheduleView(await schedules.get(callerOf(request), request.params.id)),
    );

    app.get(
      '/schedules/:id/runs',
      { config, schema: { tags, params: idParam, querystring: scheduleRunQuery, response: { 200: scheduleRunPage } } },
      async (request) => {
        const { id } = await schedules.get(callerOf(request), request.params.id);
        const page = await schedules.runs(id, request.query);
        return { ...page, items: page.items.map(scheduleRunView) };
      },
    );

    app.patch(
      '/schedules/:id',
      { config, schema: { tags, params: idParam, body: scheduleChange, response: { 200: scheduleSchema } } },
      async (request) => {
        const { at, weekly, ...change } = request.body;
        const recurrence = recurrenceOf({ at, weekly });
        return scheduleView(await schedules.change(callerOf(request), request.params.id, { ...change, recurrence }));
      },
    );

    app.delete(
      '/schedules/:id',
      { config, schema: { tags, params: idParam, response: { 204: z.null() } } },
      async (request, reply) => {
        await schedules.remove(callerOf(request), request.params.id);
        return reply.code(204).send(null);
      },
    );
  };
