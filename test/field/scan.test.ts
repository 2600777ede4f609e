import { describe, expect, test } from 'vitest';
import { openSerialLine } from '../../device-sim/modbus-serial.ts';
import { startDtu } from '../../device-sim/modbus-server.ts';

import { freePort } from '../../src/demo/free-port.ts';
import { joinedPorts, noPython } from '../helpers/pty.ts';
import { simulate } from '../modbus/devices.ts';
import { inEnglish, run, startBox, startServer, twins } from './stage.ts';

/** `hearthgate modbus scan`, on real sockets. */

interface Found {
  unit: number;
  state: string;
  functionCode: number;
  detail: string | null;
}
const foundIn = (stdout: string): Found[] => JSON.parse(stdout).found;

describe('what is wrong is said in a sentence, with exit code 1', () => {
  test.each([
    ['no kind of line', '10.8.0.7:502', 'is no line. Write tcp://HOST:502'],
    ['a host that does not exist', 'tcp://nobody.invalid:502', 'no such host'],
    ['a setting that does not exist', 'tcp://127.0.0.1:502?speed=9600', 'unrecognized key'],
    ['a setting that is missing', 'serial:///dev/ttyUSB9', 'baudRate: is missing'],
    ['a system port for a DTU', 'listen://127.0.0.1:502?registration=A', 'ports of 1024 or above'],
    ['a DTU without its registration', 'listen://127.0.0.1:7000', 'registration: is missing'],
    ['a serial port that is not there', 'serial:///dev/ttyNONE?baudRate=9600', 'there is no such serial port'],
  ])('%s', async (_case, line, sentence) => {
    const { code, stdout, stderr } = await inEnglish('modbus', 'scan', line, '--units', '1');
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr.toLowerCase()).toContain(sentence.toLowerCase());
    expect(stderr).not.toContain('    at ');
  });

  test('a port at which nobody listens', async () => {
    const { code, stderr } = await inEnglish('modbus', 'scan', `tcp://127.0.0.1:${await freePort()}`);
    expect([code, stderr]).toEqual([1, expect.stringContaining('nobody listens at that port')]);
  });

  test('units that are no units, in Chinese when nothing else is asked for', async () => {
    const { code, stderr } = await run(['modbus', 'scan', 'tcp://127.0.0.1:1', '--units', '0-300']);
    expect([code, stderr]).toEqual([1, '“0-300”不是 1–247 之间的范围，例如 1-20,30\n']);
  });

  test('a port that is taken where a DTU should dial in', async () => {
    const port = await startServer(() => undefined);
    const { code, stderr } = await inEnglish('modbus', 'scan', `listen://127.0.0.1:${port}?registration=A`);
    expect([code, stderr]).toEqual([1, expect.stringContaining(`port ${port} cannot be opened`)]);
  });

  test('a converter that takes nobody else: it hangs up, and the gateway is named as a cause', async () => {
    const port = await startServer((socket) => void socket.destroy());
    const { code, stderr } = await inEnglish('modbus', 'scan', `tcp://127.0.0.1:${port}`);
    expect([code, stderr]).toEqual([1, expect.stringContaining('does the gateway or another program use the line?')]);
  });

  test('a line on which nobody answers: what to look at', async () => {
    const { url } = await startBox({ units: [], framing: 'rtu' });
    const { code, stdout } = await inEnglish('modbus', 'scan', url, '--units', '1-3', '--timeout', '50');
    expect(code).toBe(1);
    expect(stdout).toContain('3 units asked, 0 answer');
    expect(stdout).toContain('Look at the kind of line');
  });

  test('one that speaks something else: garbled, and what to look at', async () => {
    const port = await startServer((socket) => socket.on('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n')));
    const { code, stdout } = await inEnglish('modbus', 'scan', `rtu+tcp://127.0.0.1:${port}`, '--units', '1');
    expect(code).toBe(1);
    expect(stdout).toMatch(/1 +│ garbled/);
    expect(stdout).toContain('look at speed, parity and stop bits');
  });
});

