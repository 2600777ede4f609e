import { freePort } from '../../src/demo/free-port.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import { createAhead } from '../../src/readings/ahead.ts';
import { startDrain } from '../../src/readings/drain.ts';
import { openSpool } from '../../src/readings/spool.ts';
import { openInflux1Store } from '../../src/readings/store-influx1.ts';
import { noInflux1, startInflux1 } from '../helpers/servers.ts';
import { spoolOptions } from '../helpers/spool.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';

/**
 * How fast the drain carries a backlog from the spool into InfluxDB 1.x:
 * `node test/bench/drain-influx1.ts [readings] [keepRawDays] [late | again | meanwhile]`. Eight metrics a reading, 5,000 terminals that send once
 * a minute; with `late` they have all sent something newer before; with `again` the server has all of it already, and each value is
 * compared; with `meanwhile` 1,667 more come each second, and it is told how long one of them takes at most until a question finds it.
 */

const READINGS = Number(process.argv[2] ?? 200_000);
const keepRawDays = Number(process.argv[3] ?? 0);
const [isLate, isAgain, isMeanwhile] = ['late', 'again', 'meanwhile'].map((word) => process.argv[4] === word);
const TERMINALS = 5_000;

if (noInflux1) throw new Error(noInflux1);
await using folder = await tempFolder();
await using server = await startInflux1(folder.path, await freePort());
const log = createLog('error');
const ahead = createAhead();
await using spool = await openSpool(spoolOptions(`${folder.path}/spool`), {
  clock: systemClock,
  log,
  onKept: ahead.see,
});
const terminalOf = (n: number) => `T${String(n).padStart(5, '0')}`;
if (isLate) {
  await spool.append(
    Array.from({ length: TERMINALS }, (_, n) => ({
      terminalId: terminalOf(n),
      time: Date.now(),
      values: { room_c: 0 },
    })),
  );
}
const start = Date.now() - Math.ceil(READINGS / TERMINALS) * 60_000;
const reading = (n: number, time: number) => ({
  terminalId: terminalOf(n % TERMINALS),
  time,
  values: {
    supply_c: 55.5 + (n % 10) / 10,
    return_c: 42.1,
    room_c: 19.8 + (n % 7) / 10,
    setpoint_c: 20,
    pressure_bar: 1.6,
    gas_m3: n / 100,
    flame_on: 1,
    power_on: 1,
  },
});
for (let n = 0; n < READINGS; n += 1_000) {
  const timeOf = (one: number) => start + Math.floor(one / TERMINALS) * 60_000 + (one % TERMINALS);
  await spool.append(Array.from({ length: 1_000 }, (_, i) => reading(n + i, timeOf(n + i))));
}
ahead.open();
const openStore = (spoolId: string) =>
  openInflux1Store(
    { url: server.url, database: 'bench', username: '', password: '' },
    { clock: systemClock, log, refuse: async () => undefined, spoolId, keepRawDays, keepRollupDays: 0 },
  );
if (isAgain) {
  await using store = await openStore('of before');
  for (let last = 0; last < READINGS; last += 5_000) await store.write(await spool.read(last, 5_000));
}
await using store = await openStore(spool.id);

let isOver = false;
/** What comes while the backlog drains, and how long the newest of it takes at most to be found. Milliseconds. */
async function meanwhile(): Promise<number> {
  let longest = 0;
  const from = Date.now();
  const found = async () => {
    const points = await store.points({ terminalId: 'probe', metric: 'room_c', from, to: Date.now() + 1 }, 100_000);
    longest = Math.max(longest, Date.now() - (points.at(-1)?.time ?? from));
  };
  for (let n = 0; !isOver; n += 167) {
    const now = Date.now();
    const some = Array.from({ length: 166 }, (_, i) => reading(n + i, now));
    await spool.append([...some, { terminalId: 'probe', time: now, values: { room_c: n } }]);
    await found();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, 100 - (Date.now() - now))));
  }
  return longest;
}

const begun = performance.now();
const cpu = process.cpuUsage();
await using drain = startDrain({ spool, store, ahead, clock: systemClock, log, waitMs: 1 });
const { last } = spool.state();
const longest = isMeanwhile ? meanwhile() : undefined;
await eventually(() => last - (spool.state().last - drain.state().waiting) <= 0, 600_000);
const seconds = (performance.now() - begun) / 1_000;
isOver = true;
const { user, system } = process.cpuUsage(cpu);
const each = ((user + system) / 1e6 / READINGS) * 1e5;
console.log(
  `${READINGS} readings in ${seconds.toFixed(1)} s: ${Math.round(READINGS / seconds)} readings/s, ${each.toFixed(2)} CPU-s of ours per 100,000`,
);
if (longest) console.log(`what came meanwhile was found within ${((await longest) / 1_000).toFixed(1)} s`);
