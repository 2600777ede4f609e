import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InfluxDB } from 'influx';
import { connectAsync } from 'mqtt';
import { z } from 'zod';
import { freePort } from '../../src/demo/free-port.ts';
import type { AreaReadings } from '../../src/http/schemas/readings.ts';
import { makeTerminal, VILLAGE } from '../helpers/gateway.ts';
import { adminOf, end, spawnGateway } from '../helpers/process.ts';
import { noInflux1, startInflux1 } from '../helpers/servers.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';
import type { Credentials } from './load.ts';
import { bytesIn, cpuSeconds, residentMiB } from './machine.ts';

/** What the load is put on: the gateway with its stores, and what people would take instead of it. */

export interface Subject extends AsyncDisposable {
  port: number;
  terminals: Credentials[];
  /** Of its HTTP interface. */
  origin?: string;
  /** Seconds of what takes the readings, without the database server. */
  cpu(): number;
  memoryMiB(): number;
  /** Once all is stored that will be: how many readings there are, and their bytes on disk. */
  stored?(): Promise<{ readings: number; bytes: number }>;
}

const MOSQUITTO = '/usr/sbin/mosquitto';
/** Kept between runs, since it is 284 packages. */
const NODE_RED = join(tmpdir(), 'hearthgate-bench-node-red');
const NODE_RED_PACKAGES = ['node-red@5.0.7', 'node-red-contrib-influxdb@0.7.0'];
const SETTLE_MS = 60_000;

const count = z.object({ count: z.number() });
async function countIn(url: string, database: string): Promise<number> {
  const influx = new InfluxDB(`${url}/${database}`);
  const [row] = await influx.query('select count(room_c) as count from readings');
  return row ? count.parse(row).count : 0;
}

/** Waits until the number has stood still for two seconds. */
async function settled(read: () => Promise<number>): Promise<number> {
  let [last, since] = [-1, performance.now()];
  await eventually(async () => {
    const now = await read();
    if (now !== last) [last, since] = [now, performance.now()];
    return performance.now() - since > 2_000;
  }, SETTLE_MS);
  return last;
}

/** `settings` are further environment variables. */
export async function startGateway(
  size: number,
  kind: 'embedded' | 'influx1',
  others: Record<string, string> = {},
): Promise<Subject> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder());
  const influx = kind === 'influx1' ? stack.use(await startInflux1(folder.path, await freePort())) : undefined;
  const url = influx && { HEARTHGATE_TIMESERIES__URL: influx.url };
  const settings = { HEARTHGATE_TIMESERIES__KIND: kind, ...url, ...others };
  const ports = { http: await freePort(), mqtt: await freePort() };
  const gateway = stack.use(await spawnGateway(folder.path, ports, settings));
  const admin = await adminOf(gateway);
  const terminals: Credentials[] = [];
  for (let n = 0; n < size; n += 1) {
    terminals.push(await makeTerminal(admin, { id: `T${n}`, profile: 'gas-boiler', areaCode: VILLAGE }));
  }

  async function stored() {
    const waiting = async () =>
      Number(/^hearthgate_spool_waiting (\d+)$/m.exec(await (await fetch(`${gateway.origin}/metrics`)).text())?.[1]);
    await eventually(async () => (await waiting()) === 0, SETTLE_MS);
    if (influx) return { readings: await countIn(influx.url, 'hearthgate'), bytes: bytesIn(join(folder.path, 'data')) };
    const [from, to] = [Date.now() - 3 * 86_400_000, Date.now()];
    const query = `metric=room_c&from=${from}&to=${to}&every=1d&aggregate=count`;
    const { body } = await admin.get<AreaReadings>(`/areas/${VILLAGE}/readings?${query}`);
    const readings = body.points.reduce((sum, point) => sum + (point.sum ?? 0), 0);
    // What it holds in memory is in the files when it has ended.
    await gateway.stop();
    return { readings, bytes: bytesIn(join(folder.path, 'data', 'readings')) };
  }
  return {
    port: gateway.mqttPort,
    origin: gateway.origin,
    terminals,
    cpu: () => cpuSeconds(gateway.pid),
    memoryMiB: () => residentMiB(gateway.pid),
    stored,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const opensPort = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });

const strangers = (size: number): Credentials[] =>
  Array.from({ length: size }, (_, n) => ({ id: `T${n}`, secret: 's' }));

