import type { FileLanguage } from '../lib/yaml-file.ts';
import { NoAnswer } from '../lines/line.ts';
import { BadFrame } from '../lines/question.ts';
import { ModbusException } from '../modbus/codec.ts';

/** A sentence in each language that the tools speak. */
export type Sentence = Record<FileLanguage, string>;

/** What the person at the command line can mend. */
export class FieldError extends Error {
  readonly sentence: Sentence;
  constructor(sentence: Sentence) {
    super(sentence.en);
    this.sentence = sentence;
  }
}

/** Why lines cannot be opened, by what the system says, and what that usually means. */
const CAUSES: [RegExp, Sentence][] = [
  [/ENOTFOUND|EAI_AGAIN/, { zh: '没有这台主机，请检查主机名和 DNS', en: 'no such host: look at its name and at DNS' }],
  [
    /ECONNREFUSED/,
    { zh: '该端口没有程序在听，请检查端口号', en: 'nobody listens at that port: look at the port number' },
  ],
  [
    /EHOSTUNREACH|ENETUNREACH|no connection in time|ETIMEDOUT/,
    {
      zh: '连不上，请检查地址、网线、路由和防火墙',
      en: 'no connection: look at the address, the cable, routes and firewalls',
    },
  ],
  [
    /closed the connection|ECONNRESET/,
    {
      zh: '对方接通后又断开。许多转换器只接受一个客户端：网关或别的程序是否正在使用这条线路？',
      en: 'the other end hangs up. Many converters take one client only: does the gateway or another program use the line?',
    },
  ],
  [
    /[Pp]ermission denied/,
    { zh: '没有串口权限，请把用户加入 dialout 组', en: 'no right to open it: join the group dialout' },
  ],
  [/No such file|File not found/, { zh: '没有这个串口', en: 'there is no such serial port' }],
  [
    /[Cc]annot lock port|busy/,
    { zh: '串口正被别的程序使用（网关？）', en: 'another program, perhaps the gateway, uses the serial port' },
  ],
  [
    /serialport/,
    {
      zh: '缺少可选软件包 serialport，请运行 npm install',
      en: 'the optional package serialport is missing: npm install',
    },
  ],
];

/** A line that cannot be used, as a person can mend it. */
export function lineTrouble(line: string, error: unknown): FieldError {
  const said = error instanceof Error ? error.message : String(error);
  const cause = CAUSES.find(([pattern]) => pattern.test(said))?.[1];
  return new FieldError({
    zh: `${line}：${cause ? `${cause.zh}（${said}）` : said}`,
    en: `${line}: ${cause ? `${cause.en} (${said})` : said}`,
  });
}

const EXCEPTIONS_ZH: Record<number, string> = {
  1: '不支持该功能码',
  2: '没有这个寄存器',
  3: '数值不允许',
  4: '设备故障',
  5: '已接受，处理较久',
  6: '设备忙',
  8: '存储校验错误',
  10: '网关没有通路',
  11: '网关没有得到设备应答',
};

function troubleInChinese(error: unknown): string | undefined {
  if (error instanceof ModbusException) {
    const { exceptionCode: code } = error;
    const meaning = EXCEPTIONS_ZH[code];
    return `Modbus 异常 ${code.toString(16).padStart(2, '0').toUpperCase()}${meaning ? `：${meaning}` : ''}`;
  }
  if (error instanceof NoAnswer) return '没有应答';
  return error instanceof BadFrame ? '应答无法识别' : undefined;
}

/** What a unit did instead of giving what it was asked for; what is not ours stays as another program said it. */
export function unitTrouble(error: unknown): Sentence {
  const en = error instanceof Error ? error.message : String(error);
  return { zh: troubleInChinese(error) ?? en, en };
}
