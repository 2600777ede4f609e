import { existsSync } from 'node:fs';
import { rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { realDisk } from '../readings/disk.ts';
import { listSegments, readSegment } from '../readings/segments.ts';
import { type Finding, fail, messageOf, ok, warn } from './finding.ts';

/** The data folder and the spool in it, while no gateway runs. */

function nearestExisting(folder: string): string {
  const above = dirname(folder);
  return existsSync(folder) || above === folder ? folder : nearestExisting(above);
}

export async function folderFinding(folder: string): Promise<Finding> {
  const place = nearestExisting(folder);
  const { uid } = await stat(place);
  const us = process.getuid?.() ?? uid;
  const probe = join(place, `.doctor-${process.pid}`);
  try {
    await writeFile(probe, 'may be deleted', { flush: true });
  } catch (error) {
    return fail('data_folder', messageOf(error), {
      zh: `让运行网关的用户可以写 ${place}（属主 uid ${uid}，当前 uid ${us}），或设置 HEARTHGATE_DATA__DIR`,
      en: `let the gateway's user write ${place} (its owner is uid ${uid}, this is uid ${us}), or set HEARTHGATE_DATA__DIR`,
    });
  } finally {
    await rm(probe, { force: true }).catch(() => undefined);
  }
  if (place !== folder) {
    return ok('data_folder', { zh: `${folder}，首次启动时建立`, en: `${folder}, made at the first start` });
  }
  if (uid !== us) {
    return warn(
      'data_folder',
      {
        zh: `${folder} 属于 uid ${uid}，而当前是 uid ${us}`,
        en: `${folder} belongs to uid ${uid}, and this is uid ${us}`,
      },
      {
        zh: '用运行网关的那个用户运行 doctor；网关始终用同一个用户启动',
        en: 'run doctor as the user that runs the gateway, and always start the gateway as the same user',
      },
    );
  }
  return ok('data_folder', { zh: `${folder}，可写`, en: `${folder}, writable` });
}

/** Reads every record. A damaged one is passed over by the gateway too, so that it costs only itself. */
export async function spoolFinding(folder: string): Promise<Finding> {
  if (!existsSync(folder)) return ok('spool', { zh: '还没有', en: 'none yet' });
  let records = 0;
  let damaged = 0;
  let segments = 0;
  try {
    for (const segment of await listSegments(realDisk, folder)) {
      segments += 1;
      for await (const found of readSegment(realDisk, segment, 0)) {
        const sound = found.filter(({ record }) => record !== undefined).length;
        records += sound;
        damaged += found.length - sound;
      }
    }
  } catch (error) {
    return fail('spool', messageOf(error), {
      zh: '检查该文件的权限和磁盘；不要删除它，里面可能有尚未入库的读数',
      en: 'look at the permissions of that file and at the disk; do not delete it, it may hold readings that the store does not have',
    });
  }
  const size = { zh: `${segments} 个分段，${records} 条记录`, en: `${segments} segments, ${records} records` };
  if (damaged === 0) return ok('spool', size);
  return warn(
    'spool',
    { zh: `${size.zh}，${damaged} 条损坏`, en: `${size.en}, ${damaged} damaged` },
    {
      zh: '网关会跳过损坏的记录，其余照常入库；请检查磁盘（smartctl）',
      en: 'the gateway passes over damaged records and stores the rest; look at the disk (smartctl)',
    },
  );
}
