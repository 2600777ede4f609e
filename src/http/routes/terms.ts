import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Transaction } from 'kysely';
import { z } from 'zod';
import type { Caller } from '../../areas/scope.ts';
import type { AuditEntry } from '../../audit/audit.ts';
import type { Mode } from '../../billing/terms.ts';
import type { Tables } from '../../db/schema.ts';
import { dayOf, rfc3339 } from '../../lib/calendar.ts';
import { unitOf } from '../../lib/units.ts';
import { callerOf } from '../auth.ts';
import {
  billingMode,
  householdTariff,
  householdTariffs,
  newHouseholdTariff,
  newUsageCorrection,
  tariffs,
  usageCorrection,
} from '../schemas/bills.ts';
import { idParam } from '../schemas/common.ts';
import { terminalId } from '../schemas/terminals.ts';
import type { HttpParts } from '../server.ts';

/** A household or a company, and what else the audit says of it. */
interface Subject {
  id: string;
  companyId: string;
  more: Record<string, string>;
}

/** By which tariff and in which mode a household is billed, and what a person knows better than its meter. */
export const termRoutes =
  ({ db, audit, companies, households, registry, invoicing, clock }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const tags = ['bills'];
    const clerk = { roles: ['admin', 'company'] } as const;
    const { terms } = invoicing;

    const audited = <T>(
      caller: Caller,
      entry: Omit<AuditEntry, 'actor'>,
      change: (transaction: Transaction<Tables>) => Promise<T>,
    ): Promise<T> =>
      db.transaction().execute(async (transaction) => {
        const changed = await change(transaction);
        await audit.record(transaction, { ...entry, actor: caller.name });
        return changed;
      });

    const setMode = (caller: Caller, { id, companyId, more }: Subject, mode: Mode): Promise<Mode> => {
      const entry = { action: 'billing_mode_set', subject: id, companyId, detail: { ...more, ...mode } } as const;
      return audited(caller, entry, (transaction) => terms.setMode(transaction, id, mode, caller.name));
    };

    app.get('/tariffs', { schema: { tags, response: { 200: tariffs } } }, async () => ({
      items: [...invoicing.tariffs.values()].map(({ tariff, title, metric, source, versions }) => ({
        tariff,
        title,
        metric,
        unit: unitOf(metric) ?? '',
        source,
        versions: versions.map(({ from }) => from),
      })),
    }));

    app.get(
      '/households/:id/tariff',
      {
        schema: {
          tags,
          description:
            'The tariffs that the household was given, the newest first. Without one, what applies to it holds.',
          params: idParam,
          response: { 200: householdTariffs },
        },
      },
      async (request) => {
        const { id } = await households.get(callerOf(request), request.params.id);
        const rows = await terms.tariffsOf(id);
        return { items: rows.map((row) => ({ ...row, setAt: rfc3339(row.setAt) })) };
      },
    );

    app.put(
      '/households/:id/tariff',
      {
        config: clerk,
        schema: {
          tags,
          description: 'Gives a household a tariff from a day on. Bills that were made stay until they are made anew.',
          params: idParam,
          body: newHouseholdTariff,
          response: { 200: householdTariff },
        },
      },
      async (request) => {
        const caller = callerOf(request);
        const { id, companyId, accountNo } = await households.get(caller, request.params.id);
        const detail = { householdId: id, accountNo, ...request.body };
        const row = await audited(caller, { action: 'tariff_set', subject: id, companyId, detail }, (transaction) =>
          terms.setTariff(transaction, id, request.body, caller.name),
        );
        return { ...row, setAt: rfc3339(row.setAt) };
      },
    );

    app.get(
      '/households/:id/billing-mode',
      { schema: { tags, params: idParam, response: { 200: billingMode } } },
      async (request) => {
        const household = await households.get(callerOf(request), request.params.id);
        const { mode, since, emergencyCreditFen } = await terms.modeOn(household, dayOf(clock.now()));
        return { mode, since, emergencyCreditFen };
      },
    );

    app.put(
      '/households/:id/billing-mode',
      { config: clerk, schema: { tags, params: idParam, body: billingMode, response: { 200: billingMode } } },
      async (request) => {
        const caller = callerOf(request);
        const { id, companyId, accountNo } = await households.get(caller, request.params.id);
        return setMode(caller, { id, companyId, more: { householdId: id, accountNo } }, request.body);
      },
    );

    app.put(
      '/companies/:id/billing-mode',
      {
        config: clerk,
        schema: {
          tags,
          description: 'For all of its households that have none of their own.',
          params: idParam,
          body: billingMode,
          response: { 200: billingMode },
        },
      },
      async (request) => {
        const caller = callerOf(request);
        const { id } = await companies.get(caller, request.params.id);
        return setMode(caller, { id, companyId: id, more: {} }, request.body);
      },
    );

    app.post(
      '/terminals/:id/usage-corrections',
      {
        config: clerk,
        schema: {
          tags,
          description:
            'Says what was used on a day. Bills that are made from then on take it instead of what the meter counted.',
          params: z.strictObject({ id: terminalId }),
          body: newUsageCorrection,
          response: { 201: usageCorrection },
        },
      },
      async (request, reply) => {
        const caller = callerOf(request);
        const terminal = registry.get(caller, request.params.id);
        const { id, companyId } = terminal;
        const row = await audited(
          caller,
          { action: 'usage_corrected', subject: id, terminalId: id, companyId, detail: request.body },
          (transaction) => invoicing.correctUsage(transaction, terminal, request.body, caller.name),
        );
        return reply.code(201).send({ ...row, correctedAt: rfc3339(row.correctedAt) });
      },
    );
  };
