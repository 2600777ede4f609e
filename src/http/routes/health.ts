import { Counter, collectDefaultMetrics, Gauge, Registry } from '@prometheus-io/client';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { HttpParts } from '../server.ts';

/** What each figure of `health` is called for Prometheus. */
const FIGURES = {
  connections: ['hearthgate_mqtt_connections', 'MQTT connections of terminals'],
  received: ['hearthgate_readings_total', 'Readings acknowledged since the start'],
  quarantined: ['hearthgate_quarantined_total', 'Values refused since the start'],
  spoolBytes: ['hearthgate_spool_bytes', 'Bytes in the spool'],
  spoolDamaged: ['hearthgate_spool_damaged_total', 'Damaged records skipped since the start'],
  spoolWaiting: ['hearthgate_spool_waiting', 'Readings that the store does not have yet'],
  liveStreams: ['hearthgate_live_streams', 'Open /live streams'],
} as const;

export const healthRoutes =
  ({ health }: HttpParts): FastifyPluginAsyncZod =>
  async (app) => {
    const metrics = new Registry();
    collectDefaultMetrics({ register: metrics });
    for (const [figure, [name, help]] of Object.entries(FIGURES) as [keyof typeof FIGURES, [string, string]][]) {
      const read = () => health.figures()[figure];
      const common = { name, help, registers: [metrics] };
      if (!name.endsWith('_total')) {
        new Gauge({
          ...common,
          collect() {
            this.set(read());
          },
        });
        continue;
      }
      new Counter({
        ...common,
        collect() {
          this.reset();
          this.inc(read());
        },
      });
    }
    const answer = z.object({ status: z.enum(['ok', 'degraded']), troubles: z.array(z.string()) });
    const open = { public: true } as const;

    app.get(
      '/health/live',
      {
        config: open,
        schema: { tags: ['health'], security: [], response: { 200: z.object({ status: z.literal('ok') }) } },
      },
      async () => ({ status: 'ok' as const }),
    );

    app.get(
      '/health/ready',
      { config: open, schema: { tags: ['health'], security: [], response: { 200: answer, 503: answer } } },
      async (_request, reply) => {
        const troubles = health.troubles();
        const degraded = troubles.length > 0;
        return reply.code(degraded ? 503 : 200).send({ status: degraded ? 'degraded' : 'ok', troubles });
      },
    );

    app.get('/metrics', { config: open, schema: { hide: true } }, async (_request, reply) =>
      reply.type(metrics.contentType).send(await metrics.metrics()),
    );
  };
