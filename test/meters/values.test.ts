import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decimal, reversed } from '../../device-sim/meter-codec.ts';
import { projectRoot } from '../../src/config.ts';
import { planReads } from '../../src/meters/plan.ts';
import { decodeMeter } from '../../src/terminals/decode.ts';
import { decodeKept, textOfMeter } from '../../src/terminals/frames.ts';
import { bcdValue } from '../../src/terminals/meter-values.ts';
import { loadProfiles, type Profile, parseProfile } from '../../src/terminals/profile.ts';

const NOW = Date.UTC(2026, 10, 26);
const profiles = loadProfiles(join(projectRoot, 'config/profiles'));
const profile = (name: string): Profile => {
  const found = profiles.get(name);
  if (!found) throw new Error(`no profile ${name}`);
  return found;
};
const electricity = profile('dlt645-meter');
const threePhase = profile('dlt645-meter-three-phase');
const gas = profile('cjt188-gas-meter');
const heat = profile('cjt188-heat-meter');

const bytes = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const decoded = (of: Profile, data: Record<string, string>) => {
  const { readings, rejects } = decodeMeter(
    of,
    new Map(Object.entries(data).map(([di, hex]) => [di, bytes(hex)])),
    NOW,
  );
  return { values: readings[0]?.values ?? {}, rejects: rejects.map(({ reason, metric }) => [reason, metric]) };
};

describe('decimal digits', () => {
  test.each<[string, string, number, boolean, unknown]>([
    ['low byte first', '78 56 34 12', 2, false, 123456.78],
    ['with a minus', '34 12 80', 4, true, -0.1234],
    ['without a sign are what they are', '34 12 80', 4, false, 80.1234],
    ['a minus of nothing is nothing', '00 00 80', 4, true, 0],
    ['all FF are no value', 'FF FF FF FF', 2, false, undefined],
  ])('%s', (_case, hex, decimals, signed, value) => {
    expect(bcdValue(bytes(hex), decimals, signed)).toBe(value);
  });

  test.each(['0A 00', '00 A0', 'FF 00'])('%s are none', (hex) => {
    expect(bcdValue(bytes(hex), 1)).toMatchObject({ wrong: expect.stringContaining('no decimal digits') });
  });

  test('come back as a meter wrote them', () => {
    fc.assert(
      fc.property(fc.integer({ min: -799_999, max: 799_999 }), fc.integer({ min: 0, max: 4 }), (whole, decimals) => {
        const value = whole / 10 ** decimals;
        expect(bcdValue(decimal(value, decimals, 3), decimals, true)).toBe(value + 0);
      }),
    );
  });
});

describe('a DL/T 645 meter', () => {
  test('that gives one bad value loses that value, not the others', () => {
    expect(decoded(electricity, { '02010100': '0A 23', '02030000': '04 39 02' })).toEqual({
      values: { power_kw: 2.3904 },
      rejects: [['bad_payload', 'voltage_v']],
    });
  });

  test('with fewer tariffs than the profile gives those that it has', () => {
    expect(decoded(electricity, { '0001FF00': '56 34 12 00 45 23 01 00' }).values).toEqual({
      energy_kwh: 1234.56,
      energy_sharp_kwh: 123.45,
    });
  });

  test('whose block has a part of a value too much is refused', () => {
    const { values, rejects } = decoded(electricity, { '0001FF00': '56 34 12 00 45' });
    expect(values).toEqual({});
    expect(rejects).toHaveLength(5);
  });

  test.each([
    ['00 00', 1],
    ['50 00', 0],
    ['10 00', 0],
    ['40 00', 1],
  ])('with status word 3 %s has its relay closed: %i', (word, closed) => {
    expect(decoded(electricity, { '04000503': word }).values).toEqual({ power_on: closed });
  });

  test('that says FF as its status says nothing', () => {
    expect(decoded(electricity, { '04000503': 'FF FF' })).toEqual({ values: {}, rejects: [] });
  });

  test('is read by the fewest identifiers', () => {
    expect(planReads(electricity)).toEqual(['0001FF00', '02010100', '02020100', '02030000', '02060000', '04000503']);
    expect(planReads(threePhase)).toEqual(
      expect.arrayContaining(['0001FF00', '0201FF00', '0202FF00', '02030000', '02060000']),
    );
    expect(planReads(threePhase)).toHaveLength(7);
  });
});

