import { describe, expect, test } from 'vitest';
import { decodeRegisters } from '../../src/terminals/decode.ts';
import { eventually } from '../helpers/temp.ts';
import { profileOf } from './devices.ts';
import { startTerminal } from './terminal.ts';

/** What a command writes, over real sockets: the function, what lies beside it, and what the device makes of it. */

const title = 'title: { zh: 值, en: Value }';
const profile = profileOf(`
profile: writable
title: { zh: 写, en: Writable }
kind: heat_pump
source: a test
protocol: modbus
offlineAfterS: 300
poll: { everyS: 60, readable: [[0, 9]], timeoutMs: 300 }
metrics:
  setpoint_c: { kind: gauge, min: 0, max: 100, from: { holding: 0 }, ${title} }
  supply_c: { kind: gauge, min: 0, max: 100, from: { holding: 1, byte: low }, ${title} }
  return_c: { kind: gauge, min: 0, max: 100, from: { holding: 1, byte: high }, ${title} }
  power_on: { kind: state, from: { holding: 2, bit: 3 }, ${title} }
  pump_on: { kind: state, from: { holding: 2, bit: 0 }, ${title} }
  heater_on: { kind: state, from: { coil: 4 }, ${title} }
  heat_kwh: { kind: gauge, min: 0, max: 1000000, from: { holding: 6, as: uint32, order: cdab }, ${title} }
commands:
  setpoint: { range: { min: 5, max: 90, step: 1 }, to: { holding: 0, readBackMs: 50 }, confirm: setpoint_c, timeoutS: 60, ${title} }
  many: { range: { min: 5, max: 90, step: 1 }, to: { holding: 0, writeMany: true }, confirm: setpoint_c, timeoutS: 60, ${title} }
  supply: { range: { min: 0, max: 90, step: 1 }, to: { holding: 1, byte: low }, confirm: supply_c, timeoutS: 60, ${title} }
  power: { values: { on: 1, off: 0 }, to: { holding: 2, bit: 3 }, confirm: power_on, timeoutS: 60, ${title} }
  heater: { values: { on: 1, off: 0 }, to: { coil: 4 }, confirm: heater_on, timeoutS: 60, ${title} }
  heaters: { values: { on: 1, off: 0 }, to: { coil: 4, writeMany: true }, confirm: heater_on, timeoutS: 60, ${title} }
  heat: { range: { min: 0, max: 100000, step: 1 }, to: { holding: 6, as: uint32, order: cdab }, confirm: heat_kwh, timeoutS: 60, ${title} }
examples: [{ frame: { holding: { 0: 1 } }, values: { setpoint_c: 1 } }]
`);

const VALUES = {
  setpoint_c: 20,
  supply_c: 40,
  return_c: 30,
  power_on: false,
  pump_on: true,
  heater_on: false,
  heat_kwh: 70_000,
};

const startScene = (unitAnswers = true) => startTerminal(profile, { ...VALUES }, unitAnswers ? 1 : 2);

test('a poll reads registers and coils, bytes and bits', async () => {
  const { frames } = await startScene();
  await eventually(() => frames.length > 0);
  const [frame] = frames;
  const numbers = { ...VALUES, power_on: 0, pump_on: 1, heater_on: 0 };
  expect(frame && decodeRegisters(profile, frame, Date.now()).readings[0]?.values).toEqual(numbers);
});

describe('a command', () => {
  test.each<[string, string, string | number, string]>([
    ['a word with function 06', 'setpoint', 45, '01 06 00 00 00 2d'],
    ['a word with function 10 where the profile says so', 'many', 45, '01 10 00 00 00 01 02 00 2d'],
    ['a byte, and leaves the other as it is', 'supply', 50, '01 06 00 01 1e 32'],
    ['a bit, and leaves the others as they are', 'power', 'on', '01 06 00 02 00 09'],
    ['a coil with function 05', 'heater', 'on', '01 05 00 04 ff 00'],
    ['a coil with function 0F where the profile says so', 'heaters', 'on', '01 0f 00 04 00 01 01 01'],
    ['two words in their order', 'heat', 65_537 + 4, '01 10 00 06 00 02 04 00 05 00 01'],
  ])('writes %s', async (_case, name, value, sent) => {
    const { give, writes, devices } = await startScene();
    // The simulator obeys after it has answered, so what is read back is what was written until then.
    const outcome = await give(name, value);
    expect(writes()).toEqual([sent]);
    expect(devices.orders.map(({ command }) => command)).toContain(name);
    if (name !== 'setpoint') expect(outcome).toEqual({ result: 'taken' });
  });

  test('is refused when the device shows another value than was written', async () => {
    const { give } = await startScene();
    expect(await give('setpoint', 45)).toEqual({ result: 'refused', reason: 'the device shows 20 after the write' });
  });

  test.each<[string, string, string | number]>([
    ['out of its range', 'setpoint', 91],
    ['between its steps', 'setpoint', 20.5],
    ['of another word', 'power', 'maybe'],
    ['that no profile names', 'reset', 1],
  ])('%s writes nothing', async (_case, name, value) => {
    const { give, writes } = await startScene();
    expect(await give(name, value)).toEqual({ result: 'not_given' });
    expect(writes()).toEqual([]);
  });

  test('that may no longer begin writes nothing', async () => {
    const { give, writes } = await startScene();
    expect(await give('many', 45, async () => false)).toEqual({ result: 'not_given' });
    expect(writes()).toEqual([]);
  });

  test('to a busy device is written again, and begins once', async () => {
    const { give, devices, frames } = await startScene();
    await eventually(() => frames.length > 0);
    let begun = 0;
    devices.faults(1)?.force('exception', 6);
    const outcome = await give('many', 45, async () => {
      begun += 1;
      return true;
    });
    expect([outcome, begun]).toEqual([{ result: 'taken' }, 1]);
  });

  test('without an answer is not known to have arrived', async () => {
    const { give, devices, frames } = await startScene();
    await eventually(() => frames.length > 0);
    devices.faults(1)?.force('drop');
    await expect(give('many', 45)).rejects.toThrow('did not answer');
  });

  test('for a unit that is silent takes its line a time-out now and then, not all of its time', async () => {
    const { give, bridge } = await startScene(false);
    const requests = () => bridge.lines()[0]?.requests ?? 0;
    await eventually(
      () => bridge.lines()[0]?.units[0]?.breaker !== 'closed' || give('power', 'on').then(() => false),
      20_000,
    );
    await give('power', 'on');
    const before = requests();
    for (let i = 0; i < 20; i += 1) expect(await give('power', 'on')).toEqual({ result: 'not_given' });
    expect(requests() - before).toBeLessThan(2);
  });
});
