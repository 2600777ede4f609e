import { join } from 'node:path';
import { z } from 'zod';
import { readAreas } from '../areas/areas.ts';
import { type Config, databaseOf, loadConfig, ownAddress } from '../config.ts';
import { isFolderLocked } from '../db/lock.ts';
import type { Text } from '../lib/text.ts';
import { loadProfiles } from '../terminals/profile.ts';
import { folderFinding, spoolFinding } from './data-folder.ts';
import { postgresFinding, sqliteFinding } from './database.ts';
import { duckdbFinding } from './duckdb.ts';
import { type Finding, fail, messageOf, ok, warn } from './finding.ts';
import { influxFindings } from './influx.ts';
import { ledgerFindings } from './ledger.ts';
import { clockFinding, diskFinding, nodeFinding, type OtherClock } from './machine.ts';
import { nameOf } from './names.ts';
import { certificateFinding, portFindings } from './network.ts';
import { policiesFinding } from './policies.ts';

/** Looks at everything that the gateway needs, in the order in which it needs it. Only reads, so it may run beside a gateway. */

const WITHIN_MS = 5_000;

const readyAnswer = z.object({
  status: z.string(),
  parts: z.array(
    z.object({ name: z.string(), state: z.string(), detail: z.string().nullable(), detailZh: z.string().nullable() }),
  ),
});
type ReadyAnswer = z.infer<typeof readyAnswer>;

/** The running gateway's own answer; undefined when it gives none. */
async function askGateway({ http }: Config): Promise<ReadyAnswer | undefined> {
  try {
    const url = `http://${ownAddress(http.host)}:${http.port}/health/ready`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(WITHIN_MS) });
    return readyAnswer.parse(await answer.json());
  } catch {
    return undefined;
  }
}

function gatewayFinding(running: boolean, ready: ReadyAnswer | undefined): Finding {
  if (!running) return ok('gateway', { zh: '没有运行', en: 'does not run' });
  if (!ready) {
    return fail(
      'gateway',
      { zh: '正在运行，但 /health/ready 没有回答', en: 'runs, and /health/ready does not answer' },
      {
        zh: '若刚启动请稍候；否则查看其日志，并检查 HEARTHGATE_HTTP__PORT 是否与运行中的一致',
        en: 'wait if it has just started; otherwise read its log, and see that HEARTHGATE_HTTP__PORT is the one it runs with',
      },
    );
  }
  const troubled = ready.parts.filter(({ state }) => state !== 'ok');
  if (troubled.length === 0) return ok('gateway', { zh: '正在运行，状态正常', en: 'runs, and is well' });
  const detail = {
    zh: troubled.map(({ name, detailZh }) => `${nameOf(name, 'zh')}：${detailZh ?? ''}`).join('；'),
    en: troubled.map((part) => `${nameOf(part.name, 'en')}: ${part.detail ?? ''}`).join('; '),
  };
  const remedy = { zh: '见下面相应各项，以及网关的日志', en: 'see the parts below, and the log of the gateway' };
  return ready.status === 'ok' ? warn('gateway', detail, remedy) : fail('gateway', detail, remedy);
}

/** What the running gateway says of a part whose files are its own. */
function partFinding(name: string, part: string, ready: ReadyAnswer | undefined): Finding {
  const found = ready?.parts.find((one) => one.name === part);
  if (!found) {
    return warn(
      name,
      { zh: '运行中的网关没有说明', en: 'the running gateway does not say' },
      { zh: '停止网关后再运行一次 doctor', en: 'stop the gateway and run doctor again' },
    );
  }
  const detail = {
    zh: `运行中的网关：${found.detailZh ?? '正常'}`,
    en: `the running gateway: ${found.detail ?? 'is well'}`,
  };
  if (found.state === 'ok') return ok(name, detail);
  const remedy = { zh: '查看网关的日志', en: 'read the log of the gateway' };
  return found.state === 'away' ? fail(name, detail, remedy) : warn(name, detail, remedy);
}

function filesFinding(name: string, remedy: Text, load: () => number): Finding {
  try {
    const count = load();
    return ok(name, { zh: `${count} 个`, en: `${count}` });
  } catch (error) {
    return fail(name, messageOf(error), remedy);
  }
}

export async function* diagnose(env: NodeJS.ProcessEnv, now: () => number): AsyncGenerator<Finding> {
  yield nodeFinding();
  let config: Config;
  try {
    config = loadConfig(env);
    yield ok('config', { zh: '有效', en: 'valid' });
  } catch (error) {
    yield fail('config', messageOf(error), {
      zh: '更正所指出的设置；全部设置及默认值见 config/gateway.yaml',
      en: 'correct the setting that it names; config/gateway.yaml shows all of them with their defaults',
    });
    return;
  }
  const folder = config.data.dir;
  const { profiles, areas } = config.files;
  const fix = { zh: '更正所指出的文件', en: 'correct the file that it names' };
  yield filesFinding('profiles', fix, () => loadProfiles(profiles).size);
  yield filesFinding('areas', fix, () => readAreas(areas).length);
  yield policiesFinding(config.files.policies, now());

  yield await folderFinding(folder);
  yield await diskFinding(folder, config.readings.spoolMaxBytes);
  const running = isFolderLocked(folder);
  const ready = running ? await askGateway(config) : undefined;
  yield gatewayFinding(running, ready);
  yield* await portFindings(config, running);
  if (config.mqtt.tls) yield certificateFinding(config.mqtt.tls, now());
  yield running ? partFinding('spool', 'spool', ready) : await spoolFinding(join(folder, 'spool'));

  const clocks: OtherClock[] = [];
  const [database, others]: [Finding, OtherClock[]] = config.database.url
    ? await postgresFinding(config.database.url, now)
    : [running ? partFinding('database', 'database', ready) : sqliteFinding(databaseOf(config)), []];
  clocks.push(...others);
  yield database;
  if (database.state === 'ok') yield* await ledgerFindings(databaseOf(config));
  const { kind } = config.timeseries;
  if (kind === 'embedded') {
    yield running ? partFinding('timeseries', 'store', ready) : await duckdbFinding(join(folder, 'readings'));
  } else {
    const [findings, others] = await influxFindings({ ...config.timeseries, kind }, now);
    clocks.push(...others);
    yield* findings;
  }
  yield clockFinding(now(), clocks);
}