describe('a CJ/T 188 meter', () => {
  const time = '24 58 20 28 05 26 20';
  const volume = (total: string, unit: string, st = '00 00') => ({
    '901F': `${total} ${unit} FF FF FF FF 2C ${time} ${st}`,
  });

  test.each([
    ['2C', 1_043.27],
    ['2D', 10_432.7],
    ['2B', 104.327],
    ['29', 1.04327],
    ['00', 1_043.27],
  ])('that counts in unit %s gives m³', (unit, value) => {
    expect(decoded(gas, volume('27 43 10 00', unit)).values['gas_m3']).toBe(value);
  });

  test('that counts in a unit of heat is refused, as one that knows no such unit', () => {
    for (const unit of ['05', '99']) {
      expect(decoded(gas, volume('27 43 10 00', unit)).rejects).toEqual([['bad_payload', 'gas_m3']]);
    }
  });

  test.each([
    ['00 00', { valve_open: 1, valve_fault: 0, battery_low: 0 }],
    ['01 00', { valve_open: 0, valve_fault: 0, battery_low: 0 }],
    ['02 00', { valve_fault: 0, battery_low: 0 }],
    ['03 00', { valve_fault: 1, battery_low: 0 }],
    ['05 FF', { valve_open: 0, valve_fault: 0, battery_low: 1 }],
  ])('with status %s', (st, values) => {
    expect(decoded(gas, volume('27 43 10 00', '2C', st)).values).toEqual({ gas_m3: 1043.27, ...values });
  });

  test('with its bits elsewhere is read by its profile', () => {
    const status = {
      valve: { mask: 'C000', open: '0000', closed: '4000', fault: 'C000' },
      batteryLow: { mask: '2000', is: '2000' },
    };
    const other: Profile = { ...gas, ...(gas.cjt188 && { cjt188: { ...gas.cjt188, status } }) };
    expect(decoded(other, volume('27 43 10 00', '2C', '60 01')).values).toMatchObject({
      valve_open: 0,
      battery_low: 1,
    });
  });

  test('of another length is refused whole', () => {
    expect(decoded(gas, { '901F': '27 43 10 00 2C' })).toMatchObject({ values: {} });
  });

  const heatOf = (flow: string) =>
    `00 00 80 00 05 67 45 23 01 05 42 08 00 00 17 ${flow} 00 32 04 01 2C 12 45 00 07 36 00 21 43 00 ${time} 00 00`;

  test('whose flow has two decimals is read by its profile', () => {
    const wide: Profile = { ...heat, ...(heat.cjt188 && { cjt188: { ...heat.cjt188, flowFormat: 'XXXXXX.XX' } }) };
    expect(decoded(heat, { '901F': heatOf('25 41 00 00 35') }).values['flow_m3h']).toBe(0.4125);
    expect(decoded(wide, { '901F': heatOf('41 00 00 00 35') }).values['flow_m3h']).toBe(0.41);
  });
});

test('what was refused is kept, and read again', () => {
  const data = new Map([
    ['02010100', bytes('0A 23')],
    ['02030000', reversed('023904')],
  ]);
  const again = decodeKept(electricity, textOfMeter(data, NOW), { now: NOW + 1, maxFutureMs: 0, installedAt: null });
  expect(again).toEqual(decodeMeter(electricity, data, NOW));
});

describe('a wrong profile', () => {
  const good = `profile: x
title: { zh: 甲, en: A }
kind: electricity_meter
source: none
protocol: dlt645
offlineAfterS: 60
dlt645: { everyS: 60, blocks: { 0201FF00: ["02010100", "02010200"] } }
metrics:
  a_v: { kind: gauge, min: 0, max: 500, from: { di: "02010100", format: XXX.X }, title: { zh: 压, en: V } }
  power_on: { kind: state, from: { di: "04000503", bit: 4, is: 0 }, title: { zh: 通, en: On } }
commands:
  power: { values: { on: 1, off: 0 }, to: { control: { on: close, off: trip } }, confirm: power_on, timeoutS: 60, title: { zh: 通断, en: Power } }
examples:
  - { frame: { frames: ["68 43 10 00 11 34 00 68 91 06 33 34 34 35 37 56 5C 16"] }, values: { a_v: 230.4 } }
`;
  test('is not this one', () => expect(parseProfile(good, 'x.yaml').profile).toBe('x'));
  test.each([
    ['with another protocol’s section', good.replace('protocol: dlt645', 'protocol: cjt188'), 'dlt645: profiles of'],
    ['with half a byte', good.replace('XXX.X', 'XX.X'), 'metrics.a_v'],
    ['with neither bit nor format', good.replace(', format: XXX.X', ''), 'metrics.a_v'],
    ['with a number that is a state', good.replace('gauge, min: 0, max: 500', 'state'), 'bits and valves are states'],
    ['with a field of CJ/T 188', good.replace('di: "02010100", format: XXX.X', 'field: total'), 'the other protocol'],
    ['with a value that does nothing', good.replace('on: close, off: trip', 'on: close'), 'what does off do?'],
    ['that clears the meter', good.replace('off: trip', 'off: clear'), 'commands.power'],
    ['that confirms a switch by a number', good.replace('confirm: power_on', 'confirm: a_v'), 'shows in a state'],
    ['with registers', good.replace('di: "02010100", format: XXX.X', 'holding: 1'), 'meters have a di'],
  ])('%s is refused', (_case, text, message) => {
    expect(() => parseProfile(text, 'x.yaml')).toThrow(message);
  });
});
