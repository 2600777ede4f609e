import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { fromFen } from '../../lib/money.ts';
import { accountStatements, movedIn } from '../../reports/accounts.ts';
import { rowsOf } from '../../reports/sheet.ts';
import {
  accountsSheet,
  arrearsSheet,
  depositsSheet,
  differencesSheet,
  notificationsSheet,
  proposalsSheet,
  reconciliationsSheet,
  takingsSheet,
} from '../../reports/sheets.ts';
import { type Sums, takingsOf, totalOf } from '../../reports/takings.ts';
import { callerOf } from '../auth.ts';
import { createFiles, FILES } from '../files.ts';
import { depositReport } from '../schemas/deposits.ts';
import {
  accountReport,
  accountsQuery,
  arrearsFileQuery,
  depositReportQuery,
  differenceFileQuery,
  notificationFileQuery,
  proposalFileQuery,
  reconciliationFileQuery,
  takings,
  takingsQuery,
} from '../schemas/reports.ts';
import type { HttpParts } from '../server.ts';
import { depositStatementView } from '../views-billing.ts';

const plainly = ({ count, amountFen, givenBackCount, givenBackFen }: Sums) => ({
  count,
  amountFen: fromFen(amountFen),
  givenBackCount,
  givenBackFen: fromFen(givenBackFen),
});

/** What companies are told about their money, and what its pages show as files: all of it, as it is filtered. */
export const reportRoutes =
  ({ db, clock, billing, collection }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const staff = { roles: ['admin', 'operator', 'company'] } as const;
    const books = { roles: ['admin', 'company'] } as const;
    const tags = ['reports'];
    const sendFile = createFiles();
    const onlyFile = { 200: { content: FILES } };

    app.get(
      '/reports/takings',
      {
        config: staff,
        schema: {
          tags,
          description:
            'What came in and was given back, by company and method, and by who took it, area or day, with the totals.',
          querystring: takingsQuery,
          response: { 200: { content: { 'application/json': { schema: takings }, ...FILES } } },
        },
      },
      async (request, reply) => {
        const { format, lang, ...query } = request.query;
        const items = await takingsOf(db, callerOf(request), query, clock.now());
        if (format !== 'json') return sendFile(reply, 'takings', format, takingsSheet(lang, query.by, items));
        const shown = items.map((one) => ({ ...one, ...plainly(one) }));
        return reply.send({ items: shown, total: plainly(totalOf(items)) });
      },
    );

    app.get(
      '/reports/deposits',
      {
        config: staff,
        schema: {
          tags,
          description:
            'By company and county: deposits held at the beginning, what moved, and what is held at the end.',
          querystring: depositReportQuery,
          response: { 200: { content: { 'application/json': { schema: depositReport }, ...FILES } } },
        },
      },
      async (request, reply) => {
        const { format, lang, ...query } = request.query;
        const statements = await billing.deposits.statement(callerOf(request), query);
        if (format !== 'json') return sendFile(reply, 'deposits', format, depositsSheet(lang, statements));
        return reply.send({ items: statements.map(depositStatementView) });
      },
    );

    app.get(
      '/reports/accounts',
      {
        config: books,
        schema: {
          tags,
          description: 'By company and kind of account: opening, debits and credits of the time, closing.',
          querystring: accountsQuery,
          response: { 200: { content: { 'application/json': { schema: accountReport }, ...FILES } } },
        },
      },
      async (request, reply) => {
        const { format, lang, ...query } = request.query;
        const statements = await accountStatements(db, callerOf(request), query, clock.now());
        if (format !== 'json') return sendFile(reply, 'accounts', format, accountsSheet(lang, statements));
        const items = statements.map((one) => ({
          ...one,
          openingFen: fromFen(one.openingFen),
          debitFen: fromFen(one.debitFen),
          creditFen: fromFen(one.creditFen),
          closingFen: fromFen(one.closingFen),
        }));
        const { debitFen, creditFen } = movedIn(statements);
        return reply.send({ items, total: { debitFen: fromFen(debitFen), creditFen: fromFen(creditFen) } });
      },
    );

    app.get(
      '/reports/arrears',
      {
        config: staff,
        schema: {
          tags,
          description: 'Who owes, as `/arrears` with the same filters lists them.',
          querystring: arrearsFileQuery,
          response: onlyFile,
        },
      },
      async (request, reply) => {
        const { format, lang, ...filter } = request.query;
        const caller = callerOf(request);
        const rows = rowsOf((page) => billing.arrears.owing(caller, { ...filter, ...page }));
        return sendFile(reply, 'arrears', format, arrearsSheet(lang, rows));
      },
    );

    app.get(
      '/reports/proposals',
      {
        config: staff,
        schema: {
          tags,
          description: 'What is proposed about debts, as `/proposals` with the same filters lists it.',
          querystring: proposalFileQuery,
          response: onlyFile,
        },
      },
      async (request, reply) => {
        const { format, lang, ...filter } = request.query;
        const caller = callerOf(request);
        const rows = rowsOf((page) => billing.arrears.proposals.list(caller, { ...filter, ...page }));
        return sendFile(reply, 'proposals', format, proposalsSheet(lang, rows));
      },
    );

    app.get(
      '/reports/differences',
      {
        config: books,
        schema: {
          tags,
          description:
            'What differs from statements, as `/reconciliations/differences` with the same filters lists it.',
          querystring: differenceFileQuery,
          response: onlyFile,
        },
      },
      async (request, reply) => {
        const { format, lang, ...filter } = request.query;
        const caller = callerOf(request);
        const rows = rowsOf((page) => collection.differences.list(caller, { ...filter, ...page }));
        return sendFile(reply, 'differences', format, differencesSheet(lang, rows));
      },
    );

    app.get(
      '/reports/payment-notifications',
      {
        config: books,
        schema: {
          tags,
          description: 'What providers told, as `/payment-notifications` with the same filters lists it.',
          querystring: notificationFileQuery,
          response: onlyFile,
        },
      },
      async (request, reply) => {
        const { format, lang, ...filter } = request.query;
        const caller = callerOf(request);
        const rows = rowsOf((page) => collection.notifications.list(caller, { ...filter, ...page }));
        return sendFile(reply, 'payment-notifications', format, notificationsSheet(lang, rows));
      },
    );

    app.get(
      '/reports/reconciliations',
      {
        config: { roles: ['admin'] },
        schema: {
          tags,
          description: 'The days that were compared, as `/reconciliations` with the same filters lists them.',
          querystring: reconciliationFileQuery,
          response: onlyFile,
        },
      },
      async (request, reply) => {
        const { format, lang, ...filter } = request.query;
        const rows = rowsOf((page) => collection.reconciliation.list({ ...filter, ...page }));
        return sendFile(reply, 'reconciliations', format, reconciliationsSheet(lang, rows));
      },
    );
  };
