import { statfs } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Database } from '../db/database.ts';
import type { Clock } from '../lib/clock.ts';
import type { Drain } from '../readings/drain.ts';
import type { Quarantine } from '../readings/quarantine.ts';
import type { Spool } from '../readings/spool.ts';
import type { Check, Seen } from './watch.ts';

/** What is asked of each part, and when it is not well. */

/** The store may fail this often in a row before it counts as degraded. */
const STORE_FAILURES = 3;
const STILL_MS = 60_000;
const COMMIT_WITHIN_MS = 2_000;
/** With less space than this on the data's disk it is time to look. */
export const LOW_DISK_BYTES = 268_435_456;
/** When nothing has been refused for this long after a failed commit, nobody knows whether the next would fail. */
const FAILURE_SHOWN_MS = 600_000;
const JUMP_MS = 1_000;
const JUMP_SHOWN_MS = 60_000;
const EARLIEST_YEAR = 2025;
const SLOW_LOOP_MS = 500;
const LOOP_RESOLUTION_MS = 20;

const seconds = (ms: number): string => `${Math.round(ms / 1_000)} s`;

/** An error of the system names a path at its end. */
const withoutPath = (trouble: string): string => trouble.replace(/^Error: /, '').replace(/ '[^']*'/g, '');

export const spoolCheck = (spool: Spool, commitMs: () => number | null): Check => ({
  name: 'spool',
  vital: true,
  look() {
    const { trouble, waitingMs } = spool.state();
    const latencyMs = commitMs();
    if (trouble) return { state: 'degraded', detail: withoutPath(trouble), latencyMs };
    if (waitingMs > COMMIT_WITHIN_MS)
      return { state: 'away', detail: `no commit for ${seconds(waitingMs)}`, latencyMs };
    return { state: 'ok', latencyMs };
  },
});

export const storeCheck = (drain: Drain, ping: () => Promise<void>): Check => ({
  name: 'store',
  vital: true,
  ask: ping,
  look() {
    const { failures, waiting, stillMs, oldestMs } = drain.state();
    if (failures >= STORE_FAILURES) {
      return { state: 'degraded', detail: `failed ${failures} times in a row; readings wait in the spool` };
    }
    if (waiting > 0 && stillMs > STILL_MS) {
      return { state: 'degraded', detail: `${waiting} readings wait, and none has moved for a minute` };
    }
    return {
      state: 'ok',
      detail: waiting > 0 ? `${waiting} readings wait, the oldest for ${seconds(oldestMs)}` : null,
    };
  },
});

export const databaseCheck = (db: Database): Check => ({
  name: 'database',
  vital: true,
  ask: () => db.selectFrom('terminals').select('id').limit(1).execute(),
});

/** Vital: a message is acknowledged only when what is refused of it is kept. */
export const quarantineCheck = (quarantine: Pick<Quarantine, 'state'>): Check => ({
  name: 'quarantine',
  vital: true,
  look() {
    const { isFull, failures, failedAgoMs } = quarantine.state();
    if (failures > 0 && failedAgoMs < FAILURE_SHOWN_MS) {
      const times = `${failures} ${failures === 1 ? 'commit' : 'commits'} failed in a row, the last ${seconds(failedAgoMs)} ago`;
      return { state: 'degraded', detail: `${times}; what is refused cannot be kept, and its messages come again` };
    }
    return isFull ? { state: 'degraded', detail: 'too much waits for a commit' } : { state: 'ok' };
  },
});

export interface MqttState {
  listening: boolean;
  connections: number;
  sockets: number;
  limit: number;
  /** Of a broker of another maker: how it stands with the connection. */
  external?: string;
}

export const mqttCheck = (state: () => MqttState): Check => ({
  name: 'mqtt',
  vital: true,
  look() {
    const { listening, sockets, limit, external } = state();
    if (external !== undefined) return { state: listening ? 'ok' : 'away', detail: external };
    const detail = `${sockets} of ${limit} connections`;
    if (!listening) return { state: 'away', detail: 'does not listen' };
    return { state: sockets >= limit ? 'degraded' : 'ok', detail };
  },
});

export interface ModbusState {
  lines: number;
  down: number;
  /** Of DTUs that dialled in. */
  connections: number;
  /** Connections refused for a registration that nobody knows. */
  unknown: number;
}

/** Not vital, as its other end is not ours: a terminal that cannot be reached is offline. */
export const modbusCheck = (state: () => ModbusState): Check => ({
  name: 'modbus',
  vital: false,
  look() {
    const { lines, down } = state();
    const allDown = lines > 0 && down === lines;
    return { state: allDown ? 'degraded' : 'ok', detail: lines > 0 ? `${lines - down} of ${lines} lines up` : null };
  },
});

/** Not vital: what a full disk costs, the spool says. */
export function diskCheck(folder: string): Check & { freeBytes: () => number } {
  let free: number | undefined;
  return {
    name: 'disk',
    vital: false,
    async ask() {
      const { bavail, bsize } = await statfs(folder);
      free = bavail * bsize;
    },
    look: () =>
      free === undefined
        ? { state: 'ok' }
        : { state: free < LOW_DISK_BYTES ? 'degraded' : 'ok', detail: `${free} bytes free` },
    freeBytes: () => free ?? 0,
  };
}

/** Whether somebody sets the computer's clock while we run: the times of readings and commands jump with it. */
export function clockCheck(clock: Clock): Check & { jumps: () => number } {
  let ahead = clock.now() - clock.ticks();
  let jumps = 0;
  let last: { ms: number; at: number } | undefined;
  return {
    name: 'clock',
    vital: false,
    look(): Seen {
      const ms = clock.now() - clock.ticks() - ahead;
      if (Math.abs(ms) > JUMP_MS) {
        ahead += ms;
        jumps += 1;
        last = { ms, at: clock.ticks() };
      }
      const year = new Date(clock.now()).getUTCFullYear();
      if (year < EARLIEST_YEAR) return { state: 'degraded', detail: `says that it is ${year}` };
      if (!last || clock.ticks() - last.at > JUMP_SHOWN_MS) return { state: 'ok' };
      return { state: 'degraded', detail: `jumped by ${last.ms > 0 ? '+' : ''}${seconds(last.ms)}` };
    },
    jumps: () => jumps,
  };
}

/** Dispose ends the measuring. */
export function eventLoopCheck(): Check & Disposable & { delayMs: () => number } {
  const delays = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  delays.enable();
  let delayMs = 0;
  return {
    name: 'event_loop',
    vital: false,
    async ask() {
      // The histogram counts its own interval too.
      if (delays.count > 0) delayMs = Math.max(0, delays.percentile(99) / 1e6 - LOOP_RESOLUTION_MS);
      delays.reset();
    },
    look: () => ({ state: delayMs > SLOW_LOOP_MS ? 'degraded' : 'ok', latencyMs: delayMs }),
    delayMs: () => delayMs,
    [Symbol.dispose]: () => delays.disable(),
  };
}
