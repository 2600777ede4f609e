import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { projectRoot } from '../../src/config.ts';
import { wrongExamples } from '../../src/field/profile-examples.ts';
import { commandNumber } from '../../src/terminals/encode.ts';
import { checkProfile, loadProfiles, parseProfile } from '../../src/terminals/profile.ts';

const profiles = loadProfiles(join(projectRoot, 'config/profiles'));
test('the profiles that others rely on are there', () => {
  expect([...profiles.keys()]).toEqual(
    expect.arrayContaining(['eastron-sdm120', 'electric-heater', 'gas-boiler', 'gas-meter', 'midea-m-thermal']),
  );
});

describe.each([...profiles.values()].map((profile) => [profile.profile, profile] as const))('%s', (_name, profile) => {
  test('gives the expected values for each of its example frames, and refuses nothing in them', () => {
    expect(wrongExamples(profile)).toEqual([]);
  });

  test('shows every metric in some example', () => {
    const shown = new Set(profile.examples.flatMap(({ values }) => Object.keys(values)));
    expect([...shown].sort()).toEqual(Object.keys(profile.metrics).sort());
  });

  test('can confirm every value that its commands take', () => {
    for (const command of Object.values(profile.commands)) {
      const values = command.values ? Object.keys(command.values) : [command.range?.min ?? 0, command.range?.max ?? 0];
      for (const value of values) {
        const shown = commandNumber(command, value);
        const metric = profile.metrics[command.confirm];
        expect(shown).toBeDefined();
        if (metric?.kind === 'gauge') expect(shown).toBeGreaterThanOrEqual(metric.min);
        if (metric?.kind === 'gauge') expect(shown).toBeLessThanOrEqual(metric.max);
        if (metric?.kind === 'state') expect([0, 1]).toContain(shown);
      }
    }
  });
});

