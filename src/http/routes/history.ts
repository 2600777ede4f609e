import { Readable } from 'node:stream';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { type Caller, visibleSince } from '../../areas/scope.ts';
import { rfc3339, windowStart } from '../../lib/calendar.ts';
import { GatewayError } from '../../lib/errors.ts';
import { unitOf } from '../../lib/units.ts';
import { csvOf } from '../../readings/export.ts';
import type { Aggregate, Series } from '../../readings/store.ts';
import { EARLIEST } from '../../terminals/decode.ts';
import type { Terminal } from '../../terminals/registry.ts';
import { callerOf } from '../auth.ts';
import { areaCode } from '../schemas/common.ts';
import {
  areaReadings,
  areaReadingsQuery,
  exportQuery,
  manyReadings,
  manyReadingsQuery,
  readings,
  readingsQuery,
} from '../schemas/readings.ts';
import { terminalId } from '../schemas/terminals.ts';
import type { HttpParts } from '../server.ts';
import { checkRange } from '../usage.ts';

/** What terminals measured: one, several side by side, an area together, or all of it as a file. */

/** A question about more terminals is one about a smaller area, or for a report. */
const MOST_TERMINALS = 20_000;
const MOST_EXPORTS = 4;

interface Question {
  metric: string;
  from: number;
  to: number;
  every?: number | undefined;
  aggregate?: Aggregate | undefined;
}

const hasMetric = ({ profile }: Terminal, metric: string): boolean => Object.hasOwn(profile.metrics, metric);

