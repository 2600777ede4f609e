import type { Profile } from '../src/terminals/profile.ts';
import type { Values } from './measure.ts';
import type { Words } from './modbus-codec.ts';
import type { Order } from './obedience.ts';
import { hasTable, ordersOf, readable, type Table, wordsOf } from './register-map.ts';

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
  /** Written, not yet obeyed: read back at once, as devices do. */
  const pending = new Map<number, { word: number }>();

  const tableNow = (table: Table): Words => {
    const words = wordsOf(profile, table, values());
    if (table === 'holding') for (const [address, { word }] of pending) words.set(address, word);
    return words;
  };

  const read = (table: Table, pdu: Buffer): Buffer | number => {
    if (!hasTable(profile, table)) return illegalFunction;
    if (pdu.length !== 5) return illegalValue;
    const address = pdu.readUInt16BE(1);
    const count = pdu.readUInt16BE(3);
    if (count < 1 || count > (profile.poll?.maxRegisters ?? 125)) return illegalValue;
    if (!readable(profile, address, count)) return illegalAddress;
    const words = tableNow(table);
    const answer = Buffer.alloc(2 + count * 2);
    answer.writeUInt8(pdu.readUInt8(0), 0);
    answer.writeUInt8(count * 2, 1);
    for (let i = 0; i < count; i += 1) answer.writeUInt16BE(words.get(address + i) ?? 0, 2 + i * 2);
    return answer;
  };

  const write = (written: Words): number | undefined => {
    const after = tableNow('holding');
    for (const [address, word] of written) after.set(address, word);
    const orders = ordersOf(profile, written, after);
    if (typeof orders === 'number') return orders;
    if (refuses()) return deviceBusy;
    const marks = [...written].map(([address, word]) => ({ address, mark: { word } }));
    for (const { address, mark } of marks) pending.set(address, mark);
    obey(orders, () => {
      // A later write to the same register waits for its own turn.
      for (const { address, mark } of marks) if (pending.get(address) === mark) pending.delete(address);
    });
    return undefined;
  };

  const writeOne = (pdu: Buffer): Buffer | number => {
    if (!hasTable(profile, 'holding')) return illegalFunction;
    if (pdu.length !== 5) return illegalValue;
    return write(new Map([[pdu.readUInt16BE(1), pdu.readUInt16BE(3)]])) ?? pdu;
  };

  const writeMany = (pdu: Buffer): Buffer | number => {
    if (!hasTable(profile, 'holding')) return illegalFunction;
    if (pdu.length < 6) return illegalValue;
    const address = pdu.readUInt16BE(1);
    const count = pdu.readUInt16BE(3);
    if (count < 1 || count > 123 || pdu.readUInt8(5) !== count * 2 || pdu.length !== 6 + count * 2) return illegalValue;
    const written: Words = new Map();
    for (let i = 0; i < count; i += 1) written.set(address + i, pdu.readUInt16BE(6 + i * 2));
    return write(written) ?? pdu.subarray(0, 5);
  };

  const functions = new Map<number, (pdu: Buffer) => Buffer | number>([
    [3, (pdu) => read('holding', pdu)],
    [4, (pdu) => read('input', pdu)],
    [6, writeOne],
    [16, writeMany],
  ]);

  return (pdu) => {
    const functionCode = pdu.readUInt8(0);
    const answer = functions.get(functionCode)?.(pdu) ?? illegalFunction;
    return typeof answer === 'number' ? exception(functionCode, answer) : answer;
  };
}
