import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { currentRequest, valveRequest } from '../../src/meters/cjt188.ts';
import { type ControlOrder, controlRequest, moreRequest, readRequest } from '../../src/meters/dlt645.ts';
import { cutFrames } from '../../src/meters/framer.ts';

const NOW = Date.UTC(2026, 10, 26, 4, 0, 0);
const METER = '003411001043';
const ORDER: ControlOrder = { action: 'trip', password: '02123456', operator: '00000000', until: NOW + 300_000 };
const hex = (bytes: Buffer) =>
  bytes
    .toString('hex')
    .toUpperCase()
    .replace(/..(?=.)/g, '$& ');

describe('a request to a DL/T 645 meter', () => {
  test('to read has its address and identifier low byte first, and 33 on each byte of data', () => {
    expect(hex(readRequest(METER, '00010000'))).toBe('FE FE FE FE 68 43 10 00 11 34 00 68 11 04 33 33 34 33 4A 16');
  });

  test('for what follows has its number', () => {
    expect(cutFrames(moreRequest(METER, '00010000', 2)).frames[0]).toMatchObject({
      control: 0x12,
      data: Buffer.from('0000010002', 'hex'),
    });
  });

  test('to trip has the password, the operator and until when it holds, in Chinese time', () => {
    // 12:05:00 on the 26th of November 2026 in China.
    expect(cutFrames(controlRequest(METER, ORDER, NOW)).frames[0]).toMatchObject({
      address: METER,
      control: 0x1c,
      data: Buffer.from('02 563412 00000000 1A 00 00 05 12 26 11 26'.replaceAll(' ', ''), 'hex'),
    });
  });

  test.each([
    ['trip', '4D'],
    ['allow', '4E'],
    ['close', '4F'],
  ] as const)('to %s is %s on the wire', (action, byte) => {
    const wire = controlRequest(METER, { ...ORDER, action }, NOW);
    expect(wire[4 + 10 + 8]?.toString(16).toUpperCase()).toBe(byte);
  });

  test.each<[string, string, Partial<ControlOrder>]>([
    ['to all meters', '999999999999', {}],
    ['to a wildcard', 'AAAAAAAAAAAA', {}],
    ['to an abbreviated address', 'AAAAAAAA1043', {}],
    ['to a number of another length', '3411001043', {}],
    ['that is over', METER, { until: NOW }],
    ['that holds longer than a day', METER, { until: NOW + 86_400_001 }],
    ['that holds for ever', METER, { until: Date.UTC(2099, 0, 1) }],
    ['without a password', METER, { password: '02' }],
  ])('to trip %s cannot be written', (_case, address, change) => {
    expect(() => controlRequest(address, { ...ORDER, ...change }, NOW)).toThrow(RangeError);
  });

  test('is never one that clears, sets or speaks to all, whatever it is made of', () => {
    const action = fc.constantFrom('trip', 'allow', 'close' as const);
    fc.assert(
      fc.property(fc.string(), fc.string(), action, fc.integer(), (address, di, what, ms) => {
        for (const write of [
          () => readRequest(address, di),
          () => moreRequest(address, di, ms & 0xff),
          () => controlRequest(address, { ...ORDER, action: what as 'trip', until: NOW + ms }, NOW),
        ]) {
          let wire: Buffer;
          try {
            wire = write();
          } catch {
            continue;
          }
          for (const { control, address: to } of cutFrames(wire).frames) {
            expect([0x11, 0x12, 0x1c]).toContain(control);
            expect(to).toMatch(/^(?!9+$)\d{12}$/);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('a request to a CJ/T 188 meter', () => {
  const meter = { address: '33010200123456', type: '30' };

  test('to read has both orders of the identifier', () => {
    expect(hex(currentRequest(meter, '1F90', 7))).toBe('FE FE FE FE 68 30 56 34 12 00 02 01 33 01 03 1F 90 07 24 16');
    expect(hex(currentRequest(meter, '901F', 7))).toContain('01 03 90 1F 07');
  });

  test('to the valve opens with 55 and closes with 99', () => {
    expect(hex(valveRequest(meter, 'A017', 1, 'open'))).toContain('04 04 A0 17 01 55');
    expect(hex(valveRequest(meter, '17A0', 1, 'close'))).toContain('04 04 17 A0 01 99');
  });

  test.each(['AAAAAAAAAAAAAA', '99999999999999', '330102001234'])('to %s cannot be written', (address) => {
    expect(() => valveRequest({ ...meter, address }, 'A017', 1, 'close')).toThrow(RangeError);
  });
});
