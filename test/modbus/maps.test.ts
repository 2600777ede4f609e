import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Values } from '../../device-sim/measure.ts';
import { createModbusUnit } from '../../device-sim/modbus-unit.ts';
import { projectRoot } from '../../src/config.ts';
import { targetOf } from '../../src/modbus/target.ts';
import { decodeRegisters } from '../../src/terminals/decode.ts';
import { commandNumber } from '../../src/terminals/encode.ts';
import { loadProfiles } from '../../src/terminals/profile.ts';
import { eventually } from '../helpers/temp.ts';
import type { ModbusProfile } from './devices.ts';
import { startTerminal } from './terminal.ts';

/** Every Modbus profile that is shipped, against a simulated device with codecs of its own, over a real socket. */

const shipped = [...loadProfiles(join(projectRoot, 'config/profiles')).values()].flatMap((profile): ModbusProfile[] =>
  profile.poll ? [{ ...profile, poll: profile.poll }] : [],
);

function shippedAs(name: string): ModbusProfile {
  const profile = shipped.find((one) => one.profile === name);
  if (!profile) throw new Error(`no profile ${name}`);
  return profile;
}

const SHOWS_25 = 'the device shows 12830 after the write';
const NOTHING = { holding: new Map<number, number>(), input: new Map<number, number>() };

/** What its examples say, the first that says something of a metric. */
const exampleOf = ({ examples }: ModbusProfile): Record<string, number> =>
  Object.assign({}, ...examples.toReversed().map(({ values }) => values));

describe.each(shipped.map((profile) => [profile.profile, profile] as const))('%s', (_name, profile) => {
  test('says how its maker prints addresses, and whether it was checked on a device', () => {
    expect(profile.printed).toBeDefined();
    expect(profile.source.length).toBeGreaterThan(20);
  });

  test('is polled, and brings what the device shows', async () => {
    const values = exampleOf(profile);
    const { frames, bridge } = await startTerminal(profile, { ...values });
    await eventually(() => frames.length > 0);
    const [frame] = frames;
    expect(frame && decodeRegisters(profile, frame, Date.now())).toMatchObject({ readings: [{ values }], rejects: [] });
    expect(bridge.lines()[0]?.units[0]?.leftOut).toEqual([]);
  });

  test('gives its commands as the device takes them', async () => {
    const values: Values = { ...exampleOf(profile) };
    const { give, devices } = await startTerminal(profile, values);
    for (const [command, definition] of Object.entries(profile.commands)) {
      const { range } = definition;
      for (const value of range ? [range.min, range.max] : Object.keys(definition.values ?? {})) {
        expect([command, value, await give(command, value)]).toEqual([command, value, { result: 'taken' }]);
        expect(devices.orders).toContainEqual({ unit: 1, command, value: commandNumber(definition, value) });
        devices.orders.length = 0;
      }
    }
  });
});