describe('a wrong profile is refused with its place', () => {
  const good = `profile: x
title: { zh: 甲, en: A }
kind: gas_meter
source: none
protocol: mqtt
offlineAfterS: 60
metrics:
  gas_m3: { kind: counter, rollsOverAt: 1000, title: { zh: 气, en: Gas } }
examples:
  - frame: { values: { gas_m3: 1 } }
    values: { gas_m3: 1 }
`;
  const modbus = `profile: x
title: { zh: 甲, en: A }
kind: heat_pump
source: none
protocol: modbus
offlineAfterS: 60
poll: { everyS: 60, readable: [[0, 9]], maxRegisters: 2 }
metrics:
  room_c: { kind: gauge, min: 0, max: 9, from: { holding: 0 }, title: { zh: 温, en: Room } }
commands:
  set: { range: { min: 0, max: 9, step: 1 }, to: { holding: 0 }, confirm: room_c, timeoutS: 9, title: { zh: 设, en: Set } }
examples:
  - { frame: { holding: { 0: 1 } }, values: { room_c: 1 } }
`;
  const LOW_FIRST = '{ holding: 0, bits: [{ from: 0, to: 3 }]';
  const SEVENTEEN = '{ holding: 0, bits: [{ from: 15, to: 0 }, { word: 1, from: 0, to: 0 }]';
  const OF_32 = '{ holding: 0, as: uint32, bits: [{ from: 3, to: 0 }]';
  const WIDE_MARK = '{ holding: 0, count: 2, put: [{ holding: 1, byte: high, value: 256 }] }';
  const withBlock = (block: string) => modbus.replace('to: { holding: 0 }', `to: { holding: 0, block: ${block} }`);
  test.each([
    ['a kind that does not exist', good.replace('gas_meter', 'toaster'), 'x.yaml:3:7 kind'],
    ['an unknown key', `${good}code: "process.exit()"\n`, 'x.yaml:12:1 code: unknown key'],
    ['a limit that no number holds exactly', good.replace('1000,', '1e16,'), 'metrics.gas_m3.rollsOverAt'],
    ['a metric without a unit', good.replaceAll('gas_m3', 'gas_total'), 'its last word is no known unit'],
    ['a Modbus metric without a register', good.replace('mqtt', 'modbus'), 'poll: Modbus profiles have it'],
    ['a value in two places', modbus.replace('holding: 0', 'holding: 0, coil: 1'), 'name one of holding'],
    ['a coil of 32 bits', modbus.replace('holding: 0', 'coil: 0, as: uint32'), 'a coil is one bit'],
    ['a byte of 32 bits', modbus.replace('holding: 0', 'holding: 0, as: uint32, byte: low'), 'a byte lies in'],
    [
      'a value wider than a request',
      modbus.replace('holding: 0', 'holding: 0, as: uint64'),
      'wider than poll.maxRegisters',
    ],
    ['a command into an input', modbus.replace('to: { holding', 'to: { input'), 'only holding registers and coils'],
    [
      'a command that its register cannot hold',
      modbus.replace('range: { min: 0, max: 9,', 'range: { min: 0, max: 99999,'),
      '99999 does not fit',
    ],
    [
      'a metric outside of what can be read',
      modbus.replace('from: { holding: 0', 'from: { holding: 10'),
      'not within one',
    ],
    ['bits from the low one up', modbus.replace('from: { holding: 0', `from: ${LOW_FIRST}`), 'from the high one down'],
    ['more bits than a value has', modbus.replace('from: { holding: 0', `from: ${SEVENTEEN}`), 'no more than 16 bits'],
    ['bits of 32', modbus.replace('from: { holding: 0', `from: ${OF_32}`), 'bits are a uint16 or int16'],
    ['a block that misses its value', withBlock('{ holding: 1, count: 2 }'), 'does not fit'],
    [
      'a block that misses its mark',
      withBlock('{ holding: 0, count: 2, put: [{ holding: 2, value: 1 }] }'),
      'does not fit',
    ],
    ['a mark that its byte cannot hold', withBlock(WIDE_MARK), 'does not fit'],
    ['a block longer than a request', withBlock('{ holding: 0, count: 3 }'), 'cannot be read in one request'],
    [
      'a block of coils',
      withBlock('{ holding: 0, count: 2 }').replace('to: { holding', 'to: { coil'),
      'holding registers',
    ],
    [
      'a way to print addresses without Modbus',
      good.replace('kind: gas', 'printed: one_based\nkind: gas'),
      'only Modbus',
    ],
    ['broken YAML', good.replace('[', '{').replace('metrics:', 'metrics: ['), 'x.yaml:'],
  ])('%s', (_case, text, message) => {
    expect(() => parseProfile(text, 'x.yaml')).toThrow(message);
  });

  test('all at once, each with its line and column, and what contradicts the good entries too', () => {
    const text = modbus
      .replace('kind: heat_pump', 'kind: toaster')
      .replace('metrics:\n', 'metrics:\n  flow_x: { kind: state, from: { coil: 1 }, title: { zh: 甲, en: A } }\n')
      .replace('confirm: room_c', 'confirm: setpoint_c')
      .replace('from: { holding: 0 }', 'from: { holding: 70000, bitt: 1 }')
      .replace('source: none\n', '');
    const { value, errors } = checkProfile(text);
    expect(value).toBeUndefined();
    expect(errors.map(({ line, column, path }) => `${line}:${column} ${path}`)).toEqual([
      '1:1 source',
      '3:7 kind',
      '8:3 metrics.flow_x',
      '9:59 metrics.room_c.from.holding',
      '9:66 metrics.room_c.from.bitt',
      '11:75 commands.set.confirm',
    ]);
    expect(() => parseProfile(text, 'x.yaml')).toThrow(/^x.yaml:1:1 source: is missing\nx.yaml:3:7 kind: /);
  });

  test('and says nothing of a metric that is there, with an error of its own', () => {
    const { errors } = checkProfile(modbus.replace('kind: gauge', 'kind: gorge'), 'zh');
    expect(errors).toEqual([
      { line: 9, column: 19, path: 'metrics.room_c.kind', message: '应为其中之一：gauge, counter, state' },
    ]);
  });

  test.each([good, modbus, withBlock('{ holding: 0, count: 2 }')])('and the good ones are taken', (text) => {
    expect(parseProfile(text, 'x.yaml').profile).toBe('x');
  });
});