test.each(['tcp', 'rtu'] as const)('units that answer are found over %s, and how far it is', async (framing) => {
  const box = await startBox({ units: [2, 5], framing });
  // One that knows no such register is alive all the same.
  box.faults(5)?.force('exception', 2);
  const { code, stdout, stderr } = await inEnglish('modbus', 'scan', box.url, '--units', '1-6', '--timeout', '500');
  expect(code).toBe(0);
  expect(stdout).toMatch(/│ 2 +│ answers +│ function 03 +│ \d+ ms/);
  expect(stdout).toMatch(/│ 5 +│ answers \(exception\) │ function 03, Modbus exception 02: no such register │ \d+ ms/);
  expect(stdout).toContain('6 units asked, 2 answer');
  expect(stderr).toContain('100 % asked 6/6, found 2');
});

test('units on a serial port are found, with its settings behind the question mark', async ({ skip }) => {
  const reason = noPython();
  if (reason) skip(reason);
  await using ports = await joinedPorts();
  const devices = simulate([{ unit: 2, profile: twins, values: () => ({ supply_c: 1 }) }]);
  await using _bus = await openSerialLine({ serial: ports.ends[1], baudRate: 9600 }, devices.parts);
  const line = `serial://${ports.ends[0]}?baudRate=9600&parity=even&stopBits=1`;
  const { code, stdout } = await run(['modbus', 'scan', line, '--units', '1-3', '--timeout', '500', '--json']);
  devices.stop();
  expect(code).toBe(0);
  expect(foundIn(stdout)).toMatchObject([{ unit: 2, state: 'answers' }]);
});

test('a unit whose answer comes too late is not taken for its neighbour', async () => {
  const box = await startBox({ units: [1], framing: 'rtu' });
  box.faults(1)?.force('delay', 0.13);
  const { stdout } = await run(['modbus', 'scan', box.url, '--units', '1-2', '--timeout', '100', '--json']);
  expect(foundIn(stdout).filter(({ state }) => state !== 'garbled')).toEqual([]);
});

test('a device that keeps silent about a function is found by another', async () => {
  const box = await startBox({ units: [3], framing: 'rtu' });
  box.faults(3)?.force('drop');
  const args = ['modbus', 'scan', box.url, '--units', '3', '--functions', '3,4', '--timeout', '500', '--json'];
  const { code, stdout } = await run(args);
  expect(code).toBe(0);
  expect(foundIn(stdout)).toMatchObject([{ unit: 3, functionCode: 4 }]);
});

test('Ctrl-C ends it, and prints what was found', async () => {
  const box = await startBox({ units: [1, 2], framing: 'rtu' });
  let sent = false;
  const args = ['modbus', 'scan', box.url, '--units', '1-247', '--timeout', '300', '--lang', 'en'];
  const { code, stdout } = await run(args, ({ stderr }, interrupt) => {
    if (sent || !stderr.includes('found 2')) return;
    sent = true;
    interrupt();
  });
  expect(code).toBe(130);
  expect(stdout).toContain('stopped; this is what was found before');
  expect(stdout).toMatch(/\d+ units asked, 2 answer/);
});

test('a DTU is waited for, and one with another registration is named', async () => {
  const port = await freePort();
  const devices = simulate([{ unit: 7, profile: twins, values: () => ({ supply_c: 1 }) }]);
  const dial = (registration: string) => startDtu({ listen: port, gateway: '127.0.0.1', registration }, devices.parts);
  const dialled: Promise<AsyncDisposable>[] = [];
  const line = `listen://127.0.0.1:${port}?registration=HG+1`;
  const args = ['modbus', 'scan', line, '--units', '5-8', '--timeout', '500', '--lang', 'en'];
  const { code, stdout, stderr } = await run(args, (said) => {
    if (dialled.length === 0 && said.stderr.includes('waiting on')) dialled.push(dial('HG-2'));
    if (dialled.length === 1 && said.stderr.includes('HG-2')) dialled.push(dial('HG+1'));
  });
  devices.stop();
  for (const dtu of dialled) await (await dtu)[Symbol.asyncDispose]();
  expect(code).toBe(0);
  expect(stderr).toContain('127.0.0.1 dialled in with the registration HG-2, which is not the one');
  expect(stderr).toContain('the DTU has dialled in');
  // Silent units do not make the tool hang up on the DTU, which may be long in dialling again.
  expect(stderr.match(/the DTU has dialled in/g)).toHaveLength(1);
  expect(stdout).toMatch(/│ 7 +│ answers/);
});
