import { describe, expect, test } from 'vitest';
import { TWINS } from '../modbus/devices.ts';
import { fileOf, inEnglish, run, startBox, startServer } from './stage.ts';

/** `hearthgate modbus read` and `try`, on real sockets. */

/** A busy computer may take longer than the profile allows a device. */
const PATIENT = ['--timeout', '5000'];

describe('what is wrong is said in a sentence, with exit code 1', () => {
  test.each([
    ['nothing that should be read', [], 'say --profile, or addresses'],
    ['addresses that are none', ['--holding', '20-0'], 'is no range within 0–65535'],
    ['a profile that is not there', ['--profile', 'steam-engine'], 'there is no profile steam-engine'],
    ['a profile of MQTT', ['--profile', 'gas-boiler'], 'is no Modbus profile'],
  ])('%s', async (_case, args, sentence) => {
    const { code, stdout, stderr } = await inEnglish('modbus', 'read', 'tcp://127.0.0.1:1', '1', ...args);
    expect([code, stdout, stderr]).toEqual([1, '', expect.stringContaining(sentence)]);
  });

  test('a unit that does not answer', async () => {
    const { url } = await startBox({ units: [1], framing: 'rtu' });
    const { code, stderr } = await inEnglish('modbus', 'read', url, '9', '--holding', '0', '--timeout', '60');
    expect([code, stderr]).toEqual([1, expect.stringContaining('unit 9 did not answer within 60 ms')]);
  });

  test('in Chinese, too, whatever a unit does', async () => {
    const { url, faults } = await startBox({ units: [1] });
    const file = await fileOf('twins.yaml', TWINS);
    const silent = await run(['modbus', 'read', url, '9', '--holding', '0', '--timeout', '60']);
    const said = silent.stderr + silent.stdout;
    expect([silent.code, said]).toEqual([1, expect.stringMatching(/没有应答|网关没有得到设备应答/)]);
    faults(1)?.force('exception', 4);
    const { code, stdout } = await run(['modbus', 'try', file, url, '1', ...PATIENT]);
    expect([code, stdout]).toEqual([1, expect.stringContaining('Modbus 异常 04：设备故障')]);
    expect(stdout).not.toMatch(/exception|failure/);
  });

  test('registers that the device refuses are named, down to the single one, and the others are read', async () => {
    const { url } = await startBox({ units: [1] });
    const { code, stdout } = await run(['modbus', 'read', url, '1', '--holding', '0-1,100', '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      holding: { 0: 41, 100: 30 },
      refused: [{ table: 'holding', address: 1, count: 1, reason: 'Modbus exception 02: no such register' }],
    });
  });
});

test('words are shown as hexadecimal, signed, unsigned and as floats of both orders', async () => {
  const port = await startServer((socket) =>
    socket.on('data', (request) => {
      const answer = Buffer.from([3, 8, 0x43, 0x66, 0x33, 0x34, 0xff, 0xff, 0x00, 0x01]);
      socket.write(Buffer.concat([request.subarray(0, 4), Buffer.of(0, answer.length + 1, 1), answer]));
    }),
  );
  const { code, stdout } = await inEnglish('modbus', 'read', `tcp://127.0.0.1:${port}`, '1', '--holding', '70-73');
  expect(code).toBe(0);
  expect(stdout).toMatch(/│ 70 +│ 0046 +│ 4366 │ 17254 +│ 17254 │ 230\.2 /);
  expect(stdout).toMatch(/│ 72 +│ 0048 +│ FFFF │ 65535 +│ -1 /);
});

