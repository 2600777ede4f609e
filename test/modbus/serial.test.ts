import { existsSync } from 'node:fs';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openSerialLine } from '../../device-sim/modbus-serial.ts';
import { projectRoot } from '../../src/config.ts';
import type { LineDetail } from '../../src/http/schemas/modbus.ts';
import { characterMs } from '../../src/lines/lines.ts';
import { makeTerminal, startTestGateway } from '../helpers/gateway.ts';
import { joinedPorts, noPython } from '../helpers/pty.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';
import { profileOf, simulate, TWINS } from './devices.ts';

/** Serial lines over joined pseudo-terminals, with the real serial driver on both ends. */

test.each([
  ['9600 8N1', { baudRate: 9600 }, 10 / 9.6],
  ['9600 8E1', { baudRate: 9600, parity: 'even' as const }, 11 / 9.6],
  ['2400 7E2', { baudRate: 2400, dataBits: 7 as const, parity: 'even' as const, stopBits: 2 as const }, 11 / 2.4],
])('a character at %s takes its bits', (_name, settings, ms) => {
  expect(characterMs({ serial: '/dev/ttyS0', ...settings })).toBeCloseTo(ms, 9);
});

test('two units on a serial line are read and written, one that is pulled out is missed, and put back it is read again', async ({
  skip,
}) => {
  const reason = noPython();
  if (reason) skip(reason);
  const stack = new AsyncDisposableStack();
  onTestFinished(() => stack.disposeAsync());
  const folder = stack.use(await tempFolder());
  const profiles = join(folder.path, 'profiles');
  await cp(join(projectRoot, 'config/profiles'), profiles, { recursive: true });
  await writeFile(join(profiles, 'twins.yaml'), TWINS);
  const { ends } = stack.use(await joinedPorts());
  const devices = simulate(
    [1, 2].map((unit) => ({
      unit,
      profile: profileOf(TWINS),
      values: () => ({ supply_c: 10 * unit, return_c: 20 * unit, setpoint_c: 5 }),
    })),
  );
  const plug = () => openSerialLine({ serial: ends[1], baudRate: 9600 }, devices.parts);
  let bus = await plug();
  const gateway = stack.use(await startTestGateway({ overrides: { files: { profiles } } }));
  const line = { serial: ends[0], baudRate: 9600 };
  for (const unit of [1, 2]) {
    await makeTerminal(gateway.admin, {
      id: `twin-${unit}`,
      profile: 'twins',
      connection: { type: 'modbus', line, unit },
    });
  }
  const values = async (unit: number) => (await gateway.admin.latest(`twin-${unit}`)).values;
  await eventually(async () => (await values(2))['return_c']?.value === 40);
  expect(await values(1)).toMatchObject({ supply_c: { value: 10 }, return_c: { value: 20 } });
  const { body } = await gateway.admin.command('twin-1', { command: 'setpoint', value: 50 });
  await eventually(async () =>
    ['acknowledged', 'confirmed'].includes((await gateway.admin.commandState(body.id)).state),
  );
  expect(devices.orders).toEqual([{ unit: 1, command: 'setpoint', value: 50 }]);

  await bus[Symbol.asyncDispose]();
  const state = async () => (await gateway.admin.get<LineDetail>(`/modbus/lines/${encodeURIComponent(ends[0])}`)).body;
  await eventually(
    async () => (await state()).units.every(({ lastError }) => lastError?.text.includes('did not answer')),
    20_000,
  );
  bus = await plug();
  stack.defer(() => bus[Symbol.asyncDispose]());
  const since = Date.now();
  await eventually(async () => Date.parse((await state()).units[0]?.lastAnswerAt ?? '') > since, 20_000);
});

test('a serial port that is not there is one line that is down', async () => {
  const gateway = await startTestGateway();
  onTestFinished(() => gateway[Symbol.asyncDispose]());
  const line = { serial: '/dev/ttyHearthgateNone', baudRate: 9600 };
  expect(existsSync(line.serial)).toBe(false);
  await makeTerminal(gateway.admin, {
    id: 'meter',
    profile: 'eastron-sdm120',
    connection: { type: 'modbus', line, unit: 1 },
  });
  await eventually(async () => {
    const { body } = await gateway.admin.get<LineDetail>(`/modbus/lines/${encodeURIComponent(line.serial)}`);
    return body.isUp === false && body.trouble?.includes('No such file');
  });
});
