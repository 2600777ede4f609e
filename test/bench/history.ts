import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createLog } from '../../src/lib/log.ts';
import type { SpoolRecord } from '../../src/readings/segments.ts';
import type { ReadingStore } from '../../src/readings/store.ts';
import { openEmbeddedStore } from '../../src/readings/store-embedded.ts';
import { tempFolder } from '../helpers/temp.ts';
import { bytesIn, machine, percentile } from './machine.ts';

/**
 * `npm run bench`: how long the embedded store takes to answer at two sizes while 1,667 readings of eight metrics come every second,
 * what a value costs on disk, and what a reading costs the thread that everything else needs too.
 */

const DAY = 86_400_000;
/** Midnight of 15 November 2026 in Shanghai, the first day of a season. */
const SEASON = Date.UTC(2026, 10, 14, 16);
const DAYS = 120;
const TERMINALS = 5_000;
/** Terminals with a value a minute. */
const DENSE = 5;
const READINGS_A_SECOND = 1_667;
const WRITE_EVERY_MS = 500;
const BATCH = 5_000;
const ASK_MS = 60_000;
const SIZES = [2_000_000, 10_000_000];

let now = SEASON;
const clock = {
  now: () => now,
  ticks: () => performance.now(),
  after: () => {
    throw new Error('the store needs no timer');
  },
};
const parts = {
  clock,
  log: createLog('warn'),
  refuse: (refusals: unknown) => Promise.reject(new Error(`refused ${JSON.stringify(refusals)}`)),
  spoolId: 's',
  keepRawDays: 0,
  keepRollupDays: 0,
};
let sequence = 0;

const value = () => Math.round(180 + Math.random() * 60) / 10;
const reading = (terminal: number, time: number, values: Record<string, number>): SpoolRecord => {
  sequence += 1;
  return { sequence, terminalId: `T${terminal}`, time, values };
};

/** Eight metrics, as a boiler sends them. */
const boiler = (terminal: number, time: number) =>
  reading(terminal, time, {
    supply_c: value() + 35,
    return_c: value() + 20,
    room_c: value(),
    setpoint_c: 20,
    pressure_bar: 1.6,
    gas_m3: (time - SEASON) / 1e7,
    flame_on: 1,
    power_on: 1,
  });

/** The readings of a day, in the order of their times. */
function* day(start: number, eachTerminal: number): Generator<SpoolRecord> {
  const sparseEvery = DAY / eachTerminal / TERMINALS;
  let sparse = 0;
  for (let minute = 0; minute < 1_440; minute += 1) {
    const time = start + minute * 60_000;
    for (; sparse * sparseEvery < (minute + 1) * 60_000; sparse += 1)
      yield reading(DENSE + (sparse % TERMINALS), start + Math.floor(sparse * sparseEvery), { room_c: value() });
    for (let terminal = 0; terminal < DENSE; terminal += 1)
      yield reading(terminal, time + terminal, { room_c: value() });
  }
}

/** A season in the order of its times; the number of values. */
async function fill(store: ReadingStore, size: number): Promise<number> {
  const eachTerminal = Math.round((size - DENSE * 1_440 * DAYS) / (TERMINALS * DAYS));
  const first = sequence;
  for (let n = 0; n < DAYS; n += 1) {
    const records = [...day(SEASON + n * DAY, eachTerminal)];
    for (let start = 0; start < records.length; start += BATCH) {
      const batch = records.slice(start, start + BATCH);
      now = batch.at(-1)?.time ?? now;
      await store.write(batch);
    }
  }
  await store.tend();
  return sequence - first;
}

/** As fast as it goes: readings a second, and microseconds of this thread and of all threads for each. */
async function rush(store: ReadingStore): Promise<string> {
  const count = 200_000;
  const records = Array.from({ length: count }, (_, n) => boiler(n % TERMINALS, now + 1 + n));
  now += count;
  const [began, all, own] = [performance.now(), process.cpuUsage(), process.threadCpuUsage()];
  for (let start = 0; start < count; start += BATCH) await store.write(records.slice(start, start + BATCH));
  const seconds = (performance.now() - began) / 1_000;
  const spent = (before: NodeJS.CpuUsage, after: NodeJS.CpuUsage) =>
    ((after.user + after.system - before.user - before.system) / count).toFixed(2);
  return `${Math.round(count / seconds)} readings/s, ${spent(own, process.threadCpuUsage())} µs a reading on the main thread, ${spent(all, process.cpuUsage())} µs on all`;
}