test('by a profile, each metric stands beside its registers, or why it has no value', async () => {
  const { url, faults } = await startBox({ units: [4], values: { return_c: 0 } });
  const file = await fileOf(
    'twins.yaml',
    TWINS.replace('from: { holding: 100 }', 'from: { holding: 100, absent: [0] }').replace(
      'from: { holding: 7 }',
      'from: { holding: 7, scale: 0.5, validWhen: { holding: 0, bit: 0, is: 1 } }',
    ),
  );
  const read = () => inEnglish('modbus', 'read', url, '4', '--profile', file, ...PATIENT);
  const { code, stdout } = await read();
  expect(code).toBe(0);
  expect(stdout).toMatch(/│ supply_c +│ holding 0 uint16 +│ 002C │ 44 +│ 44 °C +│/);
  expect(stdout).toMatch(/│ return_c +│ holding 100 uint16 +│ 0000 │ 0 +│ — +│ is a mark for “no value” \(absent\)/);
  expect(stdout).toMatch(/│ setpoint_c │ holding 7 uint16 ×0\.5 │ 0014 │ 20 +│ — +│ validWhen: holding 0 says/);
  faults(4)?.force('exception', 4);
  const again = await read();
  expect(again.code).toBe(1);
  expect(again.stdout).toMatch(/│ supply_c +│ holding 0 uint16 +│ — +│ — +│ — +│ the device refuses to be read here/);
});

describe('a profile that is tried', () => {
  test('with errors in its file is not taken to the device', async () => {
    let connections = 0;
    const port = await startServer(() => {
      connections += 1;
    });
    const file = await fileOf('twins.yaml', TWINS.replace('kind: gauge', 'kind: gorge'));
    const { code, stdout } = await inEnglish('modbus', 'try', file, `tcp://127.0.0.1:${port}`, '1');
    expect([code, connections]).toEqual([1, 0]);
    expect(stdout).toContain(`${file}:10:21 metrics.supply_c.kind: must be one of gauge, counter, state`);
  });

  test('shows values, its requests with their times, and that all is well', async () => {
    const { url, orders } = await startBox({ units: [1] });
    const file = await fileOf('twins.yaml', TWINS);
    const { code, stdout } = await inEnglish('modbus', 'try', file, url, '1', ...PATIENT);
    expect(code).toBe(0);
    expect(stdout).toContain('its example gives what it must');
    expect(stdout).toMatch(/│ supply_c +│ holding 0 uint16 +│ 0029 │ 41 +│ 41 °C/);
    expect(stdout).toMatch(/│ holding 100 │ \d+ ms +│ 1 register or bit/);
    expect(stdout).toMatch(/all is well\n$/);
    expect(orders).toEqual([]);
  });

  test('names the values that the gateway would refuse, and the reads that the device refuses', async () => {
    const { url } = await startBox({ units: [1] });
    const wrong = TWINS.replace('max: 60000, from: { holding: 0 }', 'max: 20, from: { holding: 0 }')
      .replace('from: { holding: 100 }', 'from: { holding: 101 }')
      .replaceAll('100', '101');
    const file = await fileOf('twins.yaml', wrong);
    const { code, stdout } = await inEnglish('modbus', 'try', file, url, '1', ...PATIENT);
    expect(code).toBe(1);
    expect(stdout).toContain('41 is not within 0 … 20');
    expect(stdout).toMatch(/│ holding 101 │ \d+ ms +│ Modbus exception 02: no such register/);
    expect(stdout).toMatch(/2 things are wrong\n$/);
  });

  test('on a unit that is not there: why reading ended', async () => {
    const { url } = await startBox({ units: [1] });
    const file = await fileOf('twins.yaml', TWINS);
    const { code, stdout } = await inEnglish('modbus', 'try', file, url, '2');
    expect(code).toBe(1);
    expect(stdout).toContain('ended early: Modbus exception 0B: gateway got no answer from the device');
  });

  test('is read again and again with --watch, and remembers that something was wrong', async () => {
    const { url, faults } = await startBox({ units: [1] });
    const file = await fileOf('twins.yaml', TWINS);
    faults(1)?.force('exception', 4);
    const args = ['modbus', 'try', file, url, '1', '--watch', '1', '--lang', 'en', ...PATIENT];
    const { code, stdout } = await run(args, (said, interrupt) => {
      if (said.stdout.includes('all is well')) interrupt();
    });
    expect(code).toBe(1);
    expect(stdout).toContain('1 thing is wrong');
    expect(stdout).toMatch(/^\d{4}-\d\d-\d\dT/m);
  });
});
