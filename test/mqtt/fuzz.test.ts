import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { connectTerminal, makeTerminal, sendReading, startTestGateway } from '../helpers/gateway.ts';
import { eventually } from '../helpers/temp.ts';
import { fuzz } from './fuzz.ts';

const SEED = 20_261_124;
const PACKETS = 100_000;
const MiB = 1_048_576;

/** Of this process, in which the gateway runs, after its garbage is collected. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}

test(`after ${PACKETS} packets that are nearly right the gateway serves as before, and holds nothing of them (seed ${SEED})`, async () => {
  await using gateway = await startTestGateway({
    overrides: { mqtt: { loginsPerMinute: 100_000, takeoversPerMinute: 100_000 } },
  });
  const terminals = [];
  for (let n = 0; n < 20; n += 1)
    terminals.push(await makeTerminal(gateway.admin, { id: `F${n}`, profile: 'gas-boiler' }));
  const target = { port: gateway.mqttPort, terminals };
  await fuzz(target, { packets: PACKETS / 10, seed: SEED });
  const before = heapBytes();
  await fuzz(target, { packets: PACKETS, seed: SEED + 1 });
  const open = async () =>
    /^hearthgate_mqtt_sockets (\d+)$/m.exec(await (await fetch(`${gateway.origin}/metrics`)).text())?.[1];
  await eventually(async () => (await open()) === '0');
  expect(heapBytes() - before).toBeLessThan(16 * MiB);
  const good = await makeTerminal(gateway.admin, { id: 'G', profile: 'gas-boiler' });
  const client = await connectTerminal(gateway, good);
  await sendReading(client, 'G', { room_c: 20 });
  client.end(true);
  expect((await gateway.admin.latest('G')).values['room_c']?.value).toBe(20);
}, 180_000);
