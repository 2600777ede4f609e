import type { Faults } from './faults.ts';
import type { MeterDevice } from './meter-645.ts';
import { createMeterCutter, type MeterRequest, reversed, write188, write645 } from './meter-codec.ts';
import type { Timers } from './timers.ts';

/** Meters on a line: requests in, answers out, and the faults that strike them. */

export interface LineMeter {
  readonly device: MeterDevice;
  readonly faults: Faults;
}

export interface MeterLineParts {
  readonly timers: Timers;
  readonly now: () => number;
  readonly onAnswered: () => void;
}

/** With a byte that could begin a frame. */
const noise = Buffer.from('00ff68013368a5', 'hex');

/** The answer of a meter whose number is one higher. */
function otherMeter(request: MeterRequest): Buffer {
  const next = String((BigInt(request.number) + 1n) % 10n ** BigInt(request.number.length));
  const number = next.padStart(request.number.length, '0');
  if (request.protocol === 'dlt645')
    return write645(number, 0x91, Buffer.concat([reversed('02010100'), reversed('9999')]));
  return write188(request.type, number, 0x81, Buffer.from('1f9000', 'hex'));
}

function damaged(faults: Faults, request: MeterRequest, good: Buffer): Buffer {
  const strikes = (kind: Parameters<Faults['strikes']>[0]): boolean => faults.strikes(kind) !== undefined;
  if (strikes('unit')) return otherMeter(request);
  if (strikes('truncate')) return good.subarray(0, -3);
  if (strikes('lie')) return Buffer.from(good.map((byte, at) => (at === good.length - 2 ? byte ^ 0x55 : byte)));
  if (strikes('glue')) return Buffer.concat([otherMeter(request), good, otherMeter(request)]);
  if (strikes('noise')) return Buffer.concat([noise, good, noise]);
  if (strikes('echo')) return Buffer.concat([request.raw, good]);
  return good;
}

/** What comes over the wire goes into the function that is returned. */
export function attendMeters(
  write: (bytes: Buffer) => void,
  meters: ReadonlyMap<string, LineMeter>,
  parts: MeterLineParts,
): (bytes: Buffer) => void {
  const cut = createMeterCutter();
  const silentUntil = new Map<string, number>();
  let isMute = false;

  const say = (bytes: Buffer): void => {
    if (isMute) return;
    write(bytes);
    parts.onAnswered();
  };

  const handle = (request: MeterRequest): void => {
    const meter = meters.get(request.number);
    if (!meter) return;
    const { device, faults } = meter;
    if (faults.strikes('halfopen') !== undefined) isMute = true;
    const outS = faults.strikes('reboot');
    if (outS !== undefined) silentUntil.set(request.number, parts.now() + outS * 1_000);
    const silent = parts.now() < (silentUntil.get(request.number) ?? 0);
    if (silent || faults.strikes('drop') !== undefined) return;
    const code = faults.strikes('exception');
    const answer = code === undefined ? device.answer(request) : device.refusal(request, code);
    if (!answer) return;
    const bytes = damaged(faults, request, answer);
    const lateS = faults.strikes('delay');
    if (lateS === undefined) say(bytes);
    else parts.timers.after(lateS * 1_000, () => say(bytes));
  };

  return (bytes) => {
    for (const request of cut(bytes)) handle(request);
  };
}
