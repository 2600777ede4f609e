import { expect, onTestFinished, test } from 'vitest';
import { type Fleet, type FleetOptions, startFleet } from '../../device-sim/fleet-run.ts';
import { freePort, type Heard, hurried, profiles, soon, startBroker, type TestBroker } from './stage.ts';

const minute = 60_000;

async function startHome(options: Partial<FleetOptions> = {}): Promise<{ broker: TestBroker; fleet: Fleet }> {
  const broker = await startBroker();
  onTestFinished(() => broker[Symbol.asyncDispose]());
  const fleet = await startFleet({
    fleet: {
      seed: 2,
      terminals: [
        { id: 'gb1', profile: 'gas-boiler', secret: 's1', house: 'h1' },
        { id: 'gm1', profile: 'gas-meter', secret: 's2', house: 'h1' },
      ],
    },
    profiles,
    mqttUrl: broker.url,
    everyS: 3_600,
    pace: hurried,
    ...options,
  });
  onTestFinished(() => fleet[Symbol.asyncDispose]());
  await broker.listening('gb1');
  await broker.listening('gm1');
  return { broker, fleet };
}

function command(id: string, name: string, value: unknown, expiresInMs = minute) {
  const now = Date.now();
  const times = { issuedAt: new Date(now).toISOString(), expiresAt: new Date(now + expiresInMs).toISOString() };
  return { id, command: name, value, ...times, sequence: 1 };
}

const reply =
  (id: string) =>
  (message: Heard): boolean =>
    message.topic.endsWith('/replies') && JSON.stringify(message.payload).includes(`"id":"${id}"`);

const shows =
  (terminal: string, text: string) =>
  (message: Heard): boolean =>
    message.topic === `terminals/${terminal}/readings` && JSON.stringify(message.payload).includes(text);

test('a terminal says that it is online and sends a reading at once', async () => {
  const { broker } = await startHome();
  const online = await broker.hear(({ topic }) => topic === 'terminals/gb1/status');
  expect(online.payload).toEqual({ online: true });
  const { payload } = await broker.hear(({ topic }) => topic === 'terminals/gb1/readings');
  expect(payload).toEqual({
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    values: expect.objectContaining({ power_on: true, flame_on: expect.any(Boolean), room_c: expect.any(Number) }),
  });
});

test('a command is accepted, obeyed, and shown by a reading', async () => {
  const { broker } = await startHome();
  broker.say('terminals/gb1/commands', command('c1', 'power', 'off'));
  broker.say('terminals/gb1/commands', command('c2', 'setpoint', 23.5));
  expect((await broker.hear(reply('c1'))).payload).toEqual({ id: 'c1', result: 'accepted', time: expect.any(String) });
  await broker.hear(shows('gb1', '"power_on":false'));
  await broker.hear(shows('gb1', '"setpoint_c":23.5'));
});

test.each([
  ['expired', command('c', 'power', 'off', -1_000)],
  ['bad_value', command('c', 'setpoint', 99)],
  ['bad_value', command('c', 'power', 'toString')],
  ['unknown_command', command('c', 'constructor', 1)],
])('a command is refused as %s', async (reason, sent) => {
  const { broker, fleet } = await startHome();
  broker.say('terminals/gb1/commands', sent);
  expect((await broker.hear(reply('c'))).payload).toMatchObject({ result: 'rejected', reason });
  expect(fleet.counts().commands).toBe(0);
});

test('some commands are refused when that is asked for', async () => {
  const { broker } = await startHome({ refuse: 1 });
  broker.say('terminals/gb1/commands', command('c1', 'power', 'off'));
  expect((await broker.hear(reply('c1'))).payload).toMatchObject({ result: 'rejected', reason: 'busy' });
});

