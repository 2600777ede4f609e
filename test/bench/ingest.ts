import { type Load, type LoadOptions, startLoad } from './load.ts';
import { machine, percentile, wait } from './machine.ts';
import { type Subject, startGateway, startMosquitto, startNodeRed } from './subjects.ts';

/**
 * `npm run bench ingest`: readings a second and a CPU-second over real sockets and files, QoS 1, eight metrics a reading, from terminals (many
 * connections, one message each) and from concentrators (fewer, twenty each), and what each lost of what it had acknowledged.
 */

const WARM_UP_MS = 3_000;
const MEASURE_MS = 10_000;

type Shape = Omit<LoadOptions, 'terminals'> & { connections: number };
const TERMINALS: Shape = { connections: 2_000, inFlight: 1 };
const CONCENTRATORS: Shape = { connections: 200, inFlight: 20 };
/** 2,000 readings a second. */
const STEADY: Shape = { connections: 2_000, inFlight: 1, pace: 1_000 };

/** What became of what was acknowledged, and what a CPU-second of it is worth then. */
async function fate({ stored }: Subject, { acknowledged, sent }: Load, aCpuSecond: number): Promise<string> {
  if (!stored) return 'nothing stored';
  const { readings, bytes } = await stored();
  const lost = Math.max(0, acknowledged - readings);
  const doubled = Math.max(0, readings - sent);
  const durable = Math.round(aCpuSecond * Math.min(1, readings / acknowledged));
  return `${durable} durable a CPU-second, lost ${lost} of ${acknowledged}, doubled ${doubled}, ${(bytes / Math.max(1, readings)).toFixed(0)} bytes a reading`;
}

async function measure(name: string, shape: Shape, start: (size: number) => Promise<Subject>): Promise<void> {
  const title = `${name.padEnd(26)} ${shape.connections} × ${shape.inFlight}${shape.pace ? ` every ${shape.pace} ms` : ''}`;
  let subject: Subject;
  try {
    subject = await start(shape.connections);
  } catch (error) {
    return console.log(`${title}: left out, ${error instanceof Error ? error.message.split('\n')[0] : error}`);
  }
  await using _ = subject;
  const load = await startLoad(subject.port, { ...shape, terminals: subject.terminals });
  await wait(WARM_UP_MS);
  const [cpu, acknowledged, began] = [subject.cpu(), load.acknowledged, performance.now()];
  load.latencies.length = 0;
  await wait(MEASURE_MS);
  const seconds = (performance.now() - began) / 1000;
  const readings = load.acknowledged - acknowledged;
  const [used, memory] = [subject.cpu() - cpu, subject.memoryMiB()];
  const sorted = load.latencies.toSorted((a, b) => a - b);
  load.close();
  const latency = `p50 ${percentile(sorted, 0.5).toFixed(0)} p99 ${percentile(sorted, 0.99).toFixed(0)} ms`;
  const speed = `${Math.round(readings / seconds)} readings/s, ${Math.round(readings / used)} a CPU-second`;
  console.log(
    `${title}: ${speed}, acknowledged ${latency}, ${memory} MiB, ${await fate(subject, load, readings / used)}`,
  );
}

console.log(machine());
const embedded = (size: number) => startGateway(size, 'embedded');
const influx1 = (size: number) => startGateway(size, 'influx1');
for (const shape of [TERMINALS, CONCENTRATORS]) {
  await measure('gateway, embedded store', shape, embedded);
  await measure('gateway, InfluxDB 1.6', shape, influx1);
  await measure('Mosquitto alone', shape, startMosquitto);
  await measure('Mosquitto + Node-RED', shape, startNodeRed);
}
await measure('gateway, embedded store', STEADY, embedded);
await measure('gateway, InfluxDB 1.6', STEADY, influx1);
await measure('Mosquitto + Node-RED', STEADY, startNodeRed);
for (const connections of [1_000, 10_000]) {
  await measure('gateway, embedded store', { connections, inFlight: 1 }, embedded);
}
process.exit(0);
