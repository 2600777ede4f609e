import type { MqttClient } from 'mqtt';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Values } from '../../device-sim/measure.ts';
import { createMeterCutter, reversed, write188, write645 } from '../../device-sim/meter-codec.ts';
import { startModbusLine } from '../../device-sim/modbus-server.ts';
import type { Command, CommandState } from '../../src/http/schemas/commands.ts';
import type { Problem } from '../../src/http/schemas/common.ts';
import type { LineDetail, LineList } from '../../src/http/schemas/modbus.ts';
import type { Connection } from '../../src/http/schemas/terminals.ts';
import {
  connectTerminal,
  makeTerminal,
  type Overrides,
  startTestGateway,
  type TestGateway,
} from '../helpers/gateway.ts';
import { eventually } from '../helpers/temp.ts';
import { simulate } from '../modbus/devices.ts';
import { PASSWORD, profileNamed, simulateMeters } from './stage.ts';

/** Meters and a whole gateway: real TCP, real MQTT, and what people then see. */

const METER = '003411001043';
const GAS = '33010200123456';
const settings = { password: PASSWORD };

/** A house with its relay and its valve, which take a moment. */
function createHouse() {
  const state = { relay: true, valve: true, fault: false };
  const electricity = (): Values => ({ energy_kwh: 1234.56, voltage_v: 230.4, power_kw: 0.5, power_on: state.relay });
  const gas = (): Values => ({
    gas_m3: 1043.27,
    valve_open: state.valve,
    valve_fault: state.fault,
    battery_low: false,
  });
  return { state, electricity, gas };
}

function createMeters(house: ReturnType<typeof createHouse>, delayMs = 100, refuses = () => false) {
  const obey = ({ command, value }: { command: string; value: number }) =>
    void setTimeout(() => {
      if (command === 'power') house.state.relay = value === 1;
      else house.state.valve = value === 1;
    }, delayMs);
  return simulateMeters([
    { number: METER, profile: profileNamed('dlt645-meter'), values: house.electricity, obey, refuses },
    { number: GAS, profile: profileNamed('cjt188-gas-meter'), values: house.gas, obey, refuses },
  ]);
}

async function startScene(overrides: Overrides = { meters: settings }) {
  const gateway = await startTestGateway({ overrides });
  onTestFinished(() => gateway[Symbol.asyncDispose]());
  const { admin } = gateway;
  return {
    gateway,
    admin,
    value: async (id: string, metric: string) => (await admin.latest(id)).values[metric]?.value,
    reaches: (id: string, state: CommandState): Promise<Command> =>
      eventually(async () => {
        const command = await admin.commandState(id);
        return command.state === state && command;
      }, 20_000),
    quarantined: async (id: string) =>
      (await admin.get<{ items: { reason: string; detail: string; frame?: string }[] }>(`/quarantine?terminalId=${id}`))
        .body.items,
  };
}

async function onLine(gateway: TestGateway, devices: ReturnType<typeof createMeters>) {
  const server = await startModbusLine({ host: '127.0.0.1', port: 0, framing: 'rtu' }, devices.parts);
  onTestFinished(() => server[Symbol.asyncDispose]());
  const line = { host: '127.0.0.1', port: server.port };
  const add = (id: string, profile: string, address: string) =>
    makeTerminal(gateway.admin, { id, profile, connection: { type: 'meter', line, address } });
  await add('electricity', 'dlt645-meter', METER);
  await add('gas', 'cjt188-gas-meter', GAS);
  return { port: server.port, id: `127.0.0.1:${server.port}` };
}

/** A reading that comes before the relay has moved contradicts the command for a moment: that is no step. */
const states = ({ history }: Command) =>
  history.filter(({ cause }) => cause !== 'contradicted').map(({ state }) => state);

