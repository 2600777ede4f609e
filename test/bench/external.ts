import { freePort } from '../../src/demo/free-port.ts';
import { makeTerminal, VILLAGE } from '../helpers/gateway.ts';
import { adminOf, spawnGateway } from '../helpers/process.ts';
import { startMosquitto } from '../helpers/servers.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';
import { type Credentials, startLoad } from './load.ts';
import { cpuSeconds, machine, wait } from './machine.ts';

/**
 * `npm run bench external`: how fast a gateway takes what waits for it at Mosquitto, one reading of eight metrics a message, and what that
 * costs it. The load ends before the gateway begins, so that the cores are the broker's and the gateway's.
 */

const TERMINALS = 200;
const READINGS = 200_000;

const figure = async (origin: string, name: string): Promise<number> =>
  Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(await (await fetch(`${origin}/metrics`)).text())?.[1] ?? 0);

async function measure(receiveMaximum: number): Promise<void> {
  await using folder = await tempFolder();
  await using broker = await startMosquitto(folder.path, await freePort(), [
    'allow_anonymous true',
    `max_inflight_messages ${receiveMaximum}`,
  ]);
  const port = Number(new URL(broker.url).port);
  const ports = { http: await freePort(), mqtt: 0 };
  const settings = {
    HEARTHGATE_MQTT__EXTERNAL__URL: broker.url,
    HEARTHGATE_MQTT__EXTERNAL__RECEIVE_MAXIMUM: String(receiveMaximum),
  };
  const terminals: Credentials[] = [];
  {
    await using first = await spawnGateway(folder.path, ports, settings);
    const admin = await adminOf(first);
    for (let n = 0; n < TERMINALS; n += 1) {
      terminals.push(await makeTerminal(admin, { id: `T${n}`, profile: 'gas-boiler', areaCode: VILLAGE }));
    }
    await first.stop();
  }
  const load = await startLoad(port, { terminals, inFlight: 20 });
  while (load.acknowledged < READINGS) await wait(20);
  load.close();
  await wait(1_000);
  await using gateway = await spawnGateway(folder.path, ports, settings);
  const taken = () => figure(gateway.origin, 'hearthgate_readings_total');
  await eventually(async () => (await taken()) > 0);
  const [from, began, cpu] = [await taken(), performance.now(), cpuSeconds(gateway.pid)];
  let to = from;
  // The last tenth is left out, since the broker runs dry in it.
  while (to < READINGS * 0.9) {
    await wait(50);
    to = await taken();
  }
  const seconds = (performance.now() - began) / 1_000;
  const used = cpuSeconds(gateway.pid) - cpu;
  const each = to - from;
  await eventually(async () => (await taken()) >= load.acknowledged, 60_000);
  console.log(
    `${String(receiveMaximum).padStart(6)} in flight: ${Math.round(each / seconds)} readings/s, ${((used / each) * 100_000).toFixed(2)} CPU-s for 100,000, all ${load.acknowledged} taken`,
  );
}

console.log(machine());
for (const receiveMaximum of [2_000, 200]) await measure(receiveMaximum);
process.exit(0);
