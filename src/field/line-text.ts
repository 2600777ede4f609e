import { z } from 'zod';
import { FILE_LANGUAGES } from '../lib/yaml-file.ts';
import type { Line } from '../terminals/lines.ts';
import { FieldError } from './field-error.ts';

/**
 * A line as a person types it: `tcp://10.8.0.7:502`, `rtu+tcp://10.8.0.7:4001`, `serial:///dev/ttyUSB0?baudRate=9600&parity=even`,
 * `listen://0.0.0.0:7000?registration=HG0001`.
 */

export interface TypedLine {
  text: string;
  address: Line;
  /** Where a DTU dials in; undefined for other lines. */
  listenHost: string | undefined;
}

const MODBUS_PORT = 502;
const LOWEST_LISTENED = 1_024;

const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,7}$/)
    .transform(Number)
    .pipe(z.int().min(min).max(max));
const oneOf = <const T extends number>(...values: T[]) => z.string().transform(Number).pipe(z.literal(values));

const anyLine = { timeoutMs: whole(50, 30_000).optional(), pauseMs: whole(0, 5_000).optional() };
const packet = z.string().min(1).max(128);
const SETTINGS = {
  tcp: z.strictObject(anyLine),
  serial: z.strictObject({
    baudRate: whole(300, 921_600),
    dataBits: oneOf(7, 8).optional(),
    parity: z.enum(['none', 'even', 'odd']).optional(),
    stopBits: oneOf(1, 2).optional(),
    ...anyLine,
  }),
  listen: z.strictObject({
    registration: packet,
    heartbeat: packet.optional(),
    framing: z.enum(['tcp', 'rtu']).optional(),
    ...anyLine,
  }),
};

const KINDS =
  'tcp://HOST:502 · rtu+tcp://HOST:PORT · serial:///dev/ttyUSB0?baudRate=9600 · listen://0.0.0.0:7000?registration=HG0001';

const MISSING = { zh: '缺少', en: 'is missing' };

/** By hand, since a plus in a registration is a plus. */
function queryOf(search: string): Record<string, string> {
  const parts = search.replace(/^\?/, '').split('&');
  return Object.fromEntries(
    parts
      .filter((part) => part !== '')
      .map((part) => {
        const [name = '', ...value] = part.split('=');
        return [name, decodeURIComponent(value.join('='))];
      }),
  );
}

function settingsOf<T>(schema: z.ZodType<T>, url: URL): T {
  const query = queryOf(url.search);
  const result = schema.safeParse(query);
  if (result.success) return result.data;
  const told = (language: keyof typeof FILE_LANGUAGES) => {
    const issues = schema.safeParse(query, { error: FILE_LANGUAGES[language] }).error?.issues ?? [];
    return issues
      .map(({ path, message }) => {
        const [name] = path;
        const isMissing = name !== undefined && !Object.hasOwn(query, name);
        return [...path, isMissing ? MISSING[language] : message].join(': ');
      })
      .join('; ');
  };
  throw new FieldError({ zh: `线路 ${url.href}：${told('zh')}`, en: `line ${url.href}: ${told('en')}` });
}

function hostOf({ hostname, href }: URL): string {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  if (host !== '') return host;
  throw new FieldError({
    zh: `线路 ${href} 没有主机名。写法：${KINDS}`,
    en: `line ${href} names no host. Write ${KINDS}`,
  });
}

function portOf({ port, href }: URL, usual?: number): number {
  const number = port === '' ? usual : Number(port);
  if (number !== undefined && number > 0) return number;
  throw new FieldError({ zh: `线路 ${href} 没有端口号`, en: `line ${href} names no port` });
}

function serialOf(url: URL): Line {
  const serial = url.hostname === '' ? url.pathname : url.hostname;
  if (!/^(\/dev\/.+|COM\d{1,3})$/.test(serial)) {
    throw new FieldError({
      zh: `${serial || url.href} 不是串口：应为 serial:///dev/… 或 serial://COM3`,
      en: `${serial || url.href} is no serial port: write serial:///dev/… or serial://COM3`,
    });
  }
  return { serial, ...settingsOf(SETTINGS.serial, url) };
}

function listenedOf(url: URL): Line {
  const listen = portOf(url);
  if (listen < LOWEST_LISTENED) {
    throw new FieldError({
      zh: `端口 ${listen} 不可用：DTU 拨入的端口须为 ${LOWEST_LISTENED} 或以上`,
      en: `DTUs dial in to ports of ${LOWEST_LISTENED} or above, not ${listen}`,
    });
  }
  return { listen, ...settingsOf(SETTINGS.listen, url) };
}

/** Throws `FieldError`. */
export function parseLine(text: string): TypedLine {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const typed = (address: Line, listenHost?: string): TypedLine => ({ text, address, listenHost });
  switch (url?.protocol) {
    case 'tcp:':
      return typed({ host: hostOf(url), port: portOf(url, MODBUS_PORT), ...settingsOf(SETTINGS.tcp, url) });
    case 'rtu+tcp:':
      return typed({ host: hostOf(url), port: portOf(url), framing: 'rtu', ...settingsOf(SETTINGS.tcp, url) });
    case 'serial:':
      return typed(serialOf(url));
    case 'listen:':
      return typed(listenedOf(url), hostOf(url));
    default:
      throw new FieldError({ zh: `看不懂线路“${text}”。写法：${KINDS}`, en: `“${text}” is no line. Write ${KINDS}` });
  }
}

/** `1-20,30` as numbers in their order, each once. Throws `FieldError`. */
export function parseNumbers(text: string, [least, most]: readonly [number, number]): number[] {
  const numbers = new Set<number>();
  for (const part of text.split(',')) {
    const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part.trim()) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (!(from >= least && to <= most && from <= to)) {
      throw new FieldError({
        zh: `“${part}”不是 ${least}–${most} 之间的范围，例如 ${least}-20,30`,
        en: `“${part}” is no range within ${least}–${most}, such as ${least}-20,30`,
      });
    }
    for (let number = from; number <= to; number += 1) numbers.add(number);
  }
  return [...numbers].sort((a, b) => a - b);
}
