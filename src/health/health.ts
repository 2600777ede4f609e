import type { Database } from '../db/database.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import {
  clockCheck,
  databaseCheck,
  diskCheck,
  eventLoopCheck,
  modbusCheck,
  mqttCheck,
  policiesCheck,
  quarantineCheck,
  spoolCheck,
  storeCheck,
  weatherCheck,
} from './checks.ts';
import { type CountingParts, figuresOf } from './figures.ts';
import type { Metrics } from './metrics.ts';
import { startWatch } from './watch.ts';

/** Watches every part of a gateway, for people, load balancers and Prometheus. Dispose ends that. */
export async function startHealth(
  parts: CountingParts & {
    /** Rejects when the store does not answer. */
    pingStore: () => Promise<void>;
    db: Database;
    dataFolder: string;
    metrics: Metrics;
    clock: Clock;
    log: Logger;
  },
) {
  const { spool, drain, quarantine, pingStore, db, mqtt, modbus, control, metrics, clock, log } = parts;
  const disk = diskCheck(parts.dataFolder);
  const eventLoop = eventLoopCheck();
  const checks = [
    spoolCheck(spool, metrics.lastCommitMs),
    storeCheck(drain, pingStore),
    databaseCheck(db),
    quarantineCheck(quarantine),
    mqttCheck(mqtt),
    modbusCheck(modbus),
    disk,
    clockCheck(control.clockWatch, clock),
    policiesCheck(control.policies),
    weatherCheck(control.weather),
    eventLoop,
  ];
  const watch = await startWatch(checks, { clock, log });
  const seen = { freeBytes: disk.freeBytes, loopDelayMs: eventLoop.delayMs };
  metrics.showParts(watch.parts);
  metrics.showFigures(figuresOf(parts, seen));
  return {
    parts: watch.parts,
    [Symbol.dispose](): void {
      watch[Symbol.dispose]();
      eventLoop[Symbol.dispose]();
    },
  };
}
export type Health = Awaited<ReturnType<typeof startHealth>>;
