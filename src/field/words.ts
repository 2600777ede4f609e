import type { Sentence } from './field-error.ts';

/** What the tools say. */
const zh = {
  said: (sentence: Sentence) => sentence.zh,
  table: {
    unit: '从站',
    state: '状态',
    shownBy: '依据',
    took: '耗时',
    address: '地址',
    hex: '十六进制',
    decimal: '十进制',
    metric: '指标',
    register: '寄存器',
    raw: '原始值',
    value: '数值',
    note: '说明',
    request: '请求',
    answer: '结果',
  },
  states: { answers: '有应答', exception: '有应答（异常）', garbled: '乱码' },
  functionCode: (code: string) => `功能码 ${code}`,
  asking: (done: number, all: number, found: number) => `询问 ${done}/${all}，已发现 ${found}`,
  scanned: (found: number, asked: number) => `询问了 ${asked} 个从站，${found} 个有应答`,
  stopped: '已中断，以下为此前的结果',
  nobody:
    '没有从站应答。请检查：线路类型（tcp 还是 rtu+tcp）、串口参数、A/B 线、从站地址；加大 --timeout；用 --functions 3,4 再试',
  garbledHint: '有从站应答但无法识别：请检查波特率、校验、停止位，以及是否有地址重复的从站',
  waitsForDtu: (host: string, port: number, registration: string) =>
    `在 ${host}:${port} 等待注册包为 ${registration} 的 DTU 拨入（Ctrl-C 结束）……`,
  dtuIsThere: 'DTU 已拨入',
  stranger: (registration: string, from: string) => `${from} 拨入，注册包是 ${registration}，不是所等的，已拒绝`,
  ms: (ms: number) => `${ms} 毫秒`,
  absent: {
    refused: '设备拒绝读取',
    not_read: '没有读到',
    not_valid: (place: string) => `validWhen：${place} 说明此值无效`,
    mark: '是“无数值”标记（absent）',
    no_number: '不是数字',
  },
  fileIsGood: (file: string) => `${file}：文件正确`,
  fileErrors: (count: number) => `${count} 处错误`,
  examplesGood: (count: number) => `${count} 个示例全部相符`,
  wrongExample: (metric: string, expected: string, got: string) => `${metric} 应为 ${expected}，解出 ${got}`,
  nothing: '无',
  otherName: (name: string, file: string) => `名称是 ${name}，而文件名是 ${file}，网关不会加载`,
  notModbus: (file: string) => `${file} 不是 Modbus 设备类型`,
  requests: '所用请求',
  registersOf: (count: number) => `${count} 个寄存器或位`,
  tornOff: (reason: string) => `读取中断：${reason}`,
  allWell: '全部正常',
  troubles: (count: number) => `有 ${count} 处问题`,
  colon: '：',
  comma: '，',
};

const en: typeof zh = {
  said: (sentence) => sentence.en,
  table: {
    unit: 'unit',
    state: 'state',
    shownBy: 'shown by',
    took: 'took',
    address: 'address',
    hex: 'hex',
    decimal: 'decimal',
    metric: 'metric',
    register: 'register',
    raw: 'raw',
    value: 'value',
    note: 'note',
    request: 'request',
    answer: 'answer',
  },
  states: { answers: 'answers', exception: 'answers (exception)', garbled: 'garbled' },
  functionCode: (code) => `function ${code}`,
  asking: (done, all, found) => `asked ${done}/${all}, found ${found}`,
  scanned: (found, asked) => `${asked} units asked, ${found} answer`,
  stopped: 'stopped; this is what was found before',
  nobody:
    'No unit answers. Look at the kind of line (tcp or rtu+tcp), the serial settings, the wires A and B and the unit numbers; try a longer --timeout, and --functions 3,4',
  garbledHint:
    'Some say what cannot be understood: look at speed, parity and stop bits, and whether two units have one number',
  waitsForDtu: (host, port, registration) =>
    `waiting on ${host}:${port} for the DTU with the registration ${registration} (Ctrl-C ends it)…`,
  dtuIsThere: 'the DTU has dialled in',
  stranger: (registration, from) =>
    `${from} dialled in with the registration ${registration}, which is not the one that is waited for: refused`,
  ms: (ms) => `${ms} ms`,
  absent: {
    refused: 'the device refuses to be read here',
    not_read: 'was not read',
    not_valid: (place) => `validWhen: ${place} says that it does not count now`,
    mark: 'is a mark for “no value” (absent)',
    no_number: 'is no number',
  },
  fileIsGood: (file) => `${file}: the file is right`,
  fileErrors: (count) => (count === 1 ? '1 error' : `${count} errors`),
  examplesGood: (count) =>
    count === 1 ? 'its example gives what it must' : `all ${count} examples give what they must`,
  wrongExample: (metric, expected, got) => `${metric} should be ${expected}, decoded is ${got}`,
  nothing: 'nothing',
  otherName: (name, file) => `is named ${name} and its file ${file}: the gateway will not load it`,
  notModbus: (file) => `${file} is no Modbus profile`,
  requests: 'Requests',
  registersOf: (count) => (count === 1 ? '1 register or bit' : `${count} registers or bits`),
  tornOff: (reason) => `ended early: ${reason}`,
  allWell: 'all is well',
  troubles: (count) => (count === 1 ? '1 thing is wrong' : `${count} things are wrong`),
  colon: ': ',
  comma: ', ',
};

export const WORDS = { zh, en };
export type Words = typeof zh;
export type FieldLanguage = keyof typeof WORDS;