test('a command that comes twice is answered twice and done once', async () => {
  const { broker, fleet } = await startHome();
  broker.say('terminals/gb1/commands', command('c1', 'setpoint', 12));
  await broker.hear(shows('gb1', '"setpoint_c":12'));
  broker.say('terminals/gb1/commands', command('c1', 'setpoint', 12));
  await expect.poll(() => broker.heard.filter(reply('c1')).length, soon).toBe(2);
  broker.say('terminals/gb1/commands', command('c2', 'setpoint', 13));
  await broker.hear(shows('gb1', '"setpoint_c":13'));
  expect(fleet.counts().commands).toBe(2);
});

test('a valve closes at once; armed, it opens when the resident presses the key', async () => {
  const { broker, fleet } = await startHome();
  broker.say('terminals/gm1/commands', command('c1', 'valve', 'close'));
  const closed = await broker.hear(shows('gm1', '"valve_open":false'));
  const before = broker.heard.indexOf(closed);
  broker.say('terminals/gm1/commands', command('c2', 'valve', 'arm'));
  await broker.hear(reply('c2'));
  await expect.poll(() => fleet.counts().commands, soon).toBe(2);
  expect(fleet.values('gm1')).toMatchObject({ valve_open: false });
  await broker.hear((message) => broker.heard.indexOf(message) > before && shows('gm1', '"valve_open":true')(message));
});

test('a reboot gives the will, and the terminal comes back', async () => {
  const { broker, fleet } = await startHome();
  fleet.fault('gb1', 'reboot', 0.05);
  fleet.report('gb1');
  const statuses = () =>
    broker.heard.filter(({ topic }) => topic === 'terminals/gb1/status').map(({ payload }) => payload);
  await expect.poll(statuses, soon).toEqual([{ online: true }, { online: false }, { online: true }]);
});

test('faults drop, double and delay readings and set clocks wrong', async () => {
  const { broker, fleet } = await startHome();
  await broker.hear(({ topic }) => topic === 'terminals/gb1/readings');
  fleet.fault('gb1', 'clock', 3_600);
  fleet.fault('gb1', 'drop');
  fleet.report('gb1');
  fleet.fault('gb1', 'duplicate');
  fleet.fault('gb1', 'delay', 0.05);
  fleet.report('gb1');
  const readings = () =>
    broker.heard.filter(({ topic }) => topic === 'terminals/gb1/readings').map(({ payload }) => payload);
  await expect.poll(readings, soon).toHaveLength(3);
  const [first, second, third] = readings();
  expect(second).toEqual(third);
  const timeOf = (reading: unknown): number => Date.parse(JSON.stringify(reading).slice(9, 33));
  expect(timeOf(second) - timeOf(first)).toBeGreaterThanOrEqual(3_600_000);
});

test('what could not be sent comes as one backfill when the broker is back, a thousand readings at most', async () => {
  const port = await freePort();
  const first = await startBroker(port);
  const fleet = await startFleet({
    fleet: { seed: 2, terminals: [{ id: 'eh1', profile: 'electric-heater', secret: 's', house: 'h1' }] },
    profiles,
    mqttUrl: first.url,
    everyS: 3_600,
    pace: hurried,
  });
  onTestFinished(() => fleet[Symbol.asyncDispose]());
  await first.hear(({ topic }) => topic === 'terminals/eh1/readings');
  await first[Symbol.asyncDispose]();
  await expect.poll(() => fleet.counts().connected, soon).toBe(0);
  for (let i = 0; i < 1_100; i += 1) fleet.report('eh1');
  const second = await startBroker(port);
  onTestFinished(() => second[Symbol.asyncDispose]());
  await second.hear(({ payload }) => Array.isArray(payload));
  // The reading of the new connection comes after the thousand.
  await second.hear(({ topic, payload }) => topic === 'terminals/eh1/readings' && !Array.isArray(payload));
  const backfill = second.heard.flatMap(({ payload }) => (Array.isArray(payload) ? payload : []));
  expect(backfill).toHaveLength(1_000);
});
