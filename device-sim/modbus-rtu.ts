import type { ModbusFrame } from './modbus-codec.ts';

/** RTU frames, written apart from the gateway's own. */

/** Bit by bit, as the standard draws it. */
function checksum(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; i += 1) {
      const low = crc % 2;
      crc >>= 1;
      if (low === 1) crc ^= 0xa001;
    }
  }
  return crc;
}

export function writeRtu({ unit, pdu }: Pick<ModbusFrame, 'unit' | 'pdu'>): Buffer {
  const body = Buffer.concat([Buffer.of(unit), pdu]);
  const crc = checksum(body);
  return Buffer.concat([body, Buffer.of(crc % 256, crc >> 8)]);
}

/** Bytes of a request that begins so; undefined while too little has come. */
function requestLength(bytes: Buffer): number | undefined {
  const functionCode = bytes[1];
  if (functionCode === undefined) return undefined;
  if (functionCode !== 15 && functionCode !== 16) return 8;
  const count = bytes[6];
  return count === undefined ? undefined : 9 + count;
}

/** Cuts requests out of a stream. What fails its checksum is thrown away with all that came with it, as a device on a bus does. */
export function createRtuCutter(): (bytes: Buffer) => ModbusFrame[] {
  let rest: Buffer = Buffer.alloc(0);
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    const frames: ModbusFrame[] = [];
    for (;;) {
      const length = requestLength(rest);
      if (length === undefined || rest.length < length) return frames;
      if (checksum(rest.subarray(0, length - 2)) !== rest.readUInt16LE(length - 2)) {
        rest = Buffer.alloc(0);
        return frames;
      }
      frames.push({ transaction: 0, unit: rest.readUInt8(0), pdu: Buffer.from(rest.subarray(1, length - 2)) });
      rest = rest.subarray(length);
    }
  };
}
