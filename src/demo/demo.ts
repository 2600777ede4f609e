import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import Table from 'cli-table3';
import closeWithGrace from 'close-with-grace';
import { type Config, loadConfig, projectRoot } from '../config.ts';
import { systemClock } from '../lib/clock.ts';
import { newSecret } from '../lib/ids.ts';
import { createLog } from '../lib/log.ts';
import { type Gateway, startGateway } from '../main.ts';
import { billTownship } from './bill-township.ts';
import { buildConsoleIfStale } from './console-build.ts';
import { pastDays } from './money.ts';
import { type Fleet, type Login, makeTownship, signIn } from './township.ts';

/** The gateway with a simulated township, on this machine only. The simulator is a process of its own and speaks over real sockets. */

export interface DemoOptions {
  terminals: string;
  data: string;
  reset?: true;
  weather?: true;
}

const MOST_TERMINALS = 5_000;
const STOP_WITHIN_MS = 15_000;
const POLL_EVERY_S = 10;
const WEATHER_EVERY_S = 5;

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

/** The demo's own files beside the gateway's data. `fleet` is written when the township is complete; `unbilled` is there until its bills are. */
const filesOf = (folder: string) => ({
  logins: join(folder, 'logins.json'),
  fleet: join(folder, 'fleet.json'),
  state: join(folder, 'fleet-state.json'),
  weather: join(folder, 'weather.json'),
  unbilled: join(folder, 'unbilled.json'),
});

function writeWhole(file: string, content: unknown): void {
  writeFileSync(`${file}.new`, JSON.stringify(content), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Whatever is set up, a demonstration takes nobody's money. */
const withoutMoney = (payments: Config['payments']): Config['payments'] => ({
  ...payments,
  sandbox: true,
  wechat: { ...payments.wechat, mchId: '' },
  alipay: { ...payments.alipay, appId: '' },
});

const readFleet = (file: string): Fleet => JSON.parse(readFileSync(file, 'utf8')) as Fleet;

function demoConfig(folder: string, adminPassword: string, withWeather: boolean): Config {
  const config = loadConfig();
  return {
    ...config,
    adminPassword,
    http: { ...config.http, host: '127.0.0.1' },
    mqtt: { ...config.mqtt, host: '127.0.0.1' },
    modbus: { ...config.modbus, pollEveryS: config.modbus.pollEveryS ?? POLL_EVERY_S },
    payments: withoutMoney(config.payments),
    data: { dir: folder },
    // Without it the policy does not ask for the weather, and a winter's night holds no command.
    weather: withWeather
      ? { ...config.weather, kind: 'file', file: filesOf(folder).weather, everyS: WEATHER_EVERY_S }
      : config.weather,
    // The terminals come after the gateway, so at first many cannot be reached.
    log: { level: config.log.level === 'info' ? 'error' : config.log.level },
  };
}

/** Ends when this process does, however that happens: the simulator watches its standard input. */
function startSimulator(gateway: Gateway, files: ReturnType<typeof filesOf>, withWeather: boolean): ChildProcess {
  const options = ['--fleet', files.fleet, '--state', files.state, '--with-parent', '--refuse', '0.02'];
  options.push('--past-days', String(pastDays(Date.now())));
  if (withWeather) options.push('--weather', files.weather);
  const url = `mqtt://127.0.0.1:${gateway.mqttPorts[0]}`;
  return spawn(process.execPath, [join(projectRoot, 'device-sim/cli.ts'), '--mqtt', url, ...options], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
}

async function stopSimulator(simulator: ChildProcess): Promise<void> {
  if (simulator.exitCode !== null || simulator.signalCode !== null) return;
  const ended = once(simulator, 'exit');
  simulator.stdin?.end();
  await ended;
}

function greet(gateway: Gateway, logins: Login[], terminals: number, folder: string): void {
  const table = new Table({ head: ['角色 Role', '用户名 User', '密码 Password'], style: { head: [], border: [] } });
  table.push(...logins.map(({ role, username, password }) => [role, username, password]));
  say(`
暖关 Hearthgate  控制台 Console: http://127.0.0.1:${gateway.httpPort}/
                 API: http://127.0.0.1:${gateway.httpPort}/docs   MQTT: 127.0.0.1:${gateway.mqttPorts[0]}
${table.toString()}
${terminals} 台模拟终端 simulated terminals · 数据 data: ${folder} · Ctrl-C 停止 stops`);
}

export async function demo(options: DemoOptions): Promise<void> {
  const wanted = Number(options.terminals);
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > MOST_TERMINALS) {
    throw new Error(`--terminals takes a whole number from 1 to ${MOST_TERMINALS}`);
  }
  const folder = resolve(options.data);
  const files = filesOf(folder);
  if (existsSync(folder) && !existsSync(files.fleet) && !options.reset && existsSync(files.logins)) {
    say('The last demo stopped before its township was complete; beginning anew.');
    rmSync(folder, { recursive: true });
  }
  if (options.reset) rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await buildConsoleIfStale(say);

  const known = existsSync(files.logins) ? (JSON.parse(readFileSync(files.logins, 'utf8')) as Login[]) : undefined;
  const admin = known?.find(({ role }) => role === 'admin') ?? {
    role: 'admin' as const,
    username: 'admin',
    password: newSecret().slice(0, 12),
  };
  if (!known) writeWhole(files.logins, [admin]);
  const config = demoConfig(folder, admin.password, options.weather === true);
  const gateway = await startGateway(config, { clock: systemClock, log: createLog(config.log.level) });
  let logins = known ?? [admin];
  if (!existsSync(files.fleet)) {
    say(`Making a township of ${wanted} terminals …`);
    const api = await signIn(`http://127.0.0.1:${gateway.httpPort}`, admin);
    const township = await makeTownship(api, wanted, say);
    logins = [admin, ...township.logins];
    writeWhole(files.logins, logins);
    writeWhole(files.unbilled, {});
    writeWhole(files.fleet, township.fleet);
  }
  const { terminals } = readFleet(files.fleet);
  if (terminals.length !== wanted) say(`This demo was made with ${terminals.length} terminals; --reset makes another.`);
  const simulator = startSimulator(gateway, files, options.weather === true);
  greet(gateway, logins, terminals.length, folder);

  let stopping = false;
  const stop = closeWithGrace({ delay: STOP_WITHIN_MS, logger: false }, async ({ err }) => {
    if (err) process.stderr.write(`${err.stack}\n`);
    stopping = true;
    say('Stopping …');
    await stopSimulator(simulator);
    await gateway[Symbol.asyncDispose]();
    say('Stopped; all data is kept.');
  });
  simulator.on('exit', (code) => {
    if (code !== 0) stop.close();
  });
  if (!existsSync(files.unbilled)) return;
  try {
    const bills = await billTownship(`http://127.0.0.1:${gateway.httpPort}`, logins, readFleet(files.fleet));
    rmSync(files.unbilled);
    say(`已按模拟的去年用量生成 ${bills} 张账单 · ${bills} bills of the past year were made, of simulated use.`);
  } catch (error) {
    if (!stopping)
      say(`Bills could not be made; the next start tries again: ${error instanceof Error ? error.message : error}`);
  }
}
