import type { Profile } from './profile.ts';
import { digitsOf, type MeterField, type MeterItem, type MeterSource } from './profile-meter.ts';

/** The numbers in what meters say. Pure; DL/T 645-2007 §A and annex A, CJ/T 188-2004 §7 and annex B. */

/** Data by its identifier as printed (`00010000`, `901F`), low byte first as on the wire, without offset and SER. */
export type MeterData = ReadonlyMap<string, Buffer>;

/** What CJ/T 188 calls its current reading. */
export const CURRENT_READING = '901F';

/** Undefined when the meter has no such value now; an object says why what stands there is none. */
export type MeterValue = number | undefined | { wrong: string };

const isAbsent = (bytes: Buffer): boolean => bytes.every((byte) => byte === 0xff);
const hex = (bytes: Buffer): string => bytes.toString('hex').toUpperCase();

/** Decimal digits, low byte first. All FF is no value; a digit above 9 is a fault of the meter's. */
export function bcdValue(bytes: Buffer, decimals: number, signed = false): MeterValue {
  if (isAbsent(bytes)) return undefined;
  const digits = Buffer.from(bytes).reverse();
  const first = digits[0] ?? 0;
  const isMinus = signed && first >= 0x80;
  if (isMinus) digits[0] = first & 0x7f;
  const text = digits.toString('hex');
  if (!/^\d+$/.test(text)) return { wrong: `${hex(bytes)} are no decimal digits` };
  const value = Number(text) / 10 ** decimals;
  // Never −0, which JSON would not keep.
  return isMinus && value !== 0 ? -value : value;
}

type Blocks = NonNullable<Profile['dlt645']>['blocks'];

/** The bytes of an item: its own answer's, or its part of a block. */
function bytesOfItem(
  { di, format = '' }: MeterItem,
  data: MeterData,
  blocks: Blocks,
): Buffer | undefined | { wrong: string } {
  const own = data.get(di);
  if (own) return own;
  const size = digitsOf(format).bytes;
  for (const [block, members] of Object.entries(blocks)) {
    const bytes = data.get(block);
    const index = members.indexOf(di);
    if (!bytes || index < 0) continue;
    if (bytes.length % size !== 0) return { wrong: `block ${block} of ${bytes.length} bytes` };
    return index * size < bytes.length ? bytes.subarray(index * size, (index + 1) * size) : undefined;
  }
  return undefined;
}

function itemValue(item: MeterItem, data: MeterData, blocks: Blocks): MeterValue {
  const bytes = bytesOfItem(item, data, blocks);
  if (bytes === undefined || 'wrong' in bytes) return bytes;
  if (item.bit !== undefined) {
    const byte = bytes[item.bit >> 3];
    if (byte === undefined) return { wrong: `${bytes.length} bytes have no bit ${item.bit}` };
    return isAbsent(bytes) ? undefined : Number(((byte >> (item.bit & 7)) & 1) === item.is);
  }
  const { bytes: size, decimals } = digitsOf(item.format ?? '');
  if (bytes.length !== size) return { wrong: `${bytes.length} bytes, and ${size} are due` };
  return bcdValue(bytes, decimals, item.signed);
}

type Quantity = 'energy' | 'power' | 'volume' | 'flow';

const KWH_PER_GJ = 1_000 / 3.6;
/** Three units each, ten times larger from one to the next: the first one's byte, and what it is in kWh, kW, m³ or m³/h. */
const UNIT_ROWS: [first: number, quantity: Quantity, factor: number][] = [
  [0x02, 'energy', 1e-3],
  [0x05, 'energy', 1],
  [0x08, 'energy', 1e3],
  [0x0b, 'energy', KWH_PER_GJ / 1e6],
  [0x0e, 'energy', KWH_PER_GJ / 1e3],
  [0x11, 'energy', KWH_PER_GJ],
  [0x14, 'power', 1e-3],
  [0x17, 'power', 1],
  [0x1a, 'power', 1e3],
  [0x29, 'volume', 1e-3],
  [0x2c, 'volume', 1],
  [0x32, 'flow', 1e-3],
  [0x35, 'flow', 1],
  [0x43, 'power', KWH_PER_GJ / 1e6],
  [0x46, 'power', KWH_PER_GJ / 1e3],
  [0x49, 'power', KWH_PER_GJ],
];
const UNITS = new Map<number, { quantity: Quantity; factor: number }>([
  [0x01, { quantity: 'energy', factor: KWH_PER_GJ / 1e9 }],
  [0x40, { quantity: 'power', factor: KWH_PER_GJ / 1e9 }],
  ...UNIT_ROWS.flatMap(([first, quantity, factor]) =>
    [1, 10, 100].map((times, i) => [first + i, { quantity, factor: factor * times }] as const),
  ),
]);
const USUAL_UNIT: Record<Quantity, number> = { energy: 0x05, power: 0x17, volume: 0x2c, flow: 0x35 };

