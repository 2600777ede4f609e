import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { attend } from '../../device-sim/modbus-line.ts';
import { projectRoot } from '../../src/config.ts';
import { freePort } from '../../src/demo/free-port.ts';
import type { LineDetail, LineList } from '../../src/http/schemas/modbus.ts';
import { loadProfiles } from '../../src/terminals/profile.ts';
import { makeHousehold, makeTerminal, type Overrides, startTestGateway, type TestGateway } from '../helpers/gateway.ts';
import { eventually } from '../helpers/temp.ts';
import { simulate } from './devices.ts';

/** DTUs that dial in to a whole gateway, over real sockets. */

const meter = loadProfiles(join(projectRoot, 'config/profiles')).get('eastron-sdm120');

/** A DTU with a meter as unit 1 behind it, whose voltage says which DTU it is. */
async function dial(port: number, registration: Buffer | string, voltage = 230): Promise<Socket> {
  if (!meter) throw new Error('no profile');
  const values = () => ({ voltage_v: voltage, current_a: 1, power_kw: 1, frequency_hz: 50, energy_kwh: 1 });
  const devices = simulate([{ unit: 1, profile: meter, values }]);
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.on(
    'data',
    attend({ write: (bytes) => void socket.write(bytes), close: () => undefined }, 'rtu', devices.parts),
  );
  await once(socket, 'connect');
  socket.write(registration);
  onTestFinished(() => void socket.destroy());
  return socket;
}

async function startScene(modbus: Overrides['modbus'] = {}) {
  const gateway = await startTestGateway({ overrides: { modbus } });
  onTestFinished(() => gateway[Symbol.asyncDispose]());
  const port = await freePort();
  return {
    gateway,
    port,
    add: (id: string, line: object = {}, unit = 1) =>
      makeTerminal(gateway.admin, {
        id,
        profile: 'eastron-sdm120',
        connection: { type: 'modbus', line: { listen: port, registration: 'HG-1', ...line }, unit },
      }),
    voltage: async (id: string) => (await gateway.admin.latest(id)).values['voltage_v']?.value,
    dialIn: async () => (await gateway.admin.get<LineList>('/modbus/lines')).body.dialIn,
  };
}

const closed = (socket: Socket): Promise<unknown> => (socket.destroyed ? Promise.resolve() : once(socket, 'close'));

/** Until the gateway listens there. */
async function listening(port: number): Promise<void> {
  await eventually(async () => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    const [open] = await Promise.race([
      once(socket, 'connect').then(() => [true]),
      once(socket, 'close').then(() => [false]),
    ]);
    socket.destroy();
    return open;
  });
}

describe('a DTU', () => {
  test.each<[string, string, Buffer]>([
    ['by text', 'HG-1', Buffer.from('HG-1')],
    ['by text and a line end', 'HG-1', Buffer.from('HG-1\r\n')],
    ['by bytes', 'hex:00 01 FE', Buffer.from('0001fe', 'hex')],
    ['by Chinese text', '暖关', Buffer.from('暖关')],
  ])('is known %s, and its unit is read', async (_case, registration, packet) => {
    const { add, port, voltage } = await startScene();
    await add('meter', { registration });
    await listening(port);
    await dial(port, packet, 231);
    await eventually(async () => (await voltage('meter')) === 231);
  });

  test('is known by a registration that comes in pieces, and not by the beginning of it', async () => {
    const { add, port, voltage } = await startScene();
    await add('one');
    await add('twelve', { registration: 'HG-12' });
    await listening(port);
    const socket = await dial(port, 'HG-', 212);
    socket.write('1');
    socket.write('2');
    await eventually(async () => (await voltage('twelve')) === 212);
    expect(await voltage('one')).toBeUndefined();
  });

  test('that nobody knows is refused and counted, and nothing of it is read', async () => {
    const { add, port, dialIn, voltage } = await startScene();
    await add('meter');
    await listening(port);
    for (const registration of ['HG-123', 'HG', 'hg-1', '{"id":"HG-1"}', 'GET / HTTP/1.1\r\n\r\n', 'x'.repeat(500)]) {
      await closed(await dial(port, registration));
    }
    expect(await dialIn()).toMatchObject({ unknown: 6, accepted: 0, connections: 0 });
    expect(await voltage('meter')).toBeUndefined();
  });

  test('that says nothing is cut after its time', async () => {
    const { add, port, dialIn } = await startScene({ registrationS: 1 });
    await add('meter');
    await listening(port);
    await closed(await dial(port, ''));
    expect((await dialIn())?.silent).toBeGreaterThan(0);
  });

  test('that dials in again takes the place of its old connection', async () => {
    const { add, port, voltage } = await startScene();
    await add('meter');
    await listening(port);
    const first = await dial(port, 'HG-1', 221);
    await eventually(async () => (await voltage('meter')) === 221);
    await dial(port, 'HG-1', 222);
    await closed(first);
    await eventually(async () => (await voltage('meter')) === 222);
  });

  test('beyond the limit is cut', async () => {
    const { add, port, dialIn, voltage } = await startScene({ connections: 1 });
    await add('meter');
    await listening(port);
    await eventually(async () => (await dialIn())?.connections === 0);
    await dial(port, 'HG-1', 223);
    await eventually(async () => (await voltage('meter')) === 223);
    await closed(await dial(port, 'HG-1', 224));
    expect((await dialIn())?.overLimit).toBe(1);
  });

  test('whose connection breaks is offline for its commands, and read again when it is back', async () => {
    const { add, port, voltage, gateway } = await startScene();
    await add('meter');
    await listening(port);
    (
      await dial(port, 'HG-1', 225).then(async (socket) => {
        await eventually(async () => (await voltage('meter')) === 225);
        return socket;
      })
    ).destroy();
    await eventually(async () => (await line(gateway, `${port}/HG-1`)).isUp === false);
    await dial(port, 'HG-1', 226);
    await eventually(async () => (await voltage('meter')) === 226);
  });
});

