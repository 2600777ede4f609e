import { freePort } from '../../src/demo/free-port.ts';
import { type ApiClient, createApi, makeTerminal } from '../helpers/gateway.ts';
import { adminOf, launchGateway } from '../helpers/process.ts';
import { randomOf } from '../helpers/random.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';
import { createSender, type Reading } from './sender.ts';

/**
 * A gateway is killed with SIGKILL under load, again and again, on one data folder; what it acknowledged is then looked for in the
 * store, each value once. The seed gives the moments and the messages; what the gateway did at a moment is never quite the same.
 */

const TERMINALS = 8;
const METRICS = ['room_c', 'supply_c'];
const MOST_READINGS = 5;
/** So many of the kills come while the gateway starts. */
const EARLY = 0.1;
const START_MS = 800;
const LOAD_MS = 250;
const CHECK_EVERY = 10;
/** Of readings a millisecond apart, no more than any store gives in one answer. */
const SPAN_MS = 9_000;

export interface Tally {
  acknowledged: number;
  found: number;
  lost: number;
  doubled: number;
  wrong: number;
  /** Kinds of messages in quarantine, where that is looked at. */
  refused?: number;
}

const valueAt = (time: number, metric: string): number =>
  metric === 'room_c' ? (time % 3_000) / 100 : (time % 7_000) / 100;

export const readingAt = (time: number): Reading => ({
  time,
  values: Object.fromEntries(METRICS.map((metric) => [metric, valueAt(time, metric)])),
});

/** Every value of a terminal's metric, by time; a time more than once for values that are there twice. */
async function storedOf(api: ApiClient, id: string, metric: string, from: number, to: number) {
  const found: [time: number, value: number][] = [];
  for (let since = from; since < to; since += SPAN_MS) {
    const path = `/terminals/${id}/readings?metric=${metric}&from=${since}&to=${Math.min(to, since + SPAN_MS)}`;
    const { status, body } = await api.get<{ points: { time: string; value: number }[] }>(path);
    if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
    found.push(...body.points.map(({ time, value }): [number, number] => [Date.parse(time), value]));
  }
  return found;
}

/** Compares what was acknowledged, times by terminal, with what the store has of it. */
export async function tallyOf(
  api: ApiClient,
  acknowledged: ReadonlyMap<string, number[]>,
  from: number,
  to: number,
): Promise<Tally> {
  const tally: Tally = { acknowledged: 0, found: 0, lost: 0, doubled: 0, wrong: 0 };
  for (const [id, all] of acknowledged) {
    const times = all.filter((at) => at >= from);
    for (const metric of METRICS) {
      const points = await storedOf(api, id, metric, from, to);
      const values = new Map(points);
      tally.acknowledged += times.length;
      tally.found += points.length;
      tally.doubled += points.length - values.size;
      tally.lost += times.filter((at) => !values.has(at)).length;
      tally.wrong += points.filter(([at, value]) => value !== valueAt(at, metric)).length;
    }
  }
  return tally;
}

export async function killRounds(plan: {
  rounds: number;
  seed: number;
  /** Variables of the environment, for another store. */
  settings?: Record<string, string>;
  said?: (text: string) => void;
}): Promise<Tally> {
  const { rounds, seed, said = () => undefined } = plan;
  const random = randomOf(seed);
  await using folder = await tempFolder();
  const ports = { http: await freePort(), mqtt: await freePort() };
  const settings = { ...plan.settings, NODE_COMPILE_CACHE: `${folder.path}/compiled` };
  const began = Date.now() - 86_400_000;
  let time = began;
  let acknowledgements = 0;
  const acknowledged = new Map<string, number[]>();

  const next = () => Array.from({ length: 1 + Math.floor(random() * MOST_READINGS) }, () => readingAt(++time));

  async function setUp() {
    const gateway = launchGateway(folder.path, ports, settings);
    await gateway.ready();
    const admin = await adminOf(gateway);
    const senders = [];
    for (let n = 0; n < TERMINALS; n += 1) {
      const terminal = await makeTerminal(admin, { id: `T${n}`, profile: 'gas-boiler' });
      const times: number[] = [];
      acknowledged.set(terminal.id, times);
      const take = (readings: Reading[]) => {
        acknowledgements += 1;
        times.push(...readings.map((reading) => reading.time));
      };
      senders.push(createSender(terminal, ports.mqtt, { next, acknowledged: take }));
    }
    // In peace, so that Node keeps what it compiled and the next starts are quick.
    await gateway.stop();
    return { senders, admin: createApi(gateway.origin, admin.token) };
  }

  async function killOnce(senders: ReturnType<typeof createSender>[], early: boolean): Promise<void> {
    const moment = random();
    await using gateway = launchGateway(folder.path, ports, settings);
    const stopping = new AbortController();
    const running = senders.map((sender) => sender.run(stopping.signal));
    const before = acknowledgements;
    if (!early) await eventually(() => acknowledgements > before || gateway.hasEnded(), 120_000);
    await new Promise((resolve) => setTimeout(resolve, moment * (early ? START_MS : LOAD_MS)));
    if (gateway.hasEnded()) throw new Error('the gateway ended by itself');
    stopping.abort();
    await gateway.kill();
    await Promise.all(running);
  }

  /** Compares what was acknowledged from `from` on with what the store has, when the spool has given it all. */
  async function check(admin: ApiClient, from: number): Promise<Tally> {
    await using gateway = launchGateway(folder.path, ports, settings);
    await gateway.ready();
    await eventually(async () => {
      const metrics = await (await fetch(`${gateway.origin}/metrics`)).text();
      return /^hearthgate_spool_waiting 0$/m.test(metrics);
    }, 60_000);
    const tally = await tallyOf(admin, acknowledged, from, time + 1);
    await gateway.stop();
    return tally;
  }

  const { senders, admin } = await setUp();
  let checkedTo = began;
  for (let round = 1; round <= rounds; round += 1) {
    await killOnce(senders, random() < EARLY);
    if (round % CHECK_EVERY > 0 || round === rounds) continue;
    const tally = await check(admin, checkedTo);
    said(`round ${round} of ${rounds}: ${JSON.stringify(tally)}`);
    if (tally.lost + tally.doubled + tally.wrong > 0) return tally;
    checkedTo = time + 1;
  }
  return await check(admin, began);
}