type Question = [name: string, ask: (store: ReadingStore) => Promise<unknown[]>];
const dense = (metric = 'room_c') => ({ terminalId: `T${Math.floor(Math.random() * DENSE)}`, metric });
const season = { from: SEASON, to: SEASON + DAYS * DAY };
const anyDay = () => SEASON + Math.floor(Math.random() * (DAYS - 30)) * DAY;
const QUESTIONS: Question[] = [
  [
    'one day raw',
    (store) => {
      const from = anyDay();
      return store.points({ ...dense(), from, to: from + DAY }, 10_000);
    },
  ],
  [
    '30 days by hour',
    (store) => {
      const from = anyDay();
      return store.windows({ ...dense(), from, to: from + 30 * DAY }, DAY / 24);
    },
  ],
  ['a season by day', (store) => store.windows({ ...dense(), ...season }, DAY)],
  [
    'a township by day over a season',
    (store) => {
      const terminalIds = Array.from({ length: TERMINALS }, (_, n) => `T${n}`);
      return store.together({ terminalIds, metric: 'room_c', ...season }, DAY, 'mean');
    },
  ],
];

/** Writes at the given rate until stopped; resolves with the number of readings. */
async function trickle(store: ReadingStore, stopped: () => boolean): Promise<number> {
  const began = performance.now();
  const base = now;
  let written = 0;
  while (!stopped()) {
    const elapsed = performance.now() - began;
    now = base + Math.round(elapsed);
    const due = Math.floor((elapsed / 1_000) * READINGS_A_SECOND) - written;
    const records = Array.from({ length: due }, (_, n) => boiler((written + n) % TERMINALS, now));
    await store.write(records);
    written += due;
    await new Promise((resolve) => setTimeout(resolve, WRITE_EVERY_MS));
  }
  return written;
}

interface Answers {
  /** p95 of each question, ms. */
  [question: string]: number;
}

async function askWhileWriting(store: ReadingStore): Promise<Answers> {
  for (const [, ask] of QUESTIONS) await ask(store);
  const times = new Map<string, number[]>(QUESTIONS.map(([name]) => [name, []]));
  const delay = monitorEventLoopDelay({ resolution: 1 });
  let stopped = false;
  const writing = trickle(store, () => stopped);
  delay.enable();
  const began = performance.now();
  while (performance.now() - began < ASK_MS) {
    for (const [name, ask] of QUESTIONS) {
      const asked = performance.now();
      await ask(store);
      times.get(name)?.push(performance.now() - asked);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  stopped = true;
  const written = await writing;
  delay.disable();
  const p95: Answers = {};
  for (const [name, all] of times) {
    const sorted = all.toSorted((a, b) => a - b);
    p95[name] = percentile(sorted, 0.95);
    console.log(
      `  ${name.padEnd(34)} p50 ${percentile(sorted, 0.5).toFixed(1)} ms  p95 ${p95[name].toFixed(1)} ms  (${all.length} times)`,
    );
  }
  const loop = `event loop p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms, max ${(delay.max / 1e6).toFixed(0)} ms`;
  console.log(`  meanwhile ${Math.round(written / (ASK_MS / 1_000))} readings/s of 8 metrics; ${loop}`);
  return p95;
}

async function measure(size: number): Promise<Answers> {
  await using folder = await tempFolder();
  {
    await using store = await openEmbeddedStore(folder.path, parts);
    const began = performance.now();
    const values = await fill(store, size);
    const seconds = (performance.now() - began) / 1_000;
    await store[Symbol.asyncDispose]();
    const bytes = (bytesIn(folder.path) / values).toFixed(1);
    console.log(
      `${(values / 1e6).toFixed(1)} M values of ${TERMINALS} terminals over ${DAYS} days, filled in ${seconds.toFixed(0)} s, ${bytes} bytes a value on disk with roll-ups`,
    );
  }
  const began = performance.now();
  await using store = await openEmbeddedStore(folder.path, parts);
  const opened = performance.now() - began;
  const { length } = await store.newest();
  console.log(
    `  opened in ${opened.toFixed(0)} ms, ${length} newest values after ${(performance.now() - began).toFixed(0)} ms`,
  );
  console.log(`  at full speed ${await rush(store)}`);
  return await askWhileWriting(store);
}

console.log(`${machine()}, embedded store`);
const answers: Answers[] = [];
for (const size of SIZES) answers.push(await measure(size));
const growth = QUESTIONS.map(
  ([name]) => `${name} × ${((answers[1]?.[name] ?? 0) / (answers[0]?.[name] ?? 0)).toFixed(1)}`,
);
console.log(`growth of p95 from ${SIZES.map((size) => `${size / 1e6} M`).join(' to ')}: ${growth.join(', ')}`);