interface Part {
  at: number;
  bytes: number;
  decimals: number;
  /** A unit's byte follows. */
  quantity?: Quantity;
}

const VOLUME: Record<string, Part> = {
  total: { at: 0, bytes: 4, decimals: 2, quantity: 'volume' },
  settled: { at: 5, bytes: 4, decimals: 2, quantity: 'volume' },
};
const HEAT: Record<string, Part> = {
  settled: { at: 0, bytes: 4, decimals: 2, quantity: 'energy' },
  heat: { at: 5, bytes: 4, decimals: 2, quantity: 'energy' },
  power: { at: 10, bytes: 4, decimals: 2, quantity: 'power' },
  flow: { at: 15, bytes: 4, decimals: 4, quantity: 'flow' },
  volume: { at: 20, bytes: 4, decimals: 2, quantity: 'volume' },
  supply: { at: 25, bytes: 3, decimals: 2 },
  return: { at: 28, bytes: 3, decimals: 2 },
  hours: { at: 31, bytes: 3, decimals: 0 },
};
/** Bytes of 901F after SER: values, seven of the meter's time, two of ST. */
const LENGTHS = { volume: 19, heat: 43 };

type Settings = NonNullable<Profile['cjt188']>;

const wordOf = (text: string): number => Number.parseInt(text, 16);

function statusValue(field: MeterField['field'], st: number, { valve, batteryLow }: Settings['status']): MeterValue {
  if (field === 'battery_low') return Number((st & wordOf(batteryLow.mask)) === wordOf(batteryLow.is));
  const position = st & wordOf(valve.mask);
  if (field === 'valve_fault') return Number(position === wordOf(valve.fault));
  if (position === wordOf(valve.open)) return 1;
  // Neither open nor closed is shown as neither.
  return position === wordOf(valve.closed) ? 0 : undefined;
}

function fieldValue({ field, unit }: MeterField, data: MeterData, settings: Settings): MeterValue {
  const bytes = data.get(CURRENT_READING);
  if (!bytes) return undefined;
  const length = LENGTHS[settings.layout];
  if (bytes.length !== length) return { wrong: `${bytes.length} bytes, and ${length} are due` };
  const part = (settings.layout === 'heat' ? HEAT : VOLUME)[field];
  if (!part) return statusValue(field, bytes.readUInt16BE(length - 2), settings.status);
  const end = part.at + part.bytes;
  const isWide = field === 'flow' && settings.flowFormat === 'XXXXXX.XX';
  const value = bcdValue(bytes.subarray(part.at, end), isWide ? 2 : part.decimals);
  if (typeof value !== 'number' || !part.quantity) return value;
  const declared = bytes.readUInt8(end);
  const code = declared === 0 ? (unit === undefined ? USUAL_UNIT[part.quantity] : wordOf(unit)) : declared;
  const known = UNITS.get(code);
  if (known?.quantity !== part.quantity) return { wrong: `unit ${hex(Buffer.of(code))} is none of ${part.quantity}` };
  return Number((value * known.factor).toPrecision(12));
}

/** The value that a metric has in what a meter said: in kWh, kW, m³, m³/h, °C, or as the profile's format has it. */
export function meterValue({ dlt645, cjt188 }: Profile, source: MeterSource, data: MeterData): MeterValue {
  if ('di' in source) return itemValue(source, data, dlt645?.blocks ?? {});
  return cjt188 ? fieldValue(source, data, cjt188) : undefined;
}
