import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Expected,
  onlyHeartbeats,
  type Unwrapped,
  unwrapRtu,
  unwrapTcp,
  wrapRtu,
  wrapTcp,
} from '../../src/lines/framing.ts';
import { BadFrame } from '../../src/lines/question.ts';
import { answerLength, functionOf, type Request, readAnswer, requestPdu } from '../../src/modbus/codec.ts';

/** Bytes in, answers out: the right one, none yet, or an error, and never another's. */

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

const expectedOf = (unit: number, request: Request, more: Partial<Expected> = {}): Expected => ({
  unit,
  functionCode: functionOf(request),
  length: answerLength(request),
  sent: wrapRtu(unit, requestPdu(request)),
  echoes: false,
  heartbeats: [],
  ...more,
});

describe('frames that others published', () => {
  test.each<[string, number, Request, string, string, number[]]>([
    [
      'an SDM120 shows 230.2 V',
      1,
      { table: 'input', address: 0, count: 2 },
      '01 04 00 00 00 02 71 CB',
      '01 04 04 43 66 33 34 1B 38',
      [0x4366, 0x3334],
    ],
    [
      'the standard’s coils 20–38',
      0x11,
      { table: 'coil', address: 0x13, count: 0x25 },
      '11 01 00 13 00 25 0E 84',
      '11 01 05 CD 6B B2 0E 1B 45 E6',
      [1, 0, 1, 1, 0, 0, 1, 1],
    ],
    [
      'the standard’s registers 108–110',
      0x11,
      { table: 'holding', address: 0x6b, count: 3 },
      '11 03 00 6B 00 03 76 87',
      '11 03 06 AE 41 56 52 43 40 49 AD',
      [0xae41, 0x5652, 0x4340],
    ],
    [
      'the standard’s single coil',
      0x11,
      { table: 'coil', address: 0xac, values: [1] },
      '11 05 00 AC FF 00 4E 8B',
      '11 05 00 AC FF 00 4E 8B',
      [],
    ],
    [
      'the standard’s single register',
      0x11,
      { table: 'holding', address: 1, values: [3] },
      '11 06 00 01 00 03 9A 9B',
      '11 06 00 01 00 03 9A 9B',
      [],
    ],
    [
      'the standard’s ten coils',
      0x11,
      { table: 'coil', address: 0x13, values: [1, 0, 1, 1, 0, 0, 1, 1, 1, 0] },
      '11 0F 00 13 00 0A 02 CD 01 BF 0B',
      '11 0F 00 13 00 0A 26 99',
      [],
    ],
    [
      'the standard’s two registers',
      0x11,
      { table: 'holding', address: 1, values: [10, 258] },
      '11 10 00 01 00 02 04 00 0A 01 02 C6 F0',
      '11 10 00 01 00 02 12 98',
      [],
    ],
  ])('%s', (_case, unit, request, sent, answer, values) => {
    expect(wrapRtu(unit, requestPdu(request))).toEqual(hex(sent));
    const unwrapped = unwrapRtu(hex(answer), expectedOf(unit, request, { echoes: false }));
    expect(unwrapped && readAnswer(request, unwrapped.pdu).slice(0, values.length)).toEqual(values);
  });
});

test.each<[string, Request]>([
  ['no registers', { table: 'holding', address: 0, count: 0 }],
  ['126 registers', { table: 'input', address: 0, count: 126 }],
  ['2,001 coils', { table: 'coil', address: 0, count: 2_001 }],
  ['124 words to write', { table: 'holding', address: 0, values: Array(124).fill(0) }],
  ['a stretch past the last address', { table: 'holding', address: 65_535, count: 2 }],
])('%s are never asked', (_case, request) => {
  expect(() => requestPdu(request)).toThrow(RangeError);
});

const READ: Request = { table: 'holding', address: 16, count: 2 };
const GOOD = wrapRtu(5, hex('03 04 12 34 56 78'));
const REFUSED = wrapRtu(5, hex('83 02'));

/** What comes of a stream that arrives byte by byte: the first answer, or that there is an error, or nothing. */
function fed(bytes: Buffer, take: (so_far: Buffer) => Unwrapped): Buffer | 'error' | undefined {
  for (let end = 1; end <= bytes.length; end += 1) {
    try {
      const unwrapped = take(bytes.subarray(0, end));
      if (unwrapped) return unwrapped.pdu;
    } catch {
      return 'error';
    }
  }
  return undefined;
}
const fedRtu = (bytes: Buffer, more: Partial<Expected> = {}) =>
  fed(bytes, (some) => unwrapRtu(some, expectedOf(5, READ, more)));

