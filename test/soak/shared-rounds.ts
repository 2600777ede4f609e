import { freePort } from '../../src/demo/free-port.ts';
import { type ApiClient, createApi, makeTerminal } from '../helpers/gateway.ts';
import { adminOf, type GatewayProcess, launchGateway } from '../helpers/process.ts';
import { randomOf } from '../helpers/random.ts';
import { startInflux1, startMosquitto, startPostgres } from '../helpers/servers.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';
import { readingAt, type Tally, tallyOf } from './kill-rounds.ts';
import { createSender, type Reading } from './sender.ts';

/**
 * Two gateways share a Mosquitto, PostgreSQL and InfluxDB under load. In each round one of them, or both, get SIGKILL, or the broker is
 * stopped and started again; now and then a gateway stays away until the other has taken over what waits for it. What Mosquitto acknowledged is then
 * looked for in InfluxDB.
 */

const TERMINALS = 8;
const MOST_READINGS = 5;
const LOAD_MS = 400;
/** A broker acknowledges at once, and its queue would grow without end. */
const PACE_MS = 40;
/** As terminals do; the gateways are back sooner, and must be: Mosquitto 2.0 forgets shared subscriptions when it ends. */
const AGAIN_MS = 2_000;
/** So long that the other gateway has taken over. */
const AWAY_MS = 14_000;
const CHECK_EVERY = 10;
const SETTLE_MS = 90_000;

type Blow = 'one' | 'other' | 'both' | 'broker' | 'away';

function blowOf(chance: number): Blow {
  if (chance < 0.35) return 'one';
  if (chance < 0.7) return 'other';
  if (chance < 0.8) return 'both';
  return chance < 0.97 ? 'broker' : 'away';
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** `blows` are dealt first, in order; others are drawn. */
export async function sharedRounds(plan: {
  rounds: number;
  seed: number;
  blows?: Blow[];
  said?: (text: string) => void;
}): Promise<Tally & { refused: number }> {
  const { rounds, seed, blows = [], said = () => undefined } = plan;
  const random = randomOf(seed);
  await using stack = new AsyncDisposableStack();
  const folders = await Promise.all(Array.from({ length: 4 }, tempFolder));
  for (const folder of folders) stack.use(folder);
  const [influxFolder = '', brokerFolder = '', ...gatewayFolders] = folders.map(({ path }) => path);
  const postgres = stack.use(await startPostgres());
  const influx = stack.use(await startInflux1(influxFolder, await freePort()));
  const brokerPort = await freePort();
  let broker = await startMosquitto(brokerFolder, brokerPort);
  stack.defer(() => broker[Symbol.asyncDispose]());
  const settings = {
    HEARTHGATE_DATABASE__URL: postgres.url,
    HEARTHGATE_TIMESERIES__KIND: 'influx1',
    HEARTHGATE_TIMESERIES__URL: influx.url,
    HEARTHGATE_MQTT__EXTERNAL__URL: broker.url,
    NODE_COMPILE_CACHE: `${gatewayFolders[0]}/compiled`,
  };
  const places = await Promise.all(
    gatewayFolders.map(async (folder) => ({ folder, ports: { http: await freePort(), mqtt: 0 } })),
  );
  const start = async (n: number): Promise<GatewayProcess> => {
    const place = places[n];
    if (!place) throw new Error(`there is no gateway ${n}`);
    const gateway = launchGateway(place.folder, place.ports, settings);
    await gateway.ready();
    return gateway;
  };
  const gateways = [await start(0), await start(1)];
  stack.defer(async () => {
    for (const gateway of gateways) await gateway[Symbol.asyncDispose]();
  });

  const began = Date.now() - 86_400_000;
  let time = began;
  const acknowledged = new Map<string, number[]>();
  const next = () => Array.from({ length: 1 + Math.floor(random() * MOST_READINGS) }, () => readingAt(++time));
  const first = gateways[0];
  if (!first) throw new Error('not started');
  const admin: ApiClient = createApi(first.origin, (await adminOf(first)).token);
  const senders = [];
  for (let n = 0; n < TERMINALS; n += 1) {
    const terminal = await makeTerminal(admin, { id: `T${n}`, profile: 'gas-boiler' });
    const times: number[] = [];
    acknowledged.set(terminal.id, times);
    const take = (readings: Reading[]) => void times.push(...readings.map((reading) => reading.time));
    senders.push(
      createSender(terminal, brokerPort, { next, acknowledged: take, cut: true, paceMs: PACE_MS, againMs: AGAIN_MS }),
    );
  }

  async function killAndStart(ns: number[], awayMs = 0): Promise<void> {
    for (const n of ns) await gateways[n]?.kill();
    await wait(awayMs);
    for (const n of ns) gateways[n] = await start(n);
  }

  async function strike(blow: Blow): Promise<void> {
    const n = random() < 0.5 ? 0 : 1;
    switch (blow) {
      case 'one':
        return killAndStart([0]);
      case 'other':
        return killAndStart([1]);
      case 'both':
        return killAndStart([0, 1]);
      case 'away':
        return killAndStart([n], AWAY_MS);
      case 'broker':
        // Mosquitto writes what waits in it when it ends; SIGKILL loses that, by its own account.
        await broker[Symbol.asyncDispose]();
        broker = await startMosquitto(brokerFolder, brokerPort);
        await wait(AGAIN_MS);
    }
  }

  /** Once neither the broker nor a spool has anything left, compares what was acknowledged from `from` on with what the store has. */
  async function check(from: number): Promise<Tally & { refused: number }> {
    const figure = async ({ origin }: GatewayProcess, name: string) =>
      Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(await (await fetch(`${origin}/metrics`)).text())?.[1]);
    let [last, since] = [-1, performance.now()];
    await eventually(async () => {
      const parts = await Promise.all(
        gateways.map(async (one) => [
          await figure(one, 'hearthgate_readings_total'),
          await figure(one, 'hearthgate_spool_waiting'),
        ]),
      );
      const total = parts.reduce((sum, [count = 0]) => sum + count, 0);
      if (total !== last || parts.some(([, waiting]) => waiting !== 0)) [last, since] = [total, performance.now()];
      return performance.now() - since > 1_500;
    }, SETTLE_MS);
    const tally = await tallyOf(admin, acknowledged, from, time + 1);
    const { body } = await admin.get<{ items: object[] }>('/quarantine/counts');
    return { ...tally, refused: body.items.length };
  }

  let checkedTo = began;
  let tally = await check(began);
  for (let round = 1; round <= rounds; round += 1) {
    const stopping = new AbortController();
    const running = senders.map((sender) => sender.run(stopping.signal));
    await wait(random() * LOAD_MS);
    const blow = blows[round - 1] ?? blowOf(random());
    await strike(blow);
    await wait(random() * LOAD_MS);
    stopping.abort();
    await Promise.all(running);
    if (round % CHECK_EVERY > 0 && round < rounds) continue;
    tally = await check(round === rounds ? began : checkedTo);
    said(`round ${round} of ${rounds}: ${JSON.stringify(tally)}`);
    if (tally.lost + tally.doubled + tally.wrong + tally.refused > 0) return tally;
    checkedTo = time + 1;
  }
  return tally;
}
