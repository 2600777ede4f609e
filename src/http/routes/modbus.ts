import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Caller } from '../../areas/scope.ts';
import { sees } from '../../areas/scope.ts';
import { rfc3339 } from '../../lib/calendar.ts';
import { GatewayError } from '../../lib/errors.ts';
import { callerOf } from '../auth.ts';
import { lineTotals, lineView } from '../line-views.ts';
import {
  changedLine,
  type LineDetail,
  type LineList,
  lineChange,
  lineDetail,
  lineId,
  lineList,
  lineQuery,
} from '../schemas/modbus.ts';
import type { HttpParts } from '../server.ts';
import { orNull } from '../views.ts';

/** What the bridge says of its lines. Times are epoch ms. */
type Line = Omit<LineDetail, 'units' | 'frames'>;
type Unit = LineDetail['units'][number];
export interface ModbusLines {
  lines(): (Line & {
    units: (Omit<Unit, 'lastAnswerAt' | 'lastError'> & {
      lastAnswerAt: number | null;
      lastError: { time: number; text: string } | null;
    })[];
    frames(): (Omit<LineDetail['frames'][number], 'time'> & { time: number })[];
  })[];
  state(): NonNullable<LineList['dialIn']>;
}

/** Whether a line or one of its terminals is called so. */
function isCalled({ id, units }: Pick<LineDetail, 'id' | 'units'>, search: string | undefined): boolean {
  if (search === undefined) return true;
  const part = search.trim().toLowerCase();
  return [id, ...units.map(({ terminalId }) => terminalId)].some((name) => name.toLowerCase().includes(part));
}

export const modbusRoutes =
  ({ registry, modbus }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const config = { roles: ['admin', 'operator', 'company'] } as const;
    const tags = ['modbus'];

    /** The lines on which the caller has a unit, with those units; an admin sees all. By their ids. */
    function linesOf(caller: Caller) {
      const lines = modbus.lines().flatMap((line) => {
        const units = line.units
          .filter(({ terminalId }) => {
            const terminal = registry.find(terminalId);
            return terminal !== undefined && sees(caller, terminal);
          })
          .map(({ lastAnswerAt, lastError, ...unit }) => ({
            ...unit,
            lastAnswerAt: orNull(lastAnswerAt),
            lastError: lastError && { time: rfc3339(lastError.time), text: lastError.text },
          }));
        units.sort((a, b) => String(a.unit).localeCompare(String(b.unit), 'en', { numeric: true }));
        return units.length > 0 || caller.role === 'admin' ? [{ ...line, units }] : [];
      });
      return lines.sort((a, b) => (a.id < b.id ? -1 : 1));
    }

    app.get(
      '/modbus/lines',
      {
        config,
        schema: {
          tags,
          description: 'How Modbus lines do, with their units summed up.',
          querystring: lineQuery,
          response: { 200: lineList },
        },
      },
      async (request) => {
        const caller = callerOf(request);
        const { limit, cursor = '', search, troubled } = request.query;
        const all = linesOf(caller).map(({ frames: _frames, ...line }) => ({ line, view: lineView(line) }));
        const found = all.filter(
          ({ line, view }) =>
            line.id > cursor && isCalled(line, search) && (troubled ?? view.isTroubled) === view.isTroubled,
        );
        const items = found.slice(0, limit).map(({ view }) => view);
        return {
          items,
          nextCursor: found.length > limit ? (items.at(-1)?.id ?? null) : null,
          totals: lineTotals(all.map(({ view }) => view)),
          dialIn: caller.role === 'admin' ? modbus.state() : null,
        };
      },
    );

    app.get(
      '/modbus/lines/:id',
      {
        config,
        schema: {
          tags,
          description: 'One Modbus line with each of its units and its last frames.',
          params: lineId,
          response: { 200: lineDetail },
        },
      },
      async (request) => {
        const line = linesOf(callerOf(request)).find(({ id }) => id === request.params.id);
        if (!line) throw new GatewayError('not_found');
        const units = new Set(line.units.map(({ unit }) => unit));
        const frames = line.frames().filter(({ unit }) => units.has(unit));
        return { ...line, frames: frames.map((frame) => ({ ...frame, time: rfc3339(frame.time) })) };
      },
    );

    app.patch(
      '/modbus/lines/:id',
      {
        config: { roles: ['admin'] },
        schema: {
          tags,
          description: 'Other settings or another address of a line, for all terminals that name it.',
          params: lineId,
          body: lineChange,
          response: { 200: changedLine },
        },
      },
      (request) => registry.changeLine(request.params.id, request.body.line),
    );
  };
