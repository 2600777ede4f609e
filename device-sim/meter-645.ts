import type { Profile } from '../src/terminals/profile.ts';
import type { Values } from './measure.ts';
import { decimal, digits, type MeterRequest, reversed, write645 } from './meter-codec.ts';
import type { Order } from './obedience.ts';

/** A meter of DL/T 645-2007: it gives what its profile names, and trips and closes its relay when the order is in order. */

export interface MeterDeviceParts {
  readonly profile: Profile;
  /** As printed. */
  readonly number: string;
  readonly values: () => Values;
  /** Does as told, after a while. */
  readonly obey: (order: Order) => void;
  readonly refuses: () => boolean;
  /** Epoch ms. */
  readonly now: () => number;
  /** Six digits. */
  readonly password: string;
}

/** A request in, an answer out; undefined for one that is not this meter's. */
export interface MeterDevice {
  answer(request: MeterRequest): Buffer | undefined;
  /** A refusal with this code, whatever was asked. */
  refusal(request: MeterRequest, code: number): Buffer;
  /** What it says by itself when it is read through: an answer for everything that its profile names. */
  report(): Buffer[];
}

const noSuchData = 0x02;
const unauthorised = 0x04;
const otherError = 0x01;

const switches: Record<number, number> = { 26: 0, 27: 1, 28: 1 };

/** ss mm hh DD MM YY, in Chinese time. */
function timeOf(bytes: Buffer): number {
  const text = digits(bytes);
  const [year, month, day, hour, minute, second] = [0, 2, 4, 6, 8, 10].map((at) => text.slice(at, at + 2));
  return Date.parse(`20${year}-${month}-${day}T${hour}:${minute}:${second}+08:00`);
}

export function createMeter645(parts: MeterDeviceParts): MeterDevice {
  const { profile, number, values } = parts;
  const sources = Object.entries(profile.metrics).flatMap(([name, { meter }]) =>
    meter && 'di' in meter ? [{ name, meter }] : [],
  );

  /** An item's bytes: decimal digits, or a status word with all its bits. */
  function itemBytes(di: string): Buffer | undefined {
    const own = sources.filter(({ meter }) => meter.di === di);
    const [first] = own;
    if (!first) return undefined;
    const { format } = first.meter;
    const now = values();
    if (format !== undefined) {
      const [whole = '', fraction = ''] = format.split('.');
      const bytes = (whole.length + fraction.length) / 2;
      const value = now[first.name];
      return value === undefined ? Buffer.alloc(bytes, 0xff) : decimal(Number(value), fraction.length, bytes);
    }
    let word = 0;
    for (const { name, meter } of own) if (Number(now[name] ?? 0) === meter.is) word |= 1 << (meter.bit ?? 0);
    return Buffer.of(word % 256, word >> 8);
  }

  /** A block has the bytes of all its members; those that the profile does not name are FF. */
  function blockBytes(di: string): Buffer | undefined {
    const members = profile.dlt645?.blocks[di];
    const size = members?.map((member) => itemBytes(member)?.length).find((length) => length !== undefined);
    if (!members || size === undefined) return undefined;
    return Buffer.concat(members.map((member) => itemBytes(member) ?? Buffer.alloc(size, 0xff)));
  }

  const say = (control: number, data: Uint8Array): Buffer => write645(number, control, data);
  const refusal = ({ control }: MeterRequest, code: number): Buffer => say(control | 0xc0, Buffer.of(code));

  function read(request: MeterRequest): Buffer {
    const di = digits(request.data.subarray(0, 4));
    const bytes = di === '04000401' ? reversed(number) : (itemBytes(di) ?? blockBytes(di));
    return bytes ? say(0x91, Buffer.concat([request.data.subarray(0, 4), bytes])) : refusal(request, noSuchData);
  }

  function control(request: MeterRequest): Buffer {
    const { data } = request;
    if (data.length !== 16) return refusal(request, otherError);
    if (digits(data.subarray(1, 4)) !== parts.password || parts.refuses()) return refusal(request, unauthorised);
    const value = switches[data.readUInt8(8)];
    const until = timeOf(data.subarray(10));
    // An order whose time is over is an order no longer.
    if (value === undefined || !(until > parts.now())) return refusal(request, otherError);
    parts.obey({ command: 'power', value });
    return say(0x9c, Buffer.alloc(0));
  }

  return {
    answer(request) {
      if (request.protocol !== 'dlt645' || request.number !== number) return undefined;
      if (request.control === 0x11) return read(request);
      if (request.control === 0x1c) return control(request);
      return request.control & 0x80 ? undefined : refusal(request, otherError);
    },
    refusal,
    report() {
      const wanted = new Set(sources.map(({ meter }) => meter.di));
      return [...wanted].map((di) => say(0x91, Buffer.concat([reversed(di), itemBytes(di) ?? Buffer.alloc(0)])));
    },
  };
}
