import type { Profile } from '../src/terminals/profile.ts';
import type { Values } from './measure.ts';
import type { Words } from './modbus-codec.ts';
import type { Order } from './obedience.ts';
import { hasTable, ordersOf, readable, type Table, type WritableTable, wordsOf } from './register-map.ts';

const illegalFunction = 1;
const illegalAddress = 2;
const illegalValue = 3;
const deviceBusy = 6;

export interface ModbusUnitParts {
  readonly profile: Profile;
  readonly values: () => Values;
  /** Does as told, after a while, and then calls back. */
  readonly obey: (orders: Order[], done: () => void) => void;
  readonly refuses: () => boolean;
}

/** A unit answers one request after another: PDU in, PDU out. */
export type ModbusUnit = (pdu: Buffer) => Buffer;

export function exception(functionCode: number, code: number): Buffer {
  return Buffer.from([functionCode | 0x80, code]);
}

export function createModbusUnit({ profile, values, obey, refuses }: ModbusUnitParts): ModbusUnit {
  /** What it was told and the house knows nothing of. */
  const kept: Values = {};
  /** Written, not yet obeyed: read back at once, as devices do. */
  const pending = { holding: new Map<number, { word: number }>(), coil: new Map<number, { word: number }>() };

  const tableNow = (table: Table): Words => {
    const words = wordsOf(profile, table, { ...kept, ...values() });
    if (table === 'holding' || table === 'coil')
      for (const [address, { word }] of pending[table]) words.set(address, word);
    return words;
  };

  const read = (table: Table, pdu: Buffer): Buffer | number => {
    if (!hasTable(profile, table)) return illegalFunction;
    if (pdu.length !== 5) return illegalValue;
    const isBits = table === 'coil' || table === 'discrete';
    const address = pdu.readUInt16BE(1);
    const count = pdu.readUInt16BE(3);
    const most = isBits ? (profile.poll?.maxBits ?? 2_000) : (profile.poll?.maxRegisters ?? 125);
    if (count < 1 || count > most) return illegalValue;
    if (!readable(profile, address, count)) return illegalAddress;
    const words = tableNow(table);
    const bytes = isBits ? Math.ceil(count / 8) : count * 2;
    const answer = Buffer.alloc(2 + bytes);
    answer.writeUInt8(pdu.readUInt8(0), 0);
    answer.writeUInt8(bytes, 1);
    for (let i = 0; i < count; i += 1) {
      const word = words.get(address + i) ?? 0;
      if (!isBits) answer.writeUInt16BE(word, 2 + i * 2);
      else if (word) answer[2 + Math.floor(i / 8)] = (answer[2 + Math.floor(i / 8)] ?? 0) + 2 ** (i % 8);
    }
    return answer;
  };

  const write = (table: WritableTable, written: Words): number | undefined => {
    const after = tableNow(table);
    for (const [address, word] of written) after.set(address, word);
    const orders = ordersOf(profile, table, written, after);
    if (typeof orders === 'number') return orders;
    if (refuses()) return deviceBusy;
    const marks = [...written].map(([address, word]) => ({ address, mark: { word } }));
    for (const { address, mark } of marks) pending[table].set(address, mark);
    obey(orders, () => {
      for (const { command, value } of orders) kept[profile.commands[command]?.confirm ?? command] = value;
      // A later write to the same register waits for its own turn.
      for (const { address, mark } of marks) if (pending[table].get(address) === mark) pending[table].delete(address);
    });
    return undefined;
  };

  const writeOne = (table: WritableTable, pdu: Buffer): Buffer | number => {
    if (!hasTable(profile, table)) return illegalFunction;
    if (pdu.length !== 5) return illegalValue;
    const word = pdu.readUInt16BE(3);
    if (table === 'coil' && word !== 0 && word !== 0xff00) return illegalValue;
    return write(table, new Map([[pdu.readUInt16BE(1), table === 'coil' ? Math.sign(word) : word]])) ?? pdu;
  };

  const writeMany = (table: WritableTable, pdu: Buffer): Buffer | number => {
    if (!hasTable(profile, table)) return illegalFunction;
    if (pdu.length < 6) return illegalValue;
    const address = pdu.readUInt16BE(1);
    const count = pdu.readUInt16BE(3);
    const [most, bytes] = table === 'coil' ? [1_968, Math.ceil(count / 8)] : [123, count * 2];
    if (count < 1 || count > most || pdu.readUInt8(5) !== bytes || pdu.length !== 6 + bytes) return illegalValue;
    const written: Words = new Map();
    for (let i = 0; i < count; i += 1) {
      const bit = (pdu.readUInt8(6 + Math.floor(i / 8)) >> (i % 8)) % 2;
      written.set(address + i, table === 'coil' ? bit : pdu.readUInt16BE(6 + i * 2));
    }
    return write(table, written) ?? pdu.subarray(0, 5);
  };

  const functions = new Map<number, (pdu: Buffer) => Buffer | number>([
    [1, (pdu) => read('coil', pdu)],
    [2, (pdu) => read('discrete', pdu)],
    [3, (pdu) => read('holding', pdu)],
    [4, (pdu) => read('input', pdu)],
    [5, (pdu) => writeOne('coil', pdu)],
    [6, (pdu) => writeOne('holding', pdu)],
    [15, (pdu) => writeMany('coil', pdu)],
    [16, (pdu) => writeMany('holding', pdu)],
  ]);

  return (pdu) => {
    const functionCode = pdu.readUInt8(0);
    const answer = functions.get(functionCode)?.(pdu) ?? illegalFunction;
    return typeof answer === 'number' ? exception(functionCode, answer) : answer;
  };
}
