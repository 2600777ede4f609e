import type { Faults } from './faults.ts';
import { attendMeters, type LineMeter } from './meter-line.ts';
import { createFrameCutter, type ModbusFrame, writeFrame } from './modbus-codec.ts';
import { createRtuCutter, writeRtu } from './modbus-rtu.ts';
import { exception, type ModbusUnit } from './modbus-unit.ts';
import type { Timers } from './timers.ts';

/** What all ways to a line have in common: requests in, answers out, and the faults that strike them. */

/** What a gateway box answers for a unit that is not on its line. On an RTU line nobody answers. */
const unitAbsent = 0x0b;

export interface LineUnit {
  readonly answer: ModbusUnit;
  readonly faults: Faults;
}

export interface LineParts {
  readonly units: ReadonlyMap<number, LineUnit>;
  /** Meters on the same wire, by number. */
  readonly meters?: ReadonlyMap<string, LineMeter> | undefined;
  readonly timers: Timers;
  readonly now: () => number;
  readonly onAnswered: () => void;
}

export interface Wire {
  write(bytes: Buffer): void;
  close(): void;
}

type Framing = 'tcp' | 'rtu';
type Write = (frame: ModbusFrame) => Buffer;

const noise = Buffer.from('00ff5a0103a500c3', 'hex');

/** The answer's bytes as a fault leaves them. */
function damaged(faults: Faults, write: Write, request: ModbusFrame, pdu: Buffer): Buffer {
  const good = write({ ...request, pdu });
  const changed = (index: number, change: (byte: number) => number): Buffer => {
    const other = Buffer.from(pdu);
    other[index] = change(other[index] ?? 0) & 0xff;
    return other;
  };
  if (faults.strikes('unit') !== undefined) return write({ ...request, unit: request.unit + 1, pdu });
  if (faults.strikes('function') !== undefined) return write({ ...request, pdu: changed(0, (code) => code ^ 7) });
  if (faults.strikes('truncate') !== undefined) return good.subarray(0, -3);
  if (faults.strikes('lie') !== undefined) return write({ ...request, pdu: changed(1, (count) => count + 2) });
  if (faults.strikes('glue') !== undefined) {
    return Buffer.concat([good, write({ ...request, pdu: changed(pdu.length - 1, (byte) => ~byte) })]);
  }
  if (faults.strikes('noise') !== undefined) return Buffer.concat([noise, good]);
  if (faults.strikes('echo') !== undefined) return Buffer.concat([write(request), good]);
  return good;
}

/** What comes over one wire goes into the function that is returned. */
export function attend(wire: Wire, framing: Framing, parts: LineParts): (bytes: Buffer) => void {
  const cut = framing === 'tcp' ? createFrameCutter() : createRtuCutter();
  const write: Write = framing === 'tcp' ? writeFrame : writeRtu;
  const silentUntil = new Map<number, number>();
  let isMute = false;

  const say = (bytes: Buffer): void => {
    if (isMute) return;
    wire.write(bytes);
    parts.onAnswered();
  };

  const handle = (request: ModbusFrame): void => {
    const functionCode = request.pdu.readUInt8(0);
    const unit = parts.units.get(request.unit);
    if (!unit) {
      if (framing === 'tcp') say(write({ ...request, pdu: exception(functionCode, unitAbsent) }));
      return;
    }
    const { faults } = unit;
    if (faults.strikes('halfopen') !== undefined) isMute = true;
    const outS = faults.strikes('reboot');
    if (outS !== undefined) silentUntil.set(request.unit, parts.now() + outS * 1_000);
    const silent = parts.now() < (silentUntil.get(request.unit) ?? 0);
    if (silent || faults.strikes('drop') !== undefined) return;
    const code = faults.strikes('exception');
    const answer = code === undefined ? unit.answer(request.pdu) : exception(functionCode, code);
    const bytes = damaged(faults, write, request, answer);
    const lateS = faults.strikes('delay');
    if (lateS === undefined) say(bytes);
    else parts.timers.after(lateS * 1_000, () => say(bytes));
  };

  const toMeters = attendMeters((bytes) => wire.write(bytes), parts.meters ?? new Map(), parts);

  return (bytes) => {
    toMeters(bytes);
    const frames = cut(bytes);
    if (!frames) wire.close();
    else for (const frame of frames) handle(frame);
  };
}
