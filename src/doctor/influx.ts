import type { Config } from '../config.ts';
import type { InfluxTrouble } from '../readings/influx/inspect.ts';
import { inspectInflux1 } from '../readings/store-influx1.ts';
import { inspectInflux2 } from '../readings/store-influx2.ts';
import { type Finding, fail, messageOf, ok, warn } from './finding.ts';
import type { OtherClock } from './machine.ts';

/** What the store's own inspection of an InfluxDB server says, in words. */

type Settings = Config['timeseries'];

const DAY_MS = 86_400_000;
const ACCESS = {
  influx1: 'HEARTHGATE_TIMESERIES__USERNAME, HEARTHGATE_TIMESERIES__PASSWORD',
  influx2: 'HEARTHGATE_TIMESERIES__TOKEN, HEARTHGATE_TIMESERIES__ORG',
};
const GRANT = {
  influx1: { zh: '授予该用户此数据库的全部权限', en: 'grant the user all on the database' },
  influx2: { zh: '授予该令牌读写此存储桶的权限', en: 'give the token the right to read and write the bucket' },
};

function durationOf(ms: number): Record<'zh' | 'en', string> {
  const days = Math.round((ms / DAY_MS) * 100) / 100;
  return ms === Number.POSITIVE_INFINITY ? { zh: '永久', en: 'for ever' } : { zh: `${days} 天`, en: `${days} days` };
}

/** What a library says ends with its cause. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause ? error.cause : error;
  return messageOf(cause).replace(/^InfluxDB: /, '');
}

function retentionFinding(differing: Extract<InfluxTrouble, { code: 'retention' }>['differing']): Finding {
  const each = differing.map(({ name, keptMs, wantedMs }) => {
    const [kept, wanted] = [durationOf(keptMs), durationOf(wantedMs)];
    return {
      zh: `${name} 保留 ${kept.zh}，配置为 ${wanted.zh}`,
      en: `${name} is kept ${kept.en}, configured ${wanted.en}`,
    };
  });
  const settings = 'HEARTHGATE_TIMESERIES__KEEP_RAW_DAYS, HEARTHGATE_TIMESERIES__KEEP_ROLLUP_DAYS';
  return warn(
    'timeseries_retention',
    { zh: each.map(({ zh }) => zh).join('；'), en: each.map(({ en }) => en).join('; ') },
    {
      zh: `网关启动时按配置修改（须有权限；缩短要等汇总完成，更早的读数随即删除）；若现状才对，更正 ${settings}`,
      en: `the gateway changes it at its start, if it may (a shorter one waits for roll-ups, then what is older goes); to keep what is there, correct ${settings}`,
    },
  );
}

/** `what` names the server. */
function findingOf(trouble: InfluxTrouble, what: string, kind: 'influx1' | 'influx2'): Finding {
  switch (trouble.code) {
    case 'unreachable':
      return fail('timeseries', `${what}: ${causeOf(trouble.error)}`, {
        zh: '启动 InfluxDB，或更正 HEARTHGATE_TIMESERIES__URL；在此期间读数留在缓冲队列',
        en: 'start InfluxDB, or correct HEARTHGATE_TIMESERIES__URL; until then readings wait in the spool',
      });
    case 'other_line':
      return fail('timeseries', `${what}, ${kind}`, {
        zh: '更正 HEARTHGATE_TIMESERIES__KIND 或 HEARTHGATE_TIMESERIES__URL',
        en: 'correct HEARTHGATE_TIMESERIES__KIND or HEARTHGATE_TIMESERIES__URL',
      });
    case 'unreadable':
      return fail('timeseries', `${what}: ${causeOf(trouble.error)}`, {
        zh: `更正 ${ACCESS[kind]}；若与权限无关，查看 InfluxDB 的日志`,
        en: `correct ${ACCESS[kind]}, or read the log of InfluxDB when it is not about access`,
      });
    case 'missing': {
      const names = trouble.names.join(', ');
      return warn(
        'timeseries',
        { zh: `${what}，没有 ${names}`, en: `${what}, ${names} is missing` },
        {
          zh: `启动网关时会建立；若不允许它建立，请先建好并${GRANT[kind].zh}`,
          en: `the gateway makes it at its start; where it may not, make it and ${GRANT[kind].en}`,
        },
      );
    }
    case 'retention':
      return retentionFinding(trouble.differing);
    case 'unwritable':
      return fail('timeseries_writing', causeOf(trouble.error), {
        zh: `${GRANT[kind].zh}，或更正 ${ACCESS[kind]}`,
        en: `${GRANT[kind].en}, or correct ${ACCESS[kind]}`,
      });
  }
}

/** The first finding is about the server, each other about something that is not well there. */
export async function influxFindings(
  settings: Settings & { kind: 'influx1' | 'influx2' },
  now: () => number,
): Promise<[Finding[], OtherClock[]]> {
  const { kind } = settings;
  const inspect =
    kind === 'influx1' ? inspectInflux1(settings, settings, now) : inspectInflux2(settings, settings, now);
  const { version, aheadMs, troubles } = await inspect;
  const what = `InfluxDB ${version ?? settings.url.replace(/\/\/[^@/]*@/, '//…@')}`;
  const findings = troubles.map((trouble) => findingOf(trouble, what, kind));
  if (!findings.some(({ name }) => name === 'timeseries')) {
    const home = kind === 'influx1' ? settings.database : settings.bucket;
    findings.unshift(ok('timeseries', `${what}, ${home}`));
  }
  return [findings, aheadMs === undefined ? [] : [{ of: 'InfluxDB', aheadMs }]];
}
