import { styleText } from 'node:util';
import { diagnose } from './doctor.ts';
import type { Finding, FindingState, Language, Text } from './finding.ts';

/** Prints what the doctor finds, a line each, with what to do below it. */

const NAMES: Record<string, Text> = {
  node: 'Node',
  config: { zh: '配置', en: 'configuration' },
  profiles: { zh: '设备类型', en: 'profiles' },
  areas: { zh: '区域', en: 'areas' },
  data_folder: { zh: '数据目录', en: 'data folder' },
  disk: { zh: '磁盘', en: 'disk' },
  gateway: { zh: '网关', en: 'gateway' },
  http_port: { zh: 'HTTP 端口', en: 'HTTP port' },
  mqtt_port: { zh: 'MQTT 端口', en: 'MQTT port' },
  mqtts_port: { zh: 'MQTTS 端口', en: 'MQTTS port' },
  certificate: { zh: '证书', en: 'certificate' },
  spool: { zh: '缓冲队列', en: 'spool' },
  database: { zh: '数据库', en: 'database' },
  timeseries: { zh: '时序库', en: 'time series store' },
  timeseries_retention: { zh: '时序库保留期', en: 'retention' },
  timeseries_writing: { zh: '时序库写入', en: 'writing' },
  clock: { zh: '系统时钟', en: 'clock' },
};

const STATES: Record<FindingState, { text: Record<Language, string>; colour: 'green' | 'yellow' | 'red' }> = {
  ok: { text: { zh: '正常', en: 'ok  ' }, colour: 'green' },
  warn: { text: { zh: '注意', en: 'warn' }, colour: 'yellow' },
  fail: { text: { zh: '失败', en: 'fail' }, colour: 'red' },
};

const inLanguage = (text: Text, language: Language): string => (typeof text === 'string' ? text : text[language]);

function linesOf({ name, state, detail, remedy }: Finding, language: Language): string {
  const { text, colour } = STATES[state];
  // Colours only where a person looks.
  const sign = styleText(colour, text[language], { stream: process.stdout });
  const [colon, mark] = language === 'zh' ? ['：', '处理'] : [': ', 'remedy'];
  const line = `${sign}  ${inLanguage(NAMES[name] ?? name, language)}${colon}${inLanguage(detail, language)}\n`;
  return remedy === null ? line : `${line}      → ${mark}${colon}${inLanguage(remedy, language)}\n`;
}

/** Resolves with the exit code: 1 when something fails. */
export async function doctor({ json, language }: { json: boolean; language: Language }): Promise<0 | 1> {
  const findings: Finding[] = [];
  for await (const finding of diagnose(process.env, Date.now)) {
    findings.push(finding);
    if (!json) process.stdout.write(linesOf(finding, language));
  }
  if (json) {
    const plain = findings.map(({ name, state, detail, remedy }) => ({
      name,
      state,
      detail: inLanguage(detail, language),
      remedy: remedy && inLanguage(remedy, language),
    }));
    process.stdout.write(`${JSON.stringify(plain, null, 2)}\n`);
  }
  return findings.some(({ state }) => state === 'fail') ? 1 : 0;
}
