import { startLoad } from './load.ts';
import { machine, percentile, wait } from './machine.ts';
import { startGateway } from './subjects.ts';

/** `npm run bench memory`: what the gateway takes while 2,000 terminals send a reading a second each for ten minutes. */

const TERMINALS = 2_000;
const MINUTES = Number(process.env['MINUTES'] ?? 10);

console.log(`${machine()}, ${TERMINALS} readings of eight metrics a second, embedded store`);
await using subject = await startGateway(TERMINALS, 'embedded');
const load = await startLoad(subject.port, { terminals: subject.terminals, inFlight: 1, pace: 1_000 });
await wait(10_000);
for (let minute = 1; minute <= MINUTES; minute += 1) {
  const [cpu, acknowledged] = [subject.cpu(), load.acknowledged];
  load.latencies.length = 0;
  await wait(60_000);
  const readings = load.acknowledged - acknowledged;
  const sorted = load.latencies.toSorted((a, b) => a - b);
  const latency = `acknowledged p50 ${percentile(sorted, 0.5).toFixed(0)} p99 ${percentile(sorted, 0.99).toFixed(0)} ms`;
  const cost = `${Math.round(readings / (subject.cpu() - cpu))} readings a CPU-second`;
  console.log(
    `minute ${minute}: ${subject.memoryMiB()} MiB, ${Math.round(readings / 60)} readings/s, ${cost}, ${latency}`,
  );
}
load.close();
process.exit(0);
