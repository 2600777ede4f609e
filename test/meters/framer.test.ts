import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { write188, write645 } from '../../device-sim/meter-codec.ts';
import { cutFrames, type MeterFrame, payloadBytes } from '../../src/meters/framer.ts';

/** Frames in whatever comes: what goes wrong on real lines, and properties over what nobody thought of. */

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

const ENERGY = hex('FE FE FE FE 68 43 10 00 11 34 00 68 91 08 33 33 34 33 89 67 45 33 36 16');
const VOLTAGE = hex('68 43 10 00 11 34 00 68 91 06 33 34 34 35 37 56 5C 16');
const GAS = hex(
  'FE FE 68 30 56 34 12 00 02 01 33 81 16 1F 90 01 27 43 10 00 2C 00 00 10 00 2C 24 58 20 28 05 26 20 00 00 A2 16',
);

/** Gives the frames of pieces that come one after another, as a line hears them. */
function framesOf(pieces: readonly Buffer[]): MeterFrame[] {
  const frames: MeterFrame[] = [];
  let rest = Buffer.alloc(0);
  for (const piece of pieces) {
    const cut = cutFrames(Buffer.concat([rest, piece]));
    frames.push(...cut.frames);
    rest = Buffer.from(cut.rest);
  }
  return frames;
}

const shown = (frames: MeterFrame[]) =>
  frames.map(({ protocol, address, control, data }) => [protocol, address, control, data.toString('hex')]);

const GOOD: [string, string, number, string][] = [
  ['dlt645', '003411001043', 0x91, '0000010056341200'],
  ['dlt645', '003411001043', 0x91, '000101020423'],
  ['cjt188', '33010200123456', 0x81, '1f9001274310002c000010002c245820280526200000'],
];

describe('a stream', () => {
  const whole = Buffer.concat([ENERGY, VOLTAGE, GAS]);

  test('cut at every byte gives the same frames', () => {
    for (let at = 0; at <= whole.length; at += 1) {
      expect(shown(framesOf([whole.subarray(0, at), whole.subarray(at)]))).toEqual(GOOD);
    }
  });

  test('that comes byte by byte gives the same frames', () => {
    expect(shown(framesOf([...whole].map((byte) => Buffer.of(byte))))).toEqual(GOOD);
  });

  test.each<[string, Buffer]>([
    ['a byte that begins a frame', hex('68')],
    ['the head of a frame that never ends', hex('68 43 10 00 11 34 00 68 91 C8')],
    ['a frame with a wrong checksum', hex('68 43 10 00 11 34 00 68 91 06 33 34 34 35 37 56 5D 16')],
    ['a frame with a wrong end', hex('68 43 10 00 11 34 00 68 91 06 33 34 34 35 37 56 5C 17')],
    ['a frame that is cut', VOLTAGE.subarray(0, 9)],
    ['more data than the standard allows', hex('68 43 10 00 11 34 00 68 91 C9')],
    ['a registration without an end', Buffer.from('CTRL:R867814040112345')],
    ['a heartbeat', Buffer.from('keepalive')],
    ['text that begins like a frame', Buffer.from('hhhh')],
  ])('with %s before a frame gives that frame', (_case, noise) => {
    expect(shown(framesOf([Buffer.concat([noise, ENERGY, VOLTAGE, GAS])]))).toEqual(GOOD);
    expect(shown(framesOf([noise, ENERGY, noise, VOLTAGE, noise, GAS]))).toEqual(GOOD);
  });

  test('of a damaged frame with a good one inside gives the good one', () => {
    const outer = Buffer.concat([hex('68 11 22 33 44 55 66 68 91 20 01 02'), VOLTAGE, hex('16 16')]);
    expect(shown(framesOf([outer, ENERGY]))).toEqual([GOOD[1], GOOD[0]]);
  });

  test('counts noise without the bytes that wake a line', () => {
    expect(cutFrames(Buffer.concat([hex('FE FE 00 01'), VOLTAGE, hex('02')])).noise).toBe(3);
  });

  test('takes frames with any number of waking bytes', () => {
    for (let count = 0; count < 14; count += 1) {
      expect(framesOf([Buffer.concat([Buffer.alloc(count, 0xfe), VOLTAGE])])).toHaveLength(1);
    }
  });
});

const number = (length: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: length, maxLength: length }).map((all) => all.join(''));
const written = fc.oneof(
  fc
    .tuple(number(12), fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 200 }))
    .map(([address, control, data]) => ({ wire: write645(address, control, data), address, control, data })),
  fc
    .tuple(number(14), fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 90 }))
    // A second start at the eighth byte would make it the other protocol's.
    .filter(([address]) => address.slice(2, 4) !== '68')
    .map(([address, control, data]) => ({ wire: write188(0x30, address, control, data), address, control, data })),
);

describe('properties', () => {
  const sound = fc.array(written, { minLength: 1, maxLength: 5 });

  test('what a device writes is read as it was meant, wherever the stream is cut', () => {
    fc.assert(
      fc.property(sound, fc.array(fc.nat(400), { maxLength: 8 }), (frames, cuts) => {
        const stream = Buffer.concat(frames.map(({ wire }) => wire));
        const at = [0, ...cuts.map((cut) => cut % (stream.length + 1)), stream.length].sort((a, b) => a - b);
        const pieces = at.slice(1).map((end, i) => stream.subarray(at[i], end));
        const read = framesOf(pieces);
        expect(read.map(({ address, control, data }) => [address, control, data.toString('hex')])).toEqual(
          frames.map(({ address, control, data }) => [address, control, Buffer.from(data).toString('hex')]),
        );
      }),
      { numRuns: 300 },
    );
  });

  test('noise of any kind is never kept without end, and breaks nothing', () => {
    const bytes = fc.oneof(fc.constant(0x68), fc.constant(0x16), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 3_000 }), (noise) => {
        const { rest, frames } = cutFrames(Buffer.from(noise));
        expect(rest.length).toBeLessThan(213);
        expect(Array.isArray(frames)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test('a frame after noise without its first byte is always found', () => {
    const quiet = fc.uint8Array({ maxLength: 300 }).map((all) => all.map((byte) => (byte === 0x68 ? 0x67 : byte)));
    fc.assert(
      fc.property(quiet, written, quiet, (before, frame, after) => {
        expect(framesOf([Buffer.concat([before, frame.wire, after])]).map(({ address }) => address)).toEqual([
          frame.address,
        ]);
      }),
      { numRuns: 200 },
    );
  });
});

test.each<[string, Buffer, Buffer, boolean]>([
  ['bytes', VOLTAGE, VOLTAGE, false],
  ['digits', Buffer.from(VOLTAGE.toString('hex')), VOLTAGE, true],
  ['digits with blanks and a line end', Buffer.from('68 43 10\r\n'), hex('684310'), true],
  ['an odd number of digits', Buffer.from('684'), Buffer.from('684'), false],
  ['text', Buffer.from('keepalive'), Buffer.from('keepalive'), false],
  ['nothing', Buffer.alloc(0), Buffer.alloc(0), false],
])('a payload of %s is read as what it is', (_case, payload, bytes, isText) => {
  expect(payloadBytes(payload)).toEqual({ bytes, isText });
});
