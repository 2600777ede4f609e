import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { callerOf } from '../auth.ts';
import { noticeView, owingView } from '../bill-views.ts';
import { arrearsPage, arrearsQuery, newNotice, notice, noticePage, noticeQuery } from '../schemas/bills.ts';
import { idParam } from '../schemas/common.ts';
import type { HttpParts } from '../server.ts';

/** Who owes, and what was told to them. */
export const arrearsRoutes =
  ({ households, invoicing }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const tags = ['bills'];
    const clerk = { roles: ['admin', 'company'] } as const;
    const staff = { roles: ['admin', 'operator', 'company'] } as const;
    const { arrears } = invoicing;

    app.get(
      '/arrears',
      { config: staff, schema: { tags, querystring: arrearsQuery, response: { 200: arrearsPage } } },
      async (request) => {
        const page = await arrears.owing(callerOf(request), request.query);
        return { ...page, items: page.items.map(owingView) };
      },
    );

    app.get(
      '/households/:id/notices',
      { schema: { tags, params: idParam, querystring: noticeQuery, response: { 200: noticePage } } },
      async (request) => {
        const { id } = await households.get(callerOf(request), request.params.id);
        const page = await arrears.noticesGiven(id, request.query);
        return { ...page, items: page.items.map(noticeView) };
      },
    );

    app.post(
      '/households/:id/notices',
      {
        config: clerk,
        schema: {
          tags,
          description:
            'Notes that a household was told what it owes. The final notice proposes to switch off; a person decides.',
          params: idParam,
          body: newNotice,
          response: { 201: notice },
        },
      },
      async (request, reply) => {
        const caller = callerOf(request);
        const household = await households.get(caller, request.params.id);
        return reply.code(201).send(noticeView(await arrears.giveNotice(caller, household, request.body.step)));
      },
    );
  };
