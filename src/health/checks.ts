import { statfs } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { ClockWatch } from '../commands/clock-watch.ts';
import type { Policies, PolicyState } from '../commands/policies.ts';
import type { Database } from '../db/database.ts';
import type { Clock } from '../lib/clock.ts';
import type { Drain } from '../readings/drain.ts';
import type { Quarantine } from '../readings/quarantine.ts';
import type { Spool } from '../readings/spool.ts';
import type { Weather } from '../weather/weather.ts';
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
/** Holidays of the coming days should be written down. */
export const HOLIDAY_DAYS = 60;
const SLOW_LOOP_MS = 500;
const LOOP_RESOLUTION_MS = 20;

const seconds = (ms: number): number => Math.round(ms / 1_000);
const minutes = (ms: number): number => Math.round(ms / 60_000);

/** An error of the system names a path at its end. */
const withoutPath = (trouble: string): string => trouble.replace(/^Error: /, '').replace(/ '[^']*'/g, '');

export const spoolCheck = (spool: Spool, commitMs: () => number | null): Check => ({
  name: 'spool',
  vital: true,
  look() {
    const { trouble, waitingMs } = spool.state();
    const latencyMs = commitMs();
    if (trouble) return { state: 'degraded', detail: withoutPath(trouble), latencyMs };
    const s = seconds(waitingMs);
    if (waitingMs > COMMIT_WITHIN_MS) {
      return { state: 'away', detail: { zh: `${s} 秒没有写入磁盘`, en: `no commit for ${s} s` }, latencyMs };
    }
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
      const detail = {
        zh: `连续失败 ${failures} 次；读数在缓冲队列中等待`,
        en: `failed ${failures} times in a row; readings wait in the spool`,
      };
      return { state: 'degraded', detail };
    }
    if (waiting > 0 && stillMs > STILL_MS) {
      const detail = {
        zh: `${waiting} 条读数在等待，一分钟没有进展`,
        en: `${waiting} readings wait, and none has moved for a minute`,
      };
      return { state: 'degraded', detail };
    }
    if (waiting === 0) return { state: 'ok' };
    const s = seconds(oldestMs);
    const detail = {
      zh: `${waiting} 条读数在等待，最早的已等 ${s} 秒`,
      en: `${waiting} readings wait, the oldest for ${s} s`,
    };
    return { state: 'ok', detail };
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
      const s = seconds(failedAgoMs);
      const times = `${failures} ${failures === 1 ? 'commit' : 'commits'} failed in a row, the last ${s} s ago`;
      const detail = {
        zh: `连续 ${failures} 次写入失败，最近一次在 ${s} 秒前；拒收的内容无法保存，终端会重发`,
        en: `${times}; what is refused cannot be kept, and its messages come again`,
      };
      return { state: 'degraded', detail };
    }
    if (!isFull) return { state: 'ok' };
    return { state: 'degraded', detail: { zh: '等待写入的内容过多', en: 'too much waits for a commit' } };
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
    const detail = { zh: `连接数 ${sockets}，上限 ${limit}`, en: `${sockets} of ${limit} connections` };
    if (!listening) return { state: 'away', detail: { zh: '没有监听', en: 'does not listen' } };
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
    const up = lines - down;
    const detail = { zh: `${lines} 条线路中 ${up} 条连通`, en: `${up} of ${lines} lines up` };
    return { state: allDown ? 'degraded' : 'ok', detail: lines > 0 ? detail : null };
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
    look() {
      if (free === undefined) return { state: 'ok' };
      const detail = { zh: `剩余 ${free} 字节`, en: `${free} bytes free` };
      return { state: free < LOW_DISK_BYTES ? 'degraded' : 'ok', detail };
    },
    freeBytes: () => free ?? 0,
  };
}

/** Whether somebody sets the computer's clock while we run: the times of readings and commands jump with it, and no heat is taken away. */
export const clockCheck = (clockWatch: Pick<ClockWatch, 'state'>, clock: Clock): Check => ({
  name: 'clock',
  vital: false,
  look() {
    const { trouble, jumpMs = 0, unsureMs } = clockWatch.state();
    if (!trouble) return { state: 'ok' };
    if (trouble === 'too_early') {
      const year = new Date(clock.now()).getUTCFullYear();
      const detail = {
        zh: `时钟显示 ${year} 年；时钟可信之前不下发关停指令`,
        en: `says that it is ${year}; nothing is switched off until it can be trusted`,
      };
      return { state: 'degraded', detail };
    }
    const [by, left] = [`${jumpMs > 0 ? '+' : ''}${seconds(jumpMs)}`, Math.ceil(unsureMs / 1_000)];
    const detail = {
      zh: `时钟跳变 ${by} 秒；${left} 秒内，或在管理员确认之前，不下发关停指令`,
      en: `jumped by ${by} s; nothing is switched off for ${left} s, or until an admin says that it is right`,
    };
    return { state: 'degraded', detail };
  },
});

const POLICY_TROUBLES = {
  unreadable: {
    zh: '策略文件读不出来，不下发关停指令；原因见日志',
    en: 'the files cannot be read, so nothing is switched off; the log says why',
  },
  none_begun: { zh: '没有已生效的策略，不下发关停指令', en: 'none has begun, so nothing is switched off' },
};

export function policiesSeen({ trouble, version, holidayDays }: PolicyState): Seen {
  if (trouble) return { state: 'degraded', detail: POLICY_TROUBLES[trouble] };
  const said = { zh: `版本 ${version}`, en: `version ${version}` };
  if (holidayDays === undefined || holidayDays >= HOLIDAY_DAYS) return { state: 'ok', detail: said };
  const detail = {
    zh: `${said.zh}；节假日只写到今后 ${holidayDays} 天，请按国务院办公厅通知补上`,
    en: `${said.en}; holidays are written down for ${holidayDays} more days only`,
  };
  return { state: 'degraded', detail };
}

/** Not vital: without a policy nothing is switched off, and all else goes on. */
export const policiesCheck = ({ state }: Pick<Policies, 'state'>): Check => ({
  name: 'policies',
  vital: false,
  look: () => policiesSeen(state()),
});

/** Not vital: what it is too cold for cannot be known, and is not done. */
export const weatherCheck = ({ state }: Pick<Weather, 'state'>): Check => ({
  name: 'weather',
  vital: false,
  look() {
    const now = state();
    if (now === 'none') return { state: 'ok', detail: { zh: '未配置', en: 'none is configured' } };
    const { trouble, places, unknown, oldestMs } = now;
    const min = minutes(oldestMs ?? 0);
    if (unknown > 0 || places === 0) {
      const old = {
        zh: `${places} 个地区中 ${unknown} 个的天气过时，最旧的有 ${min} 分钟`,
        en: `of ${places} places the weather of ${unknown} is too old, the oldest ${min} min`,
      };
      return {
        state: 'degraded',
        detail: places === 0 ? { zh: '还没有天气数据', en: 'there is no weather yet' } : old,
      };
    }
    if (trouble) {
      const detail = {
        zh: `最近一次读取失败；已有的天气最旧为 ${min} 分钟前`,
        en: `could not be read the last time; the oldest that is known is ${min} min old`,
      };
      return { state: 'degraded', detail };
    }
    return { state: 'ok', detail: { zh: `最旧的为 ${min} 分钟前`, en: `the oldest is ${min} min old` } };
  },
});

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