const line = async ({ admin }: TestGateway, id: string) =>
  (await admin.get<LineDetail>(`/modbus/lines/${encodeURIComponent(id)}`)).body;

describe('while the gateway runs', () => {
  test('a terminal that changes its registration is read over the other DTU, and its old port is closed', async () => {
    const { add, port, voltage, gateway } = await startScene();
    const other = await freePort();
    await add('meter');
    await listening(port);
    const old = await dial(port, 'HG-1', 221);
    await eventually(async () => (await voltage('meter')) === 221);
    const connection = { type: 'modbus', line: { listen: other, registration: 'HG-9' }, unit: 1 };
    expect((await gateway.admin.patch('/terminals/meter', { connection })).status).toBe(200);
    await closed(old);
    await listening(other);
    await dial(other, 'HG-9', 229);
    await eventually(async () => (await voltage('meter')) === 229);
    const again = connect(port, '127.0.0.1');
    await expect(once(again, 'connect')).rejects.toThrow('ECONNREFUSED');
  });

  test('a terminal that is removed ends its connection and its port', async () => {
    const { add, port, voltage, gateway } = await startScene();
    await add('meter');
    await listening(port);
    const socket = await dial(port, 'HG-1');
    await eventually(async () => (await voltage('meter')) === 230);
    await gateway.admin.delete('/terminals/meter');
    await closed(socket);
    expect((await gateway.admin.get<LineList>('/modbus/lines')).body).toMatchObject({
      items: [],
      dialIn: { ports: 0 },
    });
  });

  test('a port that is taken is said to be so, and opened when it is free', async () => {
    const { add, port, gateway } = await startScene();
    const { createServer } = await import('node:net');
    const taken = createServer().listen(port, '127.0.0.1');
    await once(taken, 'listening');
    await add('meter');
    await eventually(async () => (await line(gateway, `${port}/HG-1`)).trouble?.includes('EADDRINUSE'));
    taken.close();
    await listening(port);
  });
});

describe('people who look after lines', () => {
  test('see their own units with answer times, breaker and frames, and no others', async () => {
    const { add, port, voltage, gateway } = await startScene();
    const mine = await makeHousehold(gateway);
    const theirs = await makeHousehold(gateway);
    await add('meter');
    await gateway.admin.patch('/terminals/meter', { householdId: mine.household.id });
    await add('absent', {}, 2);
    await gateway.admin.patch('/terminals/absent', { householdId: theirs.household.id });
    await listening(port);
    await dial(port, 'HG-1');
    await eventually(async () => (await voltage('meter')) === 230);
    const id = `${port}/HG-1`;
    await eventually(async () => (await line(gateway, id)).units.some(({ breaker }) => breaker === 'open'), 20_000);
    const { units, frames, isUp } = await line(gateway, id);
    expect(isUp).toBe(true);
    expect(units).toMatchObject([
      { terminalId: 'meter', unit: 1, breaker: 'closed', leftOut: [] },
      { terminalId: 'absent', unit: 2, breaker: 'open', lastAnswerAt: null, answerMs: { median: null } },
    ]);
    expect(units[0]?.answerMs.median).toBeLessThan(1_000);
    expect(frames.find(({ unit, heard }) => unit === 1 && heard !== '')?.sent).toMatch(
      /^01 04 00 \w\w 00 \w\w \w\w \w\w$/,
    );
    expect(units[1]?.lastError?.text).toContain('unit 2 did not answer');

    const seen = await mine.clerk.get<LineDetail>(`/modbus/lines/${encodeURIComponent(id)}`);
    expect(seen.body.units.map(({ terminalId }) => terminalId)).toEqual(['meter']);
    expect(seen.body.frames.every(({ unit }) => unit === 1)).toBe(true);
    expect((await mine.clerk.get<LineList>('/modbus/lines')).body.dialIn).toBeNull();
    const nobody = await makeHousehold(gateway);
    expect((await nobody.clerk.get<LineList>('/modbus/lines')).body.items).toEqual([]);
    expect((await nobody.clerk.get(`/modbus/lines/${encodeURIComponent(id)}`)).status).toBe(404);
    expect((await mine.resident.get('/modbus/lines')).status).toBe(403);
  });
});
