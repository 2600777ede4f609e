import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { connectTerminal, makeTerminal, sendReading, startTestGateway } from '../helpers/gateway.ts';
import { eventually } from '../helpers/temp.ts';
import { fuzz } from './fuzz.ts';

const TERMINALS = 20;
const WARM_UP = 10_000;
const PACKETS = 100_000;

/** Of this process, in which the gateway runs, after its garbage is collected. */
function heapMiB(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed / 1_048_576;
}

/** Rejects when the gateway does not serve a terminal afterwards. `heldMiB` is what its memory has grown by. */
export async function fuzzRounds({
  rounds,
  seed,
  said,
}: {
  rounds: number;
  seed: number;
  said?: (text: string) => void;
}) {
  const often = { loginsPerMinute: 100_000, takeoversPerMinute: 100_000 };
  await using gateway = await startTestGateway({ overrides: { mqtt: often } });
  const terminals = [];
  for (let n = 0; n < TERMINALS; n += 1) {
    terminals.push(await makeTerminal(gateway.admin, { id: `F${n}`, profile: 'gas-boiler' }));
  }
  const target = { port: gateway.mqttPort, terminals };
  await fuzz(target, { packets: WARM_UP, seed });
  const before = heapMiB();
  for (let round = 1; round <= rounds; round += 1) {
    await fuzz(target, { packets: PACKETS, seed: seed + round });
    said?.(`round ${round}: ${(heapMiB() - before).toFixed(1)} MiB more than before`);
  }
  const sockets = async () =>
    /^hearthgate_mqtt_sockets (\d+)$/m.exec(await (await fetch(`${gateway.origin}/metrics`)).text())?.[1];
  await eventually(async () => (await sockets()) === '0');
  const heldMiB = heapMiB() - before;
  const client = await connectTerminal(gateway, await makeTerminal(gateway.admin, { id: 'G', profile: 'gas-boiler' }));
  await sendReading(client, 'G', { room_c: 20 });
  client.end(true);
  const stored = (await gateway.admin.latest('G')).values['room_c']?.value;
  if (stored !== 20) throw new Error('a reading that was acknowledged is not there');
  return { packets: rounds * PACKETS, heldMiB };
}