describe('a block', () => {
  const haier = shippedAs('haier-yr-e27');
  const values: Values = {
    ...{ set_mode: 5, power_on: true, setpoint_c: 25, shift_c: -2, dhw_setpoint_c: 43, dhw_shift_c: 1.5 },
  };

  test.each<[string, string, string | number, string]>([
    ['a setpoint, marked 04', 'setpoint', 35.5, '04 05 47 1a 00 00 00 00 00 00 56 21'],
    ['a tank setpoint, marked 02 in its own place', 'dhw_setpoint', 48, '00 05 32 1a 00 00 00 00 02 00 60 21'],
    ['off, marked 01', 'power', 'off', '01 04 32 1a 00 00 00 00 00 00 56 21'],
    ['a mode, marked 86', 'mode', 'heat_tank', '86 85 32 1a 00 00 00 00 00 00 56 21'],
  ])('is written whole with %s, and with what was there', async (_case, command, value, words) => {
    const { give, asked, frames } = await startTerminal(haier, values);
    await eventually(() => frames.length > 0);
    expect(await give(command, value)).toEqual({ result: 'taken' });
    expect(asked(/^01 (03 00 65|10)/).slice(0, 2)).toEqual([`01 10 00 65 00 06 0c ${words}`, '01 03 00 65 00 06']);
  });

  test('keeps of the words beside it what the profile says, and no more', () => {
    const present = [0x1fa5, 0x321a, 0x1234, 0xabc3, 0x7f10, 0x5621];
    const wordsOf = (command: string, value: string | number) =>
      targetOf(haier.commands[command], value)?.values(present);
    expect(wordsOf('setpoint', 35.5)).toEqual([0x04a5, 0x471a, 0x1234, 0x0003, 0x0010, 0x5621]);
    expect(wordsOf('dhw_setpoint', 48)).toEqual([0x00a5, 0x321a, 0x1234, 0x0003, 0x0210, 0x6021]);
    expect(wordsOf('mode', 'heat')).toEqual([0x8625, 0x321a, 0x1234, 0x0003, 0x0010, 0x5621]);
  });

  const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
  test.each([
    ['with its mark', '10 0065 0006 0c 0405 471a 0000 0000 0000 5621', '1000650006'],
    ['without any mark', '10 0065 0006 0c 0005 471a 0000 0000 0000 5621', '9003'],
    ['with more than the device allows beside it', '10 0065 0006 0c 0405 471a 0000 0010 0000 5621', '9003'],
    ['in part', '10 0065 0002 04 0405 471a', '9002'],
    ['by a single register', '06 0066 471a', '8602'],
  ])('%s is answered by the simulated device as by a real one', (_case, request, answer) => {
    const orders: string[] = [];
    const unit = createModbusUnit({
      profile: haier,
      values: () => values,
      refuses: () => false,
      obey: (given) => orders.push(...given.map(({ command }) => command)),
    });
    expect(unit(hex(request)).toString('hex')).toBe(answer);
    expect(orders).toEqual(answer.startsWith('10') ? ['setpoint'] : []);
  });
});

test('a setpoint is confirmed by what the device shows of it after the write', async () => {
  const haier = shippedAs('haier-yr-e27');
  const { give, frames } = await startTerminal(haier, {});
  await eventually(() => frames.length > 0);
  expect(await give('setpoint', 41.5)).toEqual({ result: 'taken' });
  await eventually(() => frames.length > 1);
  const [reading] = decodeRegisters(haier, frames[1] ?? NOTHING, Date.now()).readings;
  expect(reading?.values['setpoint_c']).toBe(41.5);
});

test.each([
  ['is taken when the device shows it', {}, { result: 'taken' }],
  // 25.0 and a compensation of 0: what a device shows that will not have it.
  ['is refused when the device shows another', { setpoint_c: 25, shift_c: 0 }, { result: 'refused', reason: SHOWS_25 }],
])('a value in a block that is read back %s', async (_case, values, outcome) => {
  const haier = structuredClone(shippedAs('haier-yr-e27'));
  const to = haier.commands['setpoint']?.to;
  if (!to) throw new Error('no setpoint');
  to.readBackMs = 50;
  const { give, asked, frames } = await startTerminal(haier, values);
  await eventually(() => frames.length > 0);
  expect(await give('setpoint', 41.5)).toEqual(outcome);
  expect(asked(/^01 (03 00 66|10)/).map((sent) => sent.slice(0, 5))).toEqual(['01 03', '01 10']);
});

test('of a register read back only the bits of the value are compared', () => {
  const { commands } = shippedAs('haier-yr-e27');
  const setpoint = commands['setpoint'];
  if (!setpoint?.to) throw new Error('no setpoint');
  const target = targetOf({ ...setpoint, to: { ...setpoint.to, readBackMs: 100 } }, 41.5)?.readBack;
  expect(target).toMatchObject({ afterMs: 100, address: 102, count: 1 });
  expect(target?.holds([0x531e])).toBe(true);
  expect(target?.holds([0x5300])).toBe(true);
  expect(target?.holds([0x521e])).toBe(false);
});
