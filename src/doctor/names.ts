import { inLanguage, type Language, type Text } from '../lib/text.ts';

/** What people call that which the doctor looks at, and the parts of a running gateway. */

const NAMES: Record<string, Text> = {
  node: 'Node',
  config: { zh: '配置', en: 'configuration' },
  profiles: { zh: '设备类型', en: 'profiles' },
  areas: { zh: '区域', en: 'areas' },
  data_folder: { zh: '数据目录', en: 'data folder' },
  disk: { zh: '磁盘', en: 'disk' },
  policies: { zh: '控制策略', en: 'policies' },
  weather: { zh: '天气', en: 'weather' },
  gateway: { zh: '网关', en: 'gateway' },
  http_port: { zh: 'HTTP 端口', en: 'HTTP port' },
  mqtt_port: { zh: 'MQTT 端口', en: 'MQTT port' },
  mqtts_port: { zh: 'MQTTS 端口', en: 'MQTTS port' },
  certificate: { zh: '证书', en: 'certificate' },
  spool: { zh: '缓冲队列', en: 'spool' },
  database: { zh: '数据库', en: 'database' },
  ledger: { zh: '账本', en: 'ledger' },
  timeseries: { zh: '时序库', en: 'time series store' },
  timeseries_retention: { zh: '时序库保留期', en: 'retention' },
  timeseries_writing: { zh: '时序库写入', en: 'writing' },
  clock: { zh: '系统时钟', en: 'clock' },
  store: { zh: '时序库', en: 'store' },
  quarantine: { zh: '隔离数据', en: 'quarantine' },
  mqtt: 'MQTT',
  modbus: { zh: '线路', en: 'lines' },
  event_loop: { zh: '事件循环', en: 'event loop' },
};

export const nameOf = (name: string, language: Language): string => inLanguage(NAMES[name] ?? name, language);
