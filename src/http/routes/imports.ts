import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ImportErrorView } from '../../imports/imports.ts';
import type { ImportRequest } from '../../imports/rows.ts';
import { GatewayError } from '../../lib/errors.ts';
import { callerOf } from '../auth.ts';
import { idParam } from '../schemas/common.ts';
import {
  fileImport,
  importErrorPage,
  importErrorQuery,
  importListQuery,
  importPage,
  importQuery,
  templateQuery,
  terminalImportQuery,
} from '../schemas/provisioning.ts';
import type { HttpParts } from '../server.ts';
import { importView } from '../views.ts';

/** Terminals and households from files: the upload, how far it is, what was wrong, and the credentials once. */

/** What the files are is looked at in them. */
const SHEETS = ['text/csv', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'];
const CSV = { content: { 'text/csv': { schema: z.unknown() } } };
const ABOUT_FILES =
  ', CSV in UTF-8 or GB18030 or the first sheet of an XLSX workbook, with a header in Chinese or English (see the template), and goes on by itself; the answer says where to look. A file ' +
  'with errors imports nothing. Rows that are there already are counted as unchanged: each cell that is filled in must be as it is registered.';
const ERRORS_AT_ONCE = 1_000;
const NONE = -1;

/** A cell that a spreadsheet would take for a formula is shown as what it is. */
function cell(text: string): string {
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

const errorLine = ({ row, column, title, code, value, message }: ImportErrorView): string =>
  [String(row), column ?? '', title?.zh ?? '', value, code, message.zh, message.en].map(cell).join(',');

export const importRoutes =
  ({ imports, handout }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const tags = ['provisioning'];
    const config = { roles: ['admin', 'company'] } as const;

    app.addContentTypeParser(SHEETS, (_request, payload, done) => done(null, payload));

    async function receive(request: FastifyRequest, reply: FastifyReply, asked: ImportRequest) {
      if (!(request.body instanceof Readable))
        throw new GatewayError('unsupported_media_type', `Send ${SHEETS.join(' or ')}`);
      const row = await imports.receive(callerOf(request), request.body, asked);
      reply.header('location', `/api/v1/imports/${row.id}`);
      return reply.code(202).send(importView(row));
    }

    app.post(
      '/terminals/import',
      {
        config,
        schema: {
          tags,
          description: `Takes a file of terminals as the body${ABOUT_FILES}`,
          consumes: SHEETS,
          querystring: terminalImportQuery,
          body: z.unknown(),
          response: { 202: fileImport },
        },
      },
      (request, reply) => receive(request, reply, { kind: 'terminals', ...request.query }),
    );

    app.post(
      '/households/import',
      {
        config,
        schema: {
          tags,
          description:
            `Takes a file of households, with what each begins with, as the body${ABOUT_FILES} ` +
            'Opening balances are yuan with at most two decimals; a household that has entries already takes none.',
          consumes: SHEETS,
          querystring: importQuery,
          body: z.unknown(),
          response: { 202: fileImport },
        },
      },
      (request, reply) => receive(request, reply, { kind: 'households', unclaimed: false, ...request.query }),
    );

    app.get(
      '/imports',
      { config, schema: { tags, querystring: importListQuery, response: { 200: importPage } } },
      async (request) => {
        const page = await imports.list(callerOf(request), request.query);
        return { ...page, items: page.items.map(importView) };
      },
    );

    app.get(
      '/imports/template',
      {
        config,
        schema: { tags, description: 'A file to begin with.', querystring: templateQuery, response: { 200: CSV } },
      },
      async (request, reply) =>
        reply
          .type('text/csv; charset=utf-8')
          .header('content-disposition', `attachment; filename="${request.query.kind}.csv"`)
          .send(imports.template(request.query.kind, request.query.lang)),
    );

    app.get(
      '/imports/:id',
      { config, schema: { tags, params: idParam, response: { 200: fileImport } } },
      async (request) => importView(await imports.get(callerOf(request), request.params.id)),
    );

    app.post(
      '/imports/:id/cancel',
      {
        config,
        schema: {
          tags,
          description: 'Before it is done; nothing is imported then.',
          params: idParam,
          response: { 202: fileImport },
        },
      },
      async (request, reply) =>
        reply.code(202).send(importView(await imports.cancel(callerOf(request), request.params.id))),
    );

    app.get(
      '/imports/:id/errors',
      {
        config,
        schema: {
          tags,
          description: 'What was wrong, in the order of the file; the first 10,000 are kept.',
          params: idParam,
          querystring: importErrorQuery,
          response: { 200: importErrorPage },
        },
      },
      async (request) => {
        const { limit, cursor } = request.query;
        const after = cursor === undefined ? NONE : Number(cursor);
        const rows = await imports.errors(callerOf(request), request.params.id, after, limit + 1);
        const shown = rows.slice(0, limit);
        const nextCursor = rows.length > limit ? String(shown.at(-1)?.n ?? '') : null;
        return { items: shown, nextCursor };
      },
    );

    app.get(
      '/imports/:id/errors.csv',
      { config, schema: { tags, params: idParam, response: { 200: CSV } } },
      async (request, reply) => {
        const caller = callerOf(request);
        const { id } = request.params;
        await imports.get(caller, id);
        async function* lines(): AsyncGenerator<string> {
          yield '\uFEFFrow,column,列,value,code,说明,message\r\n';
          for (let after = NONE; ; ) {
            const rows = await imports.errors(caller, id, after, ERRORS_AT_ONCE);
            const last = rows.at(-1);
            if (!last) return;
            yield `${rows.map(errorLine).join('\r\n')}\r\n`;
            after = last.n;
          }
        }
        return reply
          .type('text/csv; charset=utf-8')
          .header('content-disposition', `attachment; filename="${id}-errors.csv"`)
          .send(Readable.from(lines()));
      },
    );

    app.post(
      '/imports/:id/credentials',
      {
        config,
        schema: {
          tags,
          description:
            'Makes the secrets, and claim codes, of the terminals that this import made and that have none yet, and shows them this once, as CSV. ' +
            'For who imported them, within the time of the configuration. Cut off in the middle, it can be asked again for those that are left.',
          params: idParam,
          response: { 200: CSV },
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        const { lines, end } = await handout(callerOf(request), id);
        return reply
          .type('text/csv; charset=utf-8')
          .header('cache-control', 'no-store')
          .header('content-disposition', `attachment; filename="${id}-credentials.csv"`)
          .send(Readable.from(lines).once('close', end));
      },
    );
  };
