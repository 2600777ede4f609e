import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { rfc3339 } from '../../lib/calendar.ts';
import { callerOf } from '../auth.ts';
import { idParam, pageQuery } from '../schemas/common.ts';
import {
  company,
  companyPage,
  household,
  householdPage,
  householdQuery,
  newCompany,
  newHousehold,
} from '../schemas/people.ts';
import type { HttpParts } from '../server.ts';
import { householdView } from '../views.ts';

/** Companies and households. */
export const householdRoutes =
  ({ companies, households }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const clerk = { roles: ['admin', 'company'] } as const;
    const staff = { roles: ['admin', 'operator', 'company'] } as const;

    app.get(
      '/companies',
      {
        config: staff,
        schema: { tags: ['households'], querystring: z.strictObject(pageQuery('co')), response: { 200: companyPage } },
      },
      async (request) => {
        const page = await companies.list(callerOf(request), request.query);
        return { ...page, items: page.items.map((row) => ({ ...row, createdAt: rfc3339(row.createdAt) })) };
      },
    );

    app.post(
      '/companies',
      { config: { roles: ['admin'] }, schema: { tags: ['households'], body: newCompany, response: { 201: company } } },
      async (request, reply) => {
        const row = await companies.create(request.body.name);
        return reply.code(201).send({ ...row, createdAt: rfc3339(row.createdAt) });
      },
    );

    app.get(
      '/companies/:id',
      { config: staff, schema: { tags: ['households'], params: idParam, response: { 200: company } } },
      async (request) => {
        const row = await companies.get(callerOf(request), request.params.id);
        return { ...row, createdAt: rfc3339(row.createdAt) };
      },
    );

    app.get(
      '/households',
      { schema: { tags: ['households'], querystring: householdQuery, response: { 200: householdPage } } },
      async (request) => {
        const page = await households.list(callerOf(request), request.query);
        return { ...page, items: page.items.map(householdView) };
      },
    );

    app.post(
      '/households',
      { config: clerk, schema: { tags: ['households'], body: newHousehold, response: { 201: household } } },
      async (request, reply) =>
        reply.code(201).send(householdView(await households.create(callerOf(request), request.body))),
    );

    app.get(
      '/households/:id',
      { schema: { tags: ['households'], params: idParam, response: { 200: household } } },
      async (request) => householdView(await households.get(callerOf(request), request.params.id)),
    );
  };
