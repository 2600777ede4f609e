import { spawnSync } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LOW_DISK_BYTES } from '../health/checks.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

/** The computer: Node, disk and clock. */

/** Runs TypeScript as it is, and has what the tests ran on. */
const NODE_MAJOR = 24;
const OLDEST_NODE_MAJOR = 22;
const MIB = 1_048_576;
const EARLIEST_YEAR = 2025;
const LATEST_YEAR = 2100;
const CLOCK_WARN_MS = 2_000;

export function nodeFinding(version = process.versions.node): Finding {
  const major = Number(version.split('.')[0]);
  if (major >= NODE_MAJOR) return ok('node', version);
  const remedy = {
    zh: `用 npx hearthgate 或 npm start 启动，它们使用 Node ${NODE_MAJOR}；或安装 Node ${NODE_MAJOR}`,
    en: `start it by npx hearthgate or npm start, which use Node ${NODE_MAJOR}, or install Node ${NODE_MAJOR}`,
  };
  const detail = { zh: `${version}，测试使用的是 ${NODE_MAJOR}`, en: `${version}, and it is tested on ${NODE_MAJOR}` };
  return major >= OLDEST_NODE_MAJOR ? warn('node', detail, remedy) : fail('node', detail, remedy);
}

/** Where a folder that does not exist yet will be made. */
async function statNearest(folder: string): ReturnType<typeof statfs> {
  try {
    return await statfs(folder);
  } catch (error) {
    const above = dirname(folder);
    if (above === folder) throw error;
    return statNearest(above);
  }
}

export async function diskFinding(folder: string, spoolMaxBytes: number): Promise<Finding> {
  const { bavail, bsize } = await statNearest(folder);
  const free = Number(bavail) * Number(bsize);
  const mib = (bytes: number) => `${Math.floor(bytes / MIB)} MiB`;
  if (free < LOW_DISK_BYTES) {
    return fail(
      'disk',
      { zh: `剩余 ${mib(free)}`, en: `${mib(free)} free` },
      {
        zh: `至少腾出 ${mib(LOW_DISK_BYTES)}，或把 data.dir 移到别的磁盘`,
        en: `make at least ${mib(LOW_DISK_BYTES)} free, or move data.dir to another disk`,
      },
    );
  }
  if (free < spoolMaxBytes) {
    return warn(
      'disk',
      {
        zh: `剩余 ${mib(free)}，少于缓冲队列上限 ${mib(spoolMaxBytes)}`,
        en: `${mib(free)} free, less than the spool may grow to (${mib(spoolMaxBytes)})`,
      },
      {
        zh: '腾出空间，或调小 readings.spoolMaxBytes：时序库长时间不可用时，磁盘会先满',
        en: 'make space, or lower readings.spoolMaxBytes: when the store is away for long, the disk fills first',
      },
    );
  }
  return ok('disk', { zh: `剩余 ${mib(free)}`, en: `${mib(free)} free` });
}

/** By how much another machine's clock is ahead of ours. */
export interface OtherClock {
  of: string;
  aheadMs: number;
}

/** Undefined where the system does not say. */
function isSynchronized(): boolean | undefined {
  const { status, stdout } = spawnSync('timedatectl', ['show', '-p', 'NTPSynchronized', '--value'], {
    encoding: 'utf8',
    timeout: 2_000,
  });
  if (status !== 0) return undefined;
  return stdout.trim() === 'yes';
}

export function clockFinding(now: number, others: OtherClock[], synchronized = isSynchronized()): Finding {
  const remedy = {
    zh: '开启校时：timedatectl set-ntp true，或安装 chrony',
    en: 'turn time synchronisation on: timedatectl set-ntp true, or install chrony',
  };
  const shown = new Date(now).toISOString();
  const year = new Date(now).getUTCFullYear();
  if (year < EARLIEST_YEAR || year > LATEST_YEAR) return fail('clock', shown, remedy);
  const far = others.find(({ aheadMs }) => Math.abs(aheadMs) > CLOCK_WARN_MS);
  if (far) {
    const s = Math.round(far.aheadMs / 1_000);
    return warn(
      'clock',
      { zh: `${shown}，与 ${far.of} 相差 ${s} 秒`, en: `${shown}, and that of ${far.of} is ${s} s ahead` },
      remedy,
    );
  }
  if (synchronized === false) {
    return warn('clock', { zh: `${shown}，未与时间服务器同步`, en: `${shown}, not synchronised` }, remedy);
  }
  const how = synchronized
    ? { zh: '已同步', en: 'synchronised' }
    : { zh: '系统没有说明是否同步', en: 'the system does not say whether it is synchronised' };
  return ok('clock', { zh: `${shown}，${how.zh}`, en: `${shown}, ${how.en}` });
}