describe('meters behind a converter', () => {
  test('are read, and shown with their numbers', async () => {
    const { gateway, admin, value, quarantined } = await startScene();
    const devices = createMeters(createHouse());
    const { id } = await onLine(gateway, devices);
    await eventually(async () => (await value('gas', 'gas_m3')) === 1043.27);
    await eventually(async () => (await value('electricity', 'power_on')) === 1);
    expect(await value('electricity', 'energy_kwh')).toBe(1234.56);
    expect(await quarantined('electricity')).toEqual([]);
    const { body } = await admin.get<LineDetail>(`/modbus/lines/${encodeURIComponent(id)}`);
    expect(body.units).toMatchObject([
      { terminalId: 'electricity', unit: METER, breaker: 'closed', leftOut: [] },
      { terminalId: 'gas', unit: GAS },
    ]);
    expect(body.frames.some(({ unit, heard }) => unit === GAS && heard.startsWith('fe fe 68 30'))).toBe(true);
  });

  test('share their line with a Modbus unit', async () => {
    const { gateway, admin, value } = await startScene();
    const unit = simulate([
      {
        unit: 1,
        profile: profileNamed('eastron-sdm120'),
        values: () => ({ voltage_v: 231, current_a: 1, power_kw: 1, frequency_hz: 50, energy_kwh: 77 }),
      },
    ]);
    const devices = createMeters(createHouse());
    const { port } = await onLine(gateway, { ...devices, parts: { ...devices.parts, units: unit.parts.units } });
    const line = { host: '127.0.0.1', port, framing: 'rtu' as const };
    await makeTerminal(admin, {
      id: 'modbus',
      profile: 'eastron-sdm120',
      connection: { type: 'modbus', line, unit: 1 },
    });
    await eventually(async () => (await value('modbus', 'energy_kwh')) === 77);
    await eventually(async () => (await value('gas', 'gas_m3')) === 1043.27);
    expect((await admin.get<LineList>('/modbus/lines')).body.items[0]?.units.count).toBe(3);
  });

  test('are switched off and on: taken at once, done when a fresh reading shows it', async () => {
    const { gateway, admin, value, reaches } = await startScene();
    const house = createHouse();
    const devices = createMeters(house, 1_500);
    await onLine(gateway, devices);
    await eventually(async () => (await value('electricity', 'power_on')) === 1);
    for (const [word, shown] of [
      ['off', 0],
      ['on', 1],
    ] as const) {
      const { status, body } = await admin.command('electricity', { command: 'power', value: word });
      expect(status).toBe(202);
      await reaches(body.id, 'acknowledged');
      expect(house.state.relay).toBe(shown === 0);
      const done = await reaches(body.id, 'confirmed');
      expect(states(done)).toEqual(['queued', 'sent', 'acknowledged', 'confirmed']);
      expect(await value('electricity', 'power_on')).toBe(shown);
    }
    expect(devices.asked.filter(({ control }) => control === 0x1c)).toHaveLength(2);
  });

  test('close and arm their valve, and a valve that is stuck is never shown as closed', async () => {
    const { gateway, admin, value, reaches } = await startScene();
    const house = createHouse();
    await onLine(gateway, createMeters(house));
    await eventually(async () => (await value('gas', 'valve_open')) === 1);
    const closing = await admin.command('gas', { command: 'valve', value: 'close' });
    await reaches(closing.body.id, 'confirmed');
    const arming = await admin.command('gas', { command: 'valve', value: 'arm' });
    await reaches(arming.body.id, 'confirmed');
    house.state.fault = true;
    const stuck = await admin.command('gas', { command: 'valve', value: 'close' });
    await reaches(stuck.body.id, 'acknowledged');
    await eventually(async () => (await value('gas', 'valve_fault')) === 1);
    expect((await admin.commandState(stuck.body.id)).state).toBe('acknowledged');
  });

  test('that refuse are told once, and their reason is shown', async () => {
    const { gateway, admin, value, reaches } = await startScene();
    const devices = createMeters(createHouse(), 0, () => true);
    await onLine(gateway, devices);
    await eventually(async () => (await value('gas', 'gas_m3')) === 1043.27);
    const power = await admin.command('electricity', { command: 'power', value: 'off' });
    const valve = await admin.command('gas', { command: 'valve', value: 'close' });
    const rejected = await reaches(power.body.id, 'rejected');
    expect(rejected.history.at(-1)?.detail).toBe('DL/T 645 error 04: password wrong or not authorised');
    expect((await reaches(valve.body.id, 'rejected')).history.at(-1)?.detail).toContain('CJ/T 188 error');
    expect(devices.asked.filter(({ control }) => control === 0x1c || control === 4)).toHaveLength(2);
  });

  test('are not switched without a password, and nothing is sent', async () => {
    const { gateway, admin, reaches } = await startScene({});
    const devices = createMeters(createHouse());
    await onLine(gateway, devices);
    const { body } = await admin.command('electricity', { command: 'power', value: 'off' });
    expect((await reaches(body.id, 'rejected')).history.at(-1)?.detail).toContain('meters.password is not set');
    expect(devices.asked.filter(({ control }) => control === 0x1c)).toEqual([]);
  });

  test.each<[string, string, Connection, string]>([
    [
      'with a number of the other protocol',
      'dlt645-meter',
      { type: 'meter', line: { host: '127.0.0.1', port: 9 }, address: GAS },
      '12 digits',
    ],
    [
      'with the number that means all meters',
      'dlt645-meter',
      { type: 'meter', line: { host: '127.0.0.1', port: 9 }, address: '999999999999' },
      'every meter',
    ],
    ['over MQTT without a number', 'cjt188-gas-meter', { type: 'mqtt' }, '14 digits'],
    [
      'as a Modbus unit',
      'dlt645-meter',
      { type: 'modbus', line: { host: '127.0.0.1', port: 9 }, unit: 1 },
      'speaks dlt645',
    ],
    ['that is none', 'gas-meter', { type: 'mqtt', address: GAS }, 'no meter'],
  ])('%s are not taken', async (_case, profile, connection, reason) => {
    const { admin } = await startScene();
    const { status, body } = await admin.post<Problem>('/terminals', { id: 'A', profile, connection });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(body.detail).toContain(reason);
  });

  test('of one number are one meter', async () => {
    const { gateway, admin } = await startScene();
    const { port } = await onLine(gateway, createMeters(createHouse()));
    const connection = { type: 'meter', line: { host: 'localhost', port }, address: METER };
    const { status } = await admin.post('/terminals', { id: 'twice', profile: 'dlt645-meter', connection });
    expect(status).toBe(409);
  });
});

