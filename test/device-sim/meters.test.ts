import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { startFleet } from '../../device-sim/fleet-run.ts';
import { controlRequest, readRequest } from '../../src/meters/dlt645.ts';
import { cutFrames } from '../../src/meters/framer.ts';
import { makeTerminal, startTestGateway } from '../helpers/gateway.ts';
import { eventually } from '../helpers/temp.ts';
import { freePort, hurried, profiles } from './stage.ts';

const METER = '003411001043';
const GAS = '33010200123456';

async function startLine() {
  const port = await freePort();
  const line = { host: '127.0.0.1', port };
  const fleet = await startFleet({
    fleet: {
      seed: 1,
      terminals: [
        { id: 'e1', profile: 'dlt645-meter', line, address: METER, house: 'h1' },
        { id: 'g1', profile: 'cjt188-gas-meter', line, address: GAS, house: 'h1' },
        { id: 'b1', profile: 'gas-boiler', secret: 'x', house: 'h1' },
      ],
    },
    profiles,
    mqttUrl: 'mqtt://127.0.0.1:9',
    everyS: 60,
    pace: hurried,
  });
  onTestFinished(() => fleet[Symbol.asyncDispose]());
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  onTestFinished(() => void socket.destroy());
  return {
    fleet,
    async ask(request: Buffer) {
      socket.write(request);
      let all = Buffer.alloc(0);
      for (;;) {
        const [more] = await once(socket, 'data');
        all = Buffer.concat([all, more]);
        const [frame] = cutFrames(all).frames;
        if (frame) return frame;
      }
    },
  };
}

test('a meter gives what its house used', async () => {
  const { fleet, ask } = await startLine();
  const { data } = await ask(readRequest(METER, '00010000'));
  const kwh = Number(Buffer.from(data.subarray(4)).reverse().toString('hex')) / 100;
  expect(kwh).toBeCloseTo(Number(fleet.values('e1')['energy_kwh']), 1);
});

test.each<[string, number, string, string, number]>([
  ['in order', 60_000, '02123456', '9c', 0],
  ['whose time is over', -60_000, '02123456', 'dc', 1],
  ['with another password', 60_000, '02654321', 'dc', 1],
])('an order to trip %s', async (_case, forMs, password, control, closed) => {
  const { fleet, ask } = await startLine();
  const now = Date.now() + Math.min(0, 2 * forMs);
  const order = { action: 'trip', password, operator: '00000000', until: now + Math.abs(forMs) } as const;
  expect((await ask(controlRequest(METER, order, now))).control.toString(16)).toBe(control);
  await eventually(() => Number(fleet.values('e1')['power_on']) === closed);
});

test('a meter behind a DTU publishes its frames to a gateway and does as it is told', async () => {
  await using gateway = await startTestGateway({ overrides: { meters: { password: '123456' } } });
  const { admin } = gateway;
  const made = await makeTerminal(admin, {
    id: 'E1',
    profile: 'dlt645-meter',
    connection: { type: 'mqtt', address: METER },
  });
  await using fleet = await startFleet({
    fleet: {
      seed: 1,
      terminals: [{ id: 'E1', profile: 'dlt645-meter', secret: made.secret, address: METER, house: 'h1' }],
    },
    profiles,
    mqttUrl: `mqtt://127.0.0.1:${gateway.mqttPort}`,
    everyS: 1,
    pace: hurried,
  });
  await eventually(async () => (await admin.latest('E1')).values['power_on']?.value === 1, 10_000);
  const { body } = await admin.command('E1', { command: 'power', value: 'off' });
  await eventually(async () => (await admin.commandState(body.id)).state === 'confirmed', 15_000);
  expect(fleet.values('E1')['power_on']).toBe(false);
});