describe('an RTU answer', () => {
  test('is whole with its last byte and not before', () => {
    for (const frame of [GOOD, REFUSED]) {
      for (let end = 0; end < frame.length; end += 1)
        expect(unwrapRtu(frame.subarray(0, end), expectedOf(5, READ))).toBeUndefined();
      expect(fedRtu(frame)).toEqual(frame.subarray(1, -2));
    }
  });

  test.each<[string, Buffer]>([
    ['another unit', wrapRtu(6, hex('03 04 12 34 56 78'))],
    ['another function', wrapRtu(5, hex('04 04 12 34 56 78'))],
    ['another exception', wrapRtu(5, hex('84 02'))],
    ['another length', wrapRtu(5, hex('03 06 12 34 56 78 00 00'))],
    ['a byte count that lies', wrapRtu(5, hex('03 02 12 34 56 78'))],
    ['a wrong checksum', Buffer.concat([GOOD.subarray(0, -1), Buffer.of(0)])],
    ['noise before it', Buffer.concat([hex('00 FF'), GOOD])],
  ])('of %s is an error', (_case, bytes) => expect(fedRtu(bytes)).toBe('error'));

  test.each<[string, Buffer]>([
    ['another answer', GOOD],
    ['noise', hex('00')],
  ])('with %s right after it is an error', (_case, more) => {
    expect(() => unwrapRtu(Buffer.concat([GOOD, more]), expectedOf(5, READ))).toThrow('after the answer');
  });

  test('comes after the request that the adapter gives back', () => {
    const sent = wrapRtu(5, requestPdu(READ));
    expect(fedRtu(Buffer.concat([sent, GOOD]))).toEqual(GOOD.subarray(1, -2));
    expect(fedRtu(sent)).toBeUndefined();
  });

  test('to a write is not the request itself, on a line that gives requests back', () => {
    const write: Request = { table: 'holding', address: 7, values: [40] };
    const sent = wrapRtu(5, requestPdu(write));
    const expected = expectedOf(5, write, { echoes: true });
    expect(unwrapRtu(sent, expected)).toBeUndefined();
    expect(unwrapRtu(Buffer.concat([sent, sent]), expected)).toMatchObject({ echoed: true });
  });

  test.each<[string, string]>([
    ['plain', 'FE FE'],
    ['that begins like the answer', '05 03'],
    ['that begins like the answer and its length', '05 03 04'],
    ['of one byte, which is the unit', '05'],
  ])('stands between heartbeats: %s', (_case, text) => {
    const heartbeats = [hex(text)];
    const beat = hex(text);
    const bytes = Buffer.concat([beat, beat, GOOD]);
    expect(fedRtu(bytes, { heartbeats })).toEqual(GOOD.subarray(1, -2));
    expect(unwrapRtu(Buffer.concat([GOOD, beat]), expectedOf(5, READ, { heartbeats }))?.pdu).toEqual(
      GOOD.subarray(1, -2),
    );
    expect(fedRtu(GOOD, { heartbeats })).toEqual(GOOD.subarray(1, -2));
    expect(onlyHeartbeats(Buffer.concat([beat, beat]), heartbeats)).toBe(true);
  });

  test('is never wrong, whatever is cut out of the stream, put into it or changed', () => {
    const right = GOOD.subarray(1, -2).toString('hex');
    const bytes = fc.uint8Array({ maxLength: 12 }).map((some) => Buffer.from(some));
    fc.assert(
      fc.property(fc.nat(12), fc.nat(4), bytes, bytes, bytes, (at, cut, before, within, after) => {
        const stream = Buffer.concat([before, GOOD.subarray(0, at), within, GOOD.subarray(at + cut), after]);
        const answer = fedRtu(stream, { heartbeats: [hex('FE')] });
        if (Buffer.isBuffer(answer)) expect(answer.toString('hex')).toBe(right);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('a Modbus TCP answer', () => {
  const good = wrapTcp(700, 5, hex('03 04 12 34 56 78'));
  const fedTcp = (bytes: Buffer) => fed(bytes, (some) => unwrapTcp(some, expectedOf(5, READ), 700));

  test('is found after answers that come late, cut at any byte', () => {
    const late = [699, 698, 650].map((transaction) => wrapTcp(transaction, 5, hex('03 04 00 00 00 00')));
    for (const frames of [[good], [...late, good]])
      expect(fedTcp(Buffer.concat(frames))).toEqual(hex('03 04 12 34 56 78'));
  });

  test('of a transaction that passed the end of the numbers is told from late ones', () => {
    const bytes = Buffer.concat([
      wrapTcp(65_535, 5, hex('03 04 00 00 00 00')),
      wrapTcp(2, 5, hex('03 04 12 34 56 78')),
    ]);
    expect(unwrapTcp(bytes, expectedOf(5, READ), 2)).toMatchObject({ pdu: hex('03 04 12 34 56 78'), late: 1 });
  });

  test.each<[string, Buffer]>([
    ['of another unit', wrapTcp(700, 6, hex('03 04 12 34 56 78'))],
    ['of a transaction that was never given', wrapTcp(701, 5, hex('03 04 12 34 56 78'))],
    ['of another protocol', hex('02BC 0001 0007 05 03 04 12345678')],
    ['of no length', hex('02BC 0000 0001 05')],
    ['of a length that no answer has', hex('02BC 0000 7FFF 05')],
    ['behind noise', Buffer.concat([hex('00 FF 5A 01'), good])],
  ])('%s is an error', (_case, bytes) => expect(fedTcp(bytes)).toBe('error'));

  test('is never wrong, whatever comes before and after', () => {
    const bytes = fc.uint8Array({ maxLength: 12 }).map((some) => Buffer.from(some));
    const other = fc
      .integer({ min: 600, max: 760 })
      .filter((t) => t !== 700)
      .map((t) => wrapTcp(t, 5, hex('03 04 00 00 00 00')));
    fc.assert(
      fc.property(fc.array(fc.oneof(bytes, other), { maxLength: 3 }), fc.oneof(bytes, other), (before, after) => {
        const answer = fedTcp(Buffer.concat([...before, good, after]));
        if (Buffer.isBuffer(answer)) expect(answer).toEqual(hex('03 04 12 34 56 78'));
      }),
      { numRuns: 5_000 },
    );
  });

  test.each<[string, string]>([
    ['function', '04 04 12 34 56 78'],
    ['byte count', '03 06 12 34 56 78'],
    ['length', '03 04 12 34 56'],
  ])('with another %s inside is an error', (_case, pdu) => expect(() => readAnswer(READ, hex(pdu))).toThrow(BadFrame));
});
