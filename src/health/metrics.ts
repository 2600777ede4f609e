import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from '@prometheus-io/client';
import type { Collection } from '../billing/collection.ts';
import type { CommitTimes } from '../readings/spool.ts';
import type { Part } from './watch.ts';

/** Prometheus metrics: what is counted as it happens, and figures that are read when somebody asks. */

const COMMIT_BUCKETS_S = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
const BATCH_BUCKETS_S = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30];

/** By name, which ends in `_total` for what only grows: its help, and its value now. */
export type Figures = Record<string, [help: string, read: () => number]>;

export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const commit = new Histogram({
    name: 'hearthgate_spool_commit_seconds',
    help: 'What a commit of readings to disk takes',
    buckets: COMMIT_BUCKETS_S,
    registers,
  });
  const acknowledgement = new Histogram({
    name: 'hearthgate_acknowledgement_seconds',
    help: 'How long the first reading of each commit waits from its arrival until it is acknowledged',
    buckets: COMMIT_BUCKETS_S,
    registers,
  });
  const batch = new Histogram({
    name: 'hearthgate_store_write_seconds',
    help: 'What the store takes for a batch',
    buckets: BATCH_BUCKETS_S,
    registers,
  });
  let lastCommitMs: number | null = null;

  function showFigures(figures: Figures): void {
    for (const [name, [help, read]] of Object.entries(figures)) {
      const common = { name, help, registers };
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
  }

  function showParts(parts: () => Part[]): void {
    new Gauge({
      name: 'hearthgate_part_up',
      help: '1 while a part of /health/ready is ok, else 0',
      labelNames: ['part'],
      registers,
      collect() {
        for (const { name, state } of parts()) this.set({ part: name }, state === 'ok' ? 1 : 0);
      },
    });
    new Gauge({
      name: 'hearthgate_part_latency_seconds',
      help: 'How long a part of /health/ready took for its last answer',
      labelNames: ['part'],
      registers,
      collect() {
        for (const { name, latencyMs } of parts()) {
          if (latencyMs !== null) this.set({ part: name }, latencyMs / 1_000);
        }
      },
    });
  }

  function showSecurity(counts: () => ReadonlyMap<string, number>): void {
    new Counter({
      name: 'hearthgate_security_events_total',
      help: 'Security events since the start, by kind',
      labelNames: ['kind'],
      registers,
      collect() {
        this.reset();
        for (const [kind, count] of counts()) this.inc({ kind }, count);
      },
    });
  }

  function showPayments({ notifications, differences }: Collection): void {
    new Counter({
      name: 'hearthgate_payment_notifications_total',
      help: 'What payment providers told since the start: taken, held or refused',
      labelNames: ['provider', 'state'],
      registers,
      collect() {
        this.reset();
        for (const { provider, state, count } of notifications.counts()) this.inc({ provider, state }, count);
      },
    });
    new Gauge({
      name: 'hearthgate_payment_notifications_held',
      help: 'What payment providers told that does not fit and waits for people',
      registers,
      collect() {
        this.set(notifications.held());
      },
    });
    new Gauge({
      name: 'hearthgate_payment_differences_open',
      help: 'Differences between statements of providers and our orders that nobody has explained',
      registers,
      collect() {
        this.set(differences.open());
      },
    });
  }

  return {
    committed({ diskMs, longestWaitMs }: CommitTimes): void {
      lastCommitMs = diskMs;
      commit.observe(diskMs / 1_000);
      acknowledgement.observe(longestWaitMs / 1_000);
    },
    /** Null before the first. */
    lastCommitMs: () => lastCommitMs,
    stored: (ms: number): void => batch.observe(ms / 1_000),
    showFigures,
    showParts,
    showSecurity,
    showPayments,
    contentType: registry.contentType,
    text: (): Promise<string> => registry.metrics(),
  };
}
export type Metrics = ReturnType<typeof createMetrics>;
