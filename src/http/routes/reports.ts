import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Caller } from '../../areas/scope.ts';
import { GatewayError } from '../../lib/errors.ts';
import { fromFen } from '../../lib/money.ts';
import { csvOfSheet } from '../../reports/csv.ts';
import type { Cell, Sheet } from '../../reports/sheet.ts';
import { type Taking, takingsOf } from '../../reports/takings.ts';
import { xlsxOfSheet } from '../../reports/xlsx.ts';
import { callerOf } from '../auth.ts';
import { arrearsFileQuery, takings, takingsQuery } from '../schemas/reports.ts';
import type { HttpParts } from '../server.ts';

const CSV = 'text/csv; charset=utf-8';
const XLSX = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';
const file = { schema: z.unknown() };
const FILES = { 'text/csv': file, [XLSX]: file };

const MOST_FILES = 4;
const PAGE = 500;

type Sums = Pick<Taking, 'count' | 'amountFen' | 'givenBackCount' | 'givenBackFen'>;

const plainly = ({ count, amountFen, givenBackCount, givenBackFen }: Sums) => ({
  count,
  amountFen: fromFen(amountFen),
  givenBackCount,
  givenBackFen: fromFen(givenBackFen),
});

/** What companies are told about their money, on the page and as files. */
export const reportRoutes =
  ({ db, billing }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const config = { roles: ['admin', 'operator', 'company'] } as const;
    const tags = ['reports'];
    let files = 0;

    /** Streamed: a file of any length needs no more memory than a page of it. */
    function sendFile(reply: FastifyReply, name: string, format: 'csv' | 'xlsx', sheet: Sheet) {
      if (files >= MOST_FILES) throw new GatewayError('too_many_requests', `${files} files are being made`);
      files += 1;
      const stream = Readable.from(format === 'csv' ? csvOfSheet(sheet) : xlsxOfSheet(sheet)).once('close', () => {
        files -= 1;
      });
      return reply
        .type(format === 'csv' ? CSV : XLSX)
        .header('content-disposition', `attachment; filename="${name}.${format}"`)
        .send(stream);
    }

    const sumCells = ({ count, amountFen, givenBackCount, givenBackFen }: Sums): Cell[] => [
      count,
      amountFen,
      givenBackCount,
      givenBackFen,
      amountFen - givenBackFen,
    ];

    async function* takingRows(items: Taking[], total: Sums): AsyncGenerator<Cell[]> {
      for (const one of items) yield [one.companyName, one.method, one.receivedBy, ...sumCells(one)];
      yield ['合计 Total', '', '', ...sumCells(total)];
    }

    function totalOf(items: Taking[]): Sums {
      const total = { count: 0, amountFen: 0n, givenBackCount: 0, givenBackFen: 0n };
      for (const one of items) {
        total.count += one.count;
        total.amountFen += one.amountFen;
        total.givenBackCount += one.givenBackCount;
        total.givenBackFen += one.givenBackFen;
      }
      return total;
    }

    app.get(
      '/reports/takings',
      {
        config,
        schema: {
          tags,
          description: 'What came in and was given back, by company, method and who took it, with the totals.',
          querystring: takingsQuery,
          response: { 200: { content: { 'application/json': { schema: takings }, ...FILES } } },
        },
      },
      async (request, reply) => {
        const { format, ...query } = request.query;
        const items = await takingsOf(db, callerOf(request), query);
        const total = totalOf(items);
        if (format === 'json') {
          const shown = items.map((one) => ({ ...one, ...plainly(one) }));
          return reply.send({ items: shown, total: plainly(total) });
        }
        return sendFile(reply, 'takings', format, {
          titles: [
            '企业 Company',
            '方式 Method',
            '经办人 Received by',
            '笔数 Payments',
            '收款（元） Received',
            '退款笔数 Refunds',
            '退款（元） Given back',
            '净额（元） Net',
          ],
          rows: takingRows(items, total),
        });
      },
    );

    async function* arrearsRows(caller: Caller, query: Omit<z.output<typeof arrearsFileQuery>, 'format'>) {
      let cursor: string | undefined;
      do {
        const page = await billing.arrears.owing(caller, { ...query, limit: PAGE, cursor });
        for (const { accountNo, name, areaCode, owedFen, notices } of page.items) {
          yield [accountNo, name, areaCode, owedFen, notices.map(({ step }) => step).join(' ')] satisfies Cell[];
        }
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
    }

    app.get(
      '/reports/arrears',
      {
        config,
        schema: {
          tags,
          description: 'Who owes, as `/arrears` with the same filters lists them, as a file.',
          querystring: arrearsFileQuery,
          response: { 200: { content: FILES } },
        },
      },
      async (request, reply) => {
        const { format, ...query } = request.query;
        return sendFile(reply, 'arrears', format, {
          titles: ['户号 Account no.', '住户 Household', '区域 Area', '欠费（元） Owed', '催缴 Told'],
          rows: arrearsRows(callerOf(request), query),
        });
      },
    );
  };
