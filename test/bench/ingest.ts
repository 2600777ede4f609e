import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { freePort } from '../../src/demo/free-port.ts';
import { makeTerminal } from '../helpers/gateway.ts';
import { adminOf, spawnGateway } from '../helpers/process.ts';
import { tempFolder } from '../helpers/temp.ts';
import { startLoad } from './load.ts';

/**
 * `npm run bench`: durable readings a second and a CPU-second of the gateway, over real sockets and files, from terminals (many
 * connections, one message each) and from concentrators (fewer, twenty each). Eight metrics a reading.
 */

const WARM_UP_MS = 3_000;
const MEASURE_MS = 10_000;
/** Clock ticks a second of /proc/PID/stat on Linux. */
const TICKS = 100;

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function usage(pid: number): { cpuS: number; rssMiB: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    cpuS: (Number(fields[11]) + Number(fields[12])) / TICKS,
    rssMiB: Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024),
  };
}

const percentile = (sorted: number[], p: number): number => sorted[Math.floor((sorted.length - 1) * p)] ?? 0;

async function measure(connections: number, inFlight: number): Promise<void> {
  await using folder = await tempFolder();
  await using gateway = await spawnGateway(folder.path, { http: await freePort(), mqtt: await freePort() });
  const admin = await adminOf(gateway);
  const terminals = [];
  for (let n = 0; n < connections; n += 1)
    terminals.push(await makeTerminal(admin, { id: `T${n}`, profile: 'gas-boiler' }));
  const load = await startLoad(gateway.mqttPort, { terminals, inFlight });
  await wait(WARM_UP_MS);
  const [before, acknowledged] = [usage(gateway.pid), load.acknowledged];
  load.latencies.length = 0;
  const began = performance.now();
  await wait(MEASURE_MS);
  const seconds = (performance.now() - began) / 1000;
  const after = usage(gateway.pid);
  const readings = load.acknowledged - acknowledged;
  const sorted = load.latencies.sort((a, b) => a - b);
  load.close();
  const figures = [
    `${connections} × ${inFlight}`.padEnd(12),
    `${Math.round(readings / seconds)} readings/s`.padStart(18),
    `${Math.round(readings / (after.cpuS - before.cpuS))} per CPU-second`.padStart(24),
    `acknowledged p50 ${percentile(sorted, 0.5).toFixed(0)} ms p99 ${percentile(sorted, 0.99).toFixed(0)} ms`.padStart(
      36,
    ),
    `${after.rssMiB} MiB`.padStart(10),
  ];
  console.log(figures.join(''));
}

console.log(`${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}, embedded stores`);
await measure(200, 1);
await measure(2000, 1);
await measure(200, 20);
process.exit(0);
