import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { loginPacket } from '../helpers/login.ts';
import { openConnection, startLoad } from './load.ts';
import { machine, percentile, wait } from './machine.ts';
import { type Subject, startGateway, startMosquitto } from './subjects.ts';

/**
 * `npm run bench broker`, `TERMINALS=19000 npm run bench broker`: what connections cost, how fast all terminals come back after a power cut, what strangers cost who say nothing, and
 * what one terminal that floods and one that takes nothing do to the others; with Mosquitto in the same run, which checks no secret and
 * stores nothing.
 */

const TERMINALS = Number(process.env['TERMINALS'] ?? 10_000);
const AT_ONCE = 200;
const STRANGERS = 1_000;
const LOGIN_BYTES = 4_000;
const FAIRNESS = { terminals: 200, pace: 500, ms: 8_000 };

const ms = (sorted: number[], p: number) => `${percentile(sorted, p).toFixed(0)} ms`;
const KiB = (mib: number, count: number) => `${((mib * 1024) / count).toFixed(1)} KiB`;

/** Connects all of them, some at a time. */
async function connectAll({ port, terminals }: Subject): Promise<Socket[]> {
  const sockets: Socket[] = [];
  const left = terminals.values();
  const worker = async () => {
    for (const { id, secret } of left) {
      const socket = await openConnection(port, id, secret);
      socket.on('error', () => undefined);
      sockets.push(socket);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return sockets;
}

function cutAll(sockets: Socket[]): void {
  for (const socket of sockets) socket.resetAndDestroy();
}

/** How long the API takes to answer, asked again and again until it is stopped. */
function askOften(origin: string) {
  const times: number[] = [];
  let running = true;
  const asked = (async () => {
    while (running) {
      const began = performance.now();
      await (await fetch(`${origin}/health/ready`)).text();
      times.push(performance.now() - began);
      await wait(20);
    }
  })();
  return async () => {
    running = false;
    await asked;
    return times.toSorted((a, b) => a - b);
  };
}

async function connections(name: string, subject: Subject): Promise<void> {
  const before = subject.memoryMiB();
  const [cpu, began] = [subject.cpu(), performance.now()];
  const sockets = await connectAll(subject);
  const [used, seconds] = [subject.cpu() - cpu, (performance.now() - began) / 1_000];
  await wait(1_000);
  const memory = subject.memoryMiB();
  console.log(
    `${name}: ${sockets.length} connections at ${Math.round(sockets.length / seconds)} a second, ${Math.round(sockets.length / used)} a CPU-second, ${KiB(memory - before, sockets.length)} each, ${memory} MiB`,
  );
  const answers = subject.origin === undefined ? undefined : askOften(subject.origin);
  cutAll(sockets);
  const storm = performance.now();
  const again = await connectAll(subject);
  const back = ((performance.now() - storm) / 1_000).toFixed(1);
  const api = answers && `, the API answered in p99 ${ms(await answers(), 0.99)}`;
  console.log(`${name}: all ${again.length} cut at once are back in ${back} s, ${subject.memoryMiB()} MiB${api ?? ''}`);
  cutAll(again);
  await wait(1_000);
}

async function strangers(name: string, subject: Subject): Promise<void> {
  const before = subject.memoryMiB();
  const sockets = await Promise.all(
    Array.from({ length: STRANGERS }, async () => {
      const socket = connect(subject.port, '127.0.0.1');
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      // All of a login but its last bytes.
      socket.write(loginPacket('x', 'y'.repeat(LOGIN_BYTES)).subarray(0, LOGIN_BYTES));
      return socket;
    }),
  );
  await wait(2_000);
  console.log(`${name}: ${STRANGERS} strangers in the middle of a login take ${subject.memoryMiB() - before} MiB`);
  cutAll(sockets);
}

/** Of the acknowledgements of those that behave. */
async function latencies(subject: Subject): Promise<number[]> {
  const { ms: length, pace } = FAIRNESS;
  const terminals = subject.terminals.slice(0, FAIRNESS.terminals);
  const load = await startLoad(subject.port, { terminals, inFlight: 1, pace });
  await wait(2_000);
  load.latencies.length = 0;
  await wait(length);
  load.close();
  return load.latencies.toSorted((a, b) => a - b);
}

async function fairness(name: string, subject: Subject): Promise<void> {
  const alone = await latencies(subject);
  const [loud, frozen] = subject.terminals.slice(-2);
  if (!loud || !frozen) throw new Error('too few terminals');
  const flood = await startLoad(subject.port, { terminals: [loud], inFlight: 200 });
  const stuck = await openConnection(subject.port, frozen.id, frozen.secret);
  stuck.on('error', () => undefined);
  stuck.pause();
  const before = flood.acknowledged;
  const began = performance.now();
  const beside = await latencies(subject);
  const rate = Math.round((flood.acknowledged - before) / ((performance.now() - began) / 1_000));
  flood.close();
  stuck.destroy();
  console.log(
    `${name}: acknowledged p50 ${ms(alone, 0.5)} p99 ${ms(alone, 0.99)}; beside one that floods (${rate} messages a second are taken of it) p50 ${ms(beside, 0.5)} p99 ${ms(beside, 0.99)}`,
  );
}

console.log(machine());
for (const [name, start] of [
  ['gateway', (size: number) => startGateway(size, 'embedded')],
  ['Mosquitto', startMosquitto],
] as const) {
  await using subject = await start(TERMINALS);
  await connections(name, subject);
  await strangers(name, subject);
  await fairness(name, subject);
}
process.exit(0);
