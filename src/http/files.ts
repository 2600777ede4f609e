import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { GatewayError } from '../lib/errors.ts';
import { csvOfSheet } from '../reports/csv.ts';
import type { Sheet } from '../reports/sheet.ts';
import { xlsxOfSheet } from '../reports/xlsx.ts';

/** Tables as files. */

const CSV = 'text/csv; charset=utf-8';
const XLSX = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';
const file = { schema: z.unknown() };
/** What an answer may be beside JSON. */
export const FILES = { 'text/csv': file, [XLSX]: file };

const MOST_AT_ONCE = 4;

/** Streamed: a file of any length needs no more memory than a page of it. */
export function createFiles() {
  let open = 0;
  return (reply: FastifyReply, name: string, format: 'csv' | 'xlsx', sheet: Sheet) => {
    if (open >= MOST_AT_ONCE) throw new GatewayError('too_many_requests', `${open} files are being made`);
    open += 1;
    const stream = Readable.from(format === 'csv' ? csvOfSheet(sheet) : xlsxOfSheet(sheet)).once('close', () => {
      open -= 1;
    });
    return reply
      .type(format === 'csv' ? CSV : XLSX)
      .header('content-disposition', `attachment; filename="${name}.${format}"`)
      .send(stream);
  };
}