export const historyRoutes =
  (parts: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const { registry, areas, store, config, clock, profiles } = parts;
    const { maxPoints } = config.readings;
    let exports = 0;

    /** Every window in which there can be readings, also those without any. */
    function* windowsUntilNow<T>(found: (T & { time: number })[], { from, to }: Question, every: number) {
      const byTime = new Map(found.map((window) => [window.time, window]));
      for (let time = windowStart(Math.max(from, EARLIEST), every); time < Math.min(to, clock.now()); time += every) {
        yield { time: rfc3339(time), window: byTime.get(time) };
      }
    }

    async function pointsOf(series: Series, question: Question) {
      const { every, aggregate = 'mean' } = question;
      if (series.from >= series.to) return [];
      if (every !== undefined) {
        const windows = [
          ...windowsUntilNow(await store.windows(series, every), { ...question, from: series.from }, every),
        ];
        return windows.map(({ time, window }) => ({ time, value: window?.[aggregate] ?? null }));
      }
      const points = await store.points(series, maxPoints + 1);
      if (points.length > maxPoints) {
        throw new GatewayError('invalid_request', `more than ${maxPoints} points: shorten the range or give every`);
      }
      return points.map(({ time, value }) => ({ time: rfc3339(time), value }));
    }

    function check(terminals: Terminal[], question: Question): void {
      const { metric, every, aggregate } = question;
      const lacking = terminals.find((terminal) => !hasMetric(terminal, metric));
      if (lacking) throw new GatewayError('invalid_request', `${lacking.profile.profile} has no metric ${metric}`);
      if (aggregate && !every) throw new GatewayError('invalid_request', 'aggregate needs every');
      checkRange(question, (every ?? Number.POSITIVE_INFINITY) / terminals.length, maxPoints);
    }

    /** A misspelt metric must not look like one that was never measured. */
    function checkMetric(metric: string): void {
      const isKnown = [...profiles.values()].some(({ metrics }) => Object.hasOwn(metrics, metric));
      if (!isKnown) throw new GatewayError('invalid_request', `no profile has a metric ${metric}`);
    }

    const seriesOf = (caller: Caller, terminal: Terminal, { metric, from, to }: Question): Series => ({
      terminalId: terminal.id,
      metric,
      from: Math.max(from, visibleSince(caller, terminal)),
      to,
    });

    /** The terminals of an area that the caller may see. */
    async function terminalsIn(caller: Caller, code: string): Promise<Terminal[]> {
      await areas.get(caller, code);
      const { items, nextCursor } = registry.list(caller, { areaCode: code, limit: MOST_TERMINALS });
      if (nextCursor)
        throw new GatewayError('invalid_request', `more than ${MOST_TERMINALS} terminals: ask for a part`);
      return items;
    }

    app.get(
      '/terminals/:id/readings',
      {
        schema: {
          tags: ['readings'],
          description: 'Raw values, or one value a window with `every`; a window without readings is null.',
          params: z.strictObject({ id: terminalId }),
          querystring: readingsQuery,
          response: { 200: readings },
        },
      },
      async (request) => {
        const caller = callerOf(request);
        const terminal = registry.get(caller, request.params.id);
        check([terminal], request.query);
        const { metric } = request.query;
        const points = await pointsOf(seriesOf(caller, terminal, request.query), request.query);
        return { metric, unit: unitOf(metric) ?? '', points };
      },
    );

    app.get(
      '/readings',
      {
        schema: {
          tags: ['readings'],
          description: 'One metric of several terminals side by side, as for one terminal.',
          querystring: manyReadingsQuery,
          response: { 200: manyReadings },
        },
      },
      async (request) => {
        const caller = callerOf(request);
        const { terminalIds, metric } = request.query;
        const terminals = terminalIds.map((id) => registry.get(caller, id));
        check(terminals, request.query);
        const series = terminals.map(async (terminal) => ({
          terminalId: terminal.id,
          points: await pointsOf(seriesOf(caller, terminal, request.query), request.query),
        }));
        return { metric, unit: unitOf(metric) ?? '', series: await Promise.all(series) };
      },
    );

    app.get(
      '/areas/:code/readings',
      {
        config: { roles: ['admin', 'operator', 'company'] },
        schema: {
          tags: ['readings'],
          description:
            'One metric of all terminals of an area together: the sum, mean, least and greatest of what each terminal’s window gives.',
          params: z.strictObject({ code: areaCode }),
          querystring: areaReadingsQuery,
          response: { 200: areaReadings },
        },
      },
      async (request) => {
        const { metric, from, to, every, aggregate } = request.query;
        checkMetric(metric);
        checkRange(request.query, every, maxPoints);
        const terminals = (await terminalsIn(callerOf(request), request.params.code)).filter((terminal) =>
          hasMetric(terminal, metric),
        );
        const group = { terminalIds: terminals.map(({ id }) => id), metric, from, to };
        const found = terminals.length > 0 ? await store.together(group, every, aggregate) : [];
        const points = [...windowsUntilNow(found, request.query, every)].map(({ time, window }) => ({
          time,
          terminals: window?.terminals ?? 0,
          sum: window?.sum ?? null,
          mean: window ? window.sum / window.terminals : null,
          min: window?.min ?? null,
          max: window?.max ?? null,
        }));
        return { metric, unit: unitOf(metric) ?? '', terminals: terminals.length, points };
      },
    );

    app.get(
      '/readings/export',
      {
        schema: {
          tags: ['readings'],
          description:
            'CSV of any length, streamed: terminal, time in Asia/Shanghai, metric, value. Lines are in the order of terminals and times; the header hearthgate-terminals says how many terminals there are.',
          querystring: exportQuery,
          response: { 200: { content: { 'text/csv': { schema: z.unknown() } } } },
        },
      },
      async (request, reply) => {
        const caller = callerOf(request);
        const { terminalIds, areaCode: code, metric, from, to } = request.query;
        if (metric !== undefined) checkMetric(metric);
        checkRange(request.query, Number.POSITIVE_INFINITY, maxPoints);
        if ((terminalIds === undefined) === (code === undefined)) {
          throw new GatewayError('invalid_request', 'give either terminalIds or areaCode');
        }
        const asked = code === undefined ? undefined : await terminalsIn(caller, code);
        const terminals = asked ?? (terminalIds ?? []).map((id) => registry.get(caller, id));
        if (exports >= MOST_EXPORTS) throw new GatewayError('too_many_requests', `${exports} exports are under way`);
        // Once the first line has gone out, trouble can only cut the file.
        await store.ping();
        const since = (terminal: Terminal) => Math.max(from, visibleSince(caller, terminal));
        const wanted = terminals.filter((terminal) => metric === undefined || hasMetric(terminal, metric));
        const lines = csvOf(store, {
          terminals: wanted.map((terminal) => ({ id: terminal.id, from: since(terminal) })),
          to,
          metric,
        });
        exports += 1;
        const stream = Readable.from(lines).once('close', () => {
          exports -= 1;
        });
        return reply
          .type('text/csv; charset=utf-8')
          .header('content-disposition', 'attachment; filename="readings.csv"')
          .header('hearthgate-terminals', wanted.length)
          .send(stream);
      },
    );
  };
