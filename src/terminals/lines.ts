import { isIP } from 'node:net';

/** Lines of Modbus units and meters as a terminal's connection names them: their settings and their one spelling. */

interface AnyLine {
  /** Waits so long for each answer, instead of what the profile says. Milliseconds. */
  timeoutMs?: number | undefined;
  /** Rests so long between an answer and the next request. Milliseconds. */
  pauseMs?: number | undefined;
}

/** Modbus TCP, or RTU frames over TCP. */
interface DialledLine extends AnyLine {
  host: string;
  port: number;
  framing?: 'tcp' | 'rtu' | undefined;
}

export interface SerialLine extends AnyLine {
  serial: string;
  baudRate: number;
  dataBits?: 7 | 8 | undefined;
  parity?: 'none' | 'even' | 'odd' | undefined;
  stopBits?: 1 | 2 | undefined;
}

/** A DTU that dials in: known by the first bytes that it sends, text or `hex:` and digits. */
interface ListenedLine extends AnyLine {
  listen: number;
  registration: string;
  /** What it sends between frames to show that it lives, text or `hex:` and digits. */
  heartbeat?: string | undefined;
  framing?: 'tcp' | 'rtu' | undefined;
}

export type Line = DialledLine | SerialLine | ListenedLine;

/** A line on which meters speak: their frames as they are, never within Modbus TCP. */
export type MeterLine =
  | (DialledLine & { framing?: 'rtu' | undefined })
  | (SerialLine & { parity: 'none' | 'even' | 'odd' })
  | (ListenedLine & { framing?: 'rtu' | undefined });

/** The same line as meters use it; undefined for Modbus TCP. */
export function asMeterLine(line: Line): MeterLine | undefined {
  if ('serial' in line) return { ...line, parity: line.parity ?? 'none' };
  if (line.framing === 'tcp') return undefined;
  return 'host' in line ? { ...line, framing: 'rtu' } : { ...line, framing: line.framing };
}

/** The bytes that a text or `hex:` and digits stand for. */
export function packetBytes(text: string): Buffer {
  return text.startsWith('hex:') ? Buffer.from(text.slice(4).replaceAll(' ', ''), 'hex') : Buffer.from(text, 'utf8');
}

const TRAILING = new Set([0, 10, 13, 32]);

/** Without the line ends, blanks and zeros that DTUs put after their packets. */
export function trimPacket(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && TRAILING.has(bytes[end - 1] ?? -1)) end -= 1;
  return bytes.subarray(0, end);
}

/** One spelling of a packet: text when all of it can be printed. */
export function packetText(bytes: Buffer): string {
  const text = bytes.toString('latin1');
  return /^[!-~]+$/.test(text) && !text.startsWith('hex:') ? text : `hex:${bytes.toString('hex')}`;
}

/** Undefined fields are left out, and names have one spelling, so that no line is registered twice under two. */
export function oneLineSpelling<L extends Line>(line: L): L {
  if ('serial' in line) return line;
  if ('listen' in line) return { ...line, registration: packetText(trimPacket(packetBytes(line.registration))) };
  const host = line.host.toLowerCase().replace(/\.$/, '');
  return { ...line, host: host === 'localhost' ? '127.0.0.1' : host };
}

/** What a line is called, everywhere: two lines with the same name are one. */
export function lineName(line: Line): string {
  if ('serial' in line) return line.serial;
  if ('listen' in line) return `${line.listen}/${line.registration}`;
  return isIP(line.host) === 6 ? `[${line.host}]:${line.port}` : `${line.host}:${line.port}`;
}

/** All settings of a line, in one order. */
export function lineSettings(line: Line): string {
  const common = { timeoutMs: line.timeoutMs, pauseMs: line.pauseMs };
  if ('serial' in line) {
    const { baudRate, dataBits = 8, parity = 'none', stopBits = 1 } = line;
    return JSON.stringify({ baudRate, dataBits, parity, stopBits, ...common });
  }
  if ('listen' in line) return JSON.stringify({ framing: line.framing ?? 'rtu', heartbeat: line.heartbeat, ...common });
  return JSON.stringify({ framing: line.framing ?? 'tcp', ...common });
}
