import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { visibleSince } from '../../areas/scope.ts';
import { rfc3339 } from '../../lib/calendar.ts';
import { GatewayError } from '../../lib/errors.ts';
import { unitOf } from '../../lib/units.ts';
import type { Aggregate, Series } from '../../readings/store.ts';
import { callerOf } from '../auth.ts';
import {
  quarantinePage,
  quarantineQuery,
  readings,
  readingsQuery,
  terminalUsageQuery,
  usage,
} from '../schemas/readings.ts';
import { terminalId } from '../schemas/terminals.ts';
import type { HttpParts } from '../server.ts';
import { checkRange, counterUsage } from '../usage.ts';

export const readingRoutes =
  (parts: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const { registry, store, quarantine, config } = parts;
    const params = z.strictObject({ id: terminalId });
    const { maxPoints } = config.readings;

    async function rawPoints(series: Series) {
      const points = await store.points(series, maxPoints + 1);
      if (points.length > maxPoints) {
        throw new GatewayError('invalid_request', `more than ${maxPoints} points: shorten the range or give every`);
      }
      return points;
    }

    async function windowPoints(series: Series, every: number, aggregate: Aggregate = 'mean') {
      const windows = await store.windows(series, every);
      return windows.map((window) => ({ time: window.time, value: window[aggregate] }));
    }

    app.get(
      '/terminals/:id/readings',
      {
        schema: {
          tags: ['readings'],
          description: 'Raw values, or one value a window with `every`; windows without readings are left out.',
          params,
          querystring: readingsQuery,
          response: { 200: readings },
        },
      },
      async (request) => {
        const caller = callerOf(request);
        const terminal = registry.get(caller, request.params.id);
        const { metric, to, every, aggregate } = request.query;
        if (!Object.hasOwn(terminal.profile.metrics, metric)) {
          throw new GatewayError('invalid_request', `${terminal.profile.profile} has no metric ${metric}`);
        }
        if (aggregate && !every) throw new GatewayError('invalid_request', 'aggregate needs every');
        checkRange(request.query, every ?? Number.POSITIVE_INFINITY, maxPoints);
        const from = Math.max(request.query.from, visibleSince(caller, terminal));
        const series = { terminalId: terminal.id, metric, from, to };
        const asked = every ? () => windowPoints(series, every, aggregate) : () => rawPoints(series);
        const points = from < to ? await asked() : [];
        return {
          metric,
          unit: unitOf(metric) ?? '',
          points: points.map(({ time, value }) => ({ time: rfc3339(time), value })),
        };
      },
    );

    app.get(
      '/terminals/:id/usage',
      {
        schema: {
          tags: ['readings'],
          description: 'Consumption from a counter of the terminal.',
          params,
          querystring: terminalUsageQuery,
          response: { 200: usage },
        },
      },
      async (request) => {
        const caller = callerOf(request);
        const terminal = registry.get(caller, request.params.id);
        const { metric, ...query } = request.query;
        const counters = await counterUsage(parts, terminal, query, visibleSince(caller, terminal));
        const counter = metric === undefined ? counters[0] : counters.find((one) => one.metric === metric);
        if (counter) return counter.items;
        throw new GatewayError('invalid_request', `${terminal.profile.profile} has no counter ${metric ?? ''}`);
      },
    );

    app.get(
      '/quarantine',
      {
        config: { roles: ['admin', 'operator', 'company'] },
        schema: { tags: ['readings'], querystring: quarantineQuery, response: { 200: quarantinePage } },
      },
      async (request) => {
        const page = await quarantine.list(callerOf(request), request.query);
        return { ...page, items: page.items.map((row) => ({ ...row, receivedAt: rfc3339(row.receivedAt) })) };
      },
    );
  };