/** Mosquitto as Debian brings it, for anybody and without persistence. */
export async function startMosquitto(size: number): Promise<Subject & { pid: number }> {
  if (!existsSync(MOSQUITTO)) throw new Error('mosquitto is not installed');
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder());
  const port = await freePort();
  const config = join(folder.path, 'mosquitto.conf');
  writeFileSync(config, `listener ${port} 127.0.0.1\nallow_anonymous true\nuser root\n`);
  const server = spawn(MOSQUITTO, ['-c', config], { stdio: 'ignore' });
  stack.defer(async () => void (await end(server, 'SIGTERM')));
  await eventually(() => opensPort(port));
  const pid = server.pid ?? 0;
  return {
    pid,
    port,
    terminals: strangers(size),
    cpu: () => cpuSeconds(pid),
    memoryMiB: () => residentMiB(pid),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Takes readings by MQTT, QoS 1, and writes batches of 500 to InfluxDB: what a hand puts together in an hour. */
function flowOf(mqttPort: number, influxPort: number) {
  const toPoint = `const id = msg.topic.split('/')[1];
const { time, values } = msg.payload;
msg.payload = { measurement: 'readings', tags: { terminal: id }, fields: values, timestamp: new Date(time) };
return msg;`;
  // Without a place on the sheet a node counts as configuration.
  const place = { z: 'tab', x: 1, y: 1 };
  return [
    { id: 'tab', type: 'tab', label: 'readings' },
    {
      id: 'n1',
      type: 'mqtt-broker',
      broker: '127.0.0.1',
      port: mqttPort,
      clientid: 'node-red',
      protocolVersion: '4',
      keepalive: 60,
    },
    { id: 'n2', type: 'influxdb', hostname: '127.0.0.1', port: influxPort, database: 'peer', influxdbVersion: '1.x' },
    {
      ...place,
      id: 'n3',
      type: 'mqtt in',
      topic: 'terminals/+/readings',
      qos: '1',
      datatype: 'json',
      broker: 'n1',
      inputs: 0,
      wires: [['n4']],
    },
    { ...place, id: 'n4', type: 'function', func: toPoint, outputs: 1, wires: [['n5']] },
    {
      ...place,
      id: 'n5',
      type: 'join',
      mode: 'custom',
      build: 'array',
      property: 'payload',
      propertyType: 'msg',
      count: '500',
      timeout: '1',
      wires: [['n6']],
    },
    { ...place, id: 'n6', type: 'influxdb batch', influxdb: 'n2', precision: 'ms', wires: [] },
  ];
}

export async function startNodeRed(size: number): Promise<Subject> {
  if (noInflux1) throw new Error(noInflux1);
  const stack = new AsyncDisposableStack();
  const program = join(NODE_RED, 'node_modules/node-red/red.js');
  if (!existsSync(program)) {
    mkdirSync(NODE_RED, { recursive: true });
    writeFileSync(join(NODE_RED, 'package.json'), '{"private":true}');
    const install = ['install', '--no-audit', '--no-fund', '--omit=dev', ...NODE_RED_PACKAGES];
    execFileSync('npm', install, { cwd: NODE_RED, stdio: 'ignore', timeout: 300_000 });
  }
  const folder = stack.use(await tempFolder());
  const influx = stack.use(await startInflux1(folder.path, await freePort()));
  await new InfluxDB(influx.url).createDatabase('peer');
  const broker = stack.use(await startMosquitto(size));
  const flows = join(folder.path, 'flows.json');
  const uiPort = await freePort();
  writeFileSync(flows, JSON.stringify(flowOf(broker.port, Number(new URL(influx.url).port))));
  writeFileSync(
    join(folder.path, 'settings.js'),
    `module.exports = { uiPort: ${uiPort}, uiHost: '127.0.0.1', flowFile: ${JSON.stringify(flows)}, nodesDir: [], logging: { console: { level: 'off' } } };`,
  );
  const options = ['--userDir', folder.path, '--settings', join(folder.path, 'settings.js')];
  // It looks for further nodes in the folder of its user.
  symlinkSync(join(NODE_RED, 'node_modules'), join(folder.path, 'node_modules'));
  const server = spawn(process.execPath, [program, ...options], { cwd: NODE_RED, stdio: 'ignore' });
  stack.defer(async () => void (await end(server, 'SIGTERM')));
  const probe = await connectAsync(`mqtt://127.0.0.1:${broker.port}`);
  await eventually(async () => {
    await probe.publishAsync('terminals/probe/readings', JSON.stringify({ time: 1, values: { room_c: 1 } }), {
      qos: 1,
    });
    return (await countIn(influx.url, 'peer')) > 0;
  }, 60_000);
  await probe.endAsync();
  const pid = server.pid ?? 0;
  return {
    port: broker.port,
    terminals: strangers(size),
    cpu: () => cpuSeconds(pid) + broker.cpu(),
    memoryMiB: () => residentMiB(pid) + broker.memoryMiB(),
    stored: async () => ({
      readings: (await settled(() => countIn(influx.url, 'peer'))) - 1,
      bytes: bytesIn(join(folder.path, 'data')),
    }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