/** A DTU that passes requests to its meters and publishes what they answer. */
async function attach(
  client: MqttClient,
  terminals: Record<string, string>,
  devices: ReturnType<typeof createMeters>,
  hex = false,
) {
  const byTopic = new Map(
    Object.entries(terminals).map(([id, number]) => [`terminals/${id}/frames/requests`, { id, number }]),
  );
  client.on('message', (topic, payload) => {
    const target = byTopic.get(topic);
    const bytes = hex ? Buffer.from(payload.toString(), 'hex') : payload;
    for (const request of createMeterCutter()(bytes)) {
      const answer = target && devices.parts.meters?.get(target.number)?.device.answer(request);
      if (answer) client.publish(`terminals/${target.id}/frames`, hex ? answer.toString('hex') : answer, { qos: 1 });
    }
  });
  await client.subscribeAsync([...byTopic.keys()], { qos: 1 });
}

const send = (client: MqttClient, id: string, payload: Buffer | string) =>
  client.publishAsync(`terminals/${id}/frames`, payload, { qos: 1 });

const ENERGY = write645(METER, 0x91, Buffer.concat([reversed('00010000'), reversed('00123456')]));

describe('frames over MQTT', () => {
  async function startDtu(overrides?: Overrides) {
    const scene = await startScene(overrides);
    const terminal = await makeTerminal(scene.admin, {
      id: 'E1',
      profile: 'dlt645-meter',
      connection: { type: 'mqtt', address: METER },
    });
    const client = await connectTerminal(scene.gateway, terminal);
    onTestFinished(() => client.endAsync(true));
    return { ...scene, client };
  }

  test.each<[string, Buffer | string]>([
    ['bytes', ENERGY],
    ['digits', ENERGY.toString('hex')],
    ['digits with blanks', ENERGY.toString('hex').replace(/../g, '$& ')],
  ])('are read as %s', async (_case, payload) => {
    const { client, value, quarantined } = await startDtu();
    await send(client, 'E1', payload);
    expect(await value('E1', 'energy_kwh')).toBe(1234.56);
    expect(await quarantined('E1')).toEqual([]);
  });

  test('that are cut into two messages are put together', async () => {
    const { client, value, quarantined } = await startDtu();
    await send(client, 'E1', ENERGY.subarray(0, 11));
    await send(client, 'E1', ENERGY.subarray(11));
    expect(await value('E1', 'energy_kwh')).toBe(1234.56);
    expect(await quarantined('E1')).toEqual([]);
  });

  test('that never become whole are quarantined after a second', async () => {
    const { client, quarantined } = await startDtu();
    await send(client, 'E1', ENERGY.subarray(0, 20));
    const [kept] = await eventually(async () => {
      const items = await quarantined('E1');
      return items.length > 0 && items;
    });
    expect(kept).toMatchObject({ reason: 'bad_payload', detail: 'a frame that is cut' });
  });

  test.each<[string, Buffer | string, string, string]>([
    ['of another meter', write645('003411001044', 0x91, reversed('00010000')), 'wrong_address', '003411001044'],
    ['of another protocol', write188(0x30, GAS, 0x81, Buffer.from('1f9000', 'hex')), 'bad_payload', 'cjt188'],
    ['that are text', 'keepalive', 'bad_payload', '9 bytes that are no frame'],
    ['with a wrong checksum', Buffer.concat([ENERGY.subarray(0, -2), Buffer.of(0, 0x16)]), 'bad_payload', 'frame'],
    ['of a meter of 1997', write645(METER, 0x81, Buffer.from('109056341200', 'hex')), 'bad_payload', '1997'],
    ['that answer what nobody asks', write645(METER, 0x9a, Buffer.alloc(0)), 'bad_payload', '9A'],
    [
      'with digits that are none',
      write645(METER, 0x91, Buffer.concat([reversed('02010100'), Buffer.from('0a23', 'hex')])),
      'bad_payload',
      'no decimal digits',
    ],
  ])('%s are acknowledged and quarantined', async (_case, payload, reason, detail) => {
    const { client, quarantined, value } = await startDtu();
    await send(client, 'E1', payload);
    const kept = await eventually(async () => {
      const items = await quarantined('E1');
      return items.length > 0 && items;
    });
    expect(kept).toMatchObject([{ reason, detail: expect.stringContaining(detail) }]);
    await send(client, 'E1', ENERGY);
    expect(await value('E1', 'energy_kwh')).toBe(1234.56);
  });

  test('of a terminal that is no meter are quarantined', async () => {
    const { gateway, admin, quarantined } = await startScene();
    const client = await connectTerminal(gateway, await makeTerminal(admin, { id: 'B1', profile: 'gas-boiler' }));
    onTestFinished(() => client.endAsync(true));
    await send(client, 'B1', ENERGY);
    expect(await quarantined('B1')).toMatchObject([{ reason: 'bad_payload' }]);
  });

  test.each([false, true])(
    'are asked for when somebody listens, in the form in which he speaks (digits: %s)',
    async (hex) => {
      const { client, value } = await startDtu();
      const house = createHouse();
      const devices = createMeters(house);
      if (hex) await send(client, 'E1', ENERGY.toString('hex'));
      await attach(client, { E1: METER }, devices, hex);
      await eventually(async () => (await value('E1', 'power_on')) === 1, 15_000);
      expect(await value('E1', 'voltage_v')).toBe(230.4);
    },
  );

  test('take a command to where a fresh reading shows it', async () => {
    const { client, value, admin, reaches } = await startDtu();
    const house = createHouse();
    const devices = createMeters(house);
    await attach(client, { E1: METER }, devices);
    await eventually(async () => (await value('E1', 'power_on')) === 1, 15_000);
    const { body } = await admin.command('E1', { command: 'power', value: 'off' });
    const done = await reaches(body.id, 'confirmed');
    expect(states(done)).toEqual(['queued', 'sent', 'acknowledged', 'confirmed']);
    expect(devices.asked.filter(({ control }) => control === 0x1c)).toHaveLength(1);
  });

  test('bring a refusal with its reason', async () => {
    const { client, admin, reaches } = await startDtu();
    const devices = createMeters(createHouse(), 0, () => true);
    await attach(client, { E1: METER }, devices);
    const { body } = await admin.command('E1', { command: 'power', value: 'off' });
    expect((await reaches(body.id, 'rejected')).history.at(-1)?.detail).toContain('password wrong');
    expect(devices.asked.filter(({ control }) => control === 0x1c)).toHaveLength(1);
  });

  test('of meters behind a concentrator are its business, and of nobody else', async () => {
    const { gateway, admin, value, reaches } = await startScene();
    const hub = await makeTerminal(admin, { id: 'HUB', profile: 'gas-boiler' });
    const stranger = await makeTerminal(admin, { id: 'S1', profile: 'gas-boiler' });
    for (const [id, profile, address] of [
      ['E1', 'dlt645-meter', METER],
      ['G1', 'cjt188-gas-meter', GAS],
    ] as const) {
      await makeTerminal(admin, { id, profile, connection: { type: 'mqtt', via: 'HUB', address } });
    }
    const other = await connectTerminal(gateway, stranger);
    const granted = await other.subscribeAsync('terminals/G1/frames/requests', { qos: 1 }).catch(() => 'refused');
    expect(granted === 'refused' || (granted as { qos: number }[])[0]?.qos === 128).toBe(true);
    await other.endAsync(true);
    const client = await connectTerminal(gateway, hub);
    onTestFinished(() => client.endAsync(true));
    const house = createHouse();
    await attach(client, { E1: METER, G1: GAS }, createMeters(house));
    await eventually(async () => (await value('G1', 'valve_open')) === 1, 15_000);
    await eventually(async () => (await value('E1', 'power_on')) === 1, 15_000);
    const { body } = await admin.command('G1', { command: 'valve', value: 'close' });
    await reaches(body.id, 'confirmed');
    expect(house.state.valve).toBe(false);
  });
});
