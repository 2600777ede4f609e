import type { Socket } from 'node:net';
import { loadavg } from 'node:os';
import { generate, parser } from 'mqtt-packet';
import type { Batch } from '../../src/http/schemas/batches.ts';
import type { Command } from '../../src/http/schemas/commands.ts';
import { createApi, signIn, ADMIN as WHO } from '../helpers/gateway.ts';
import { benchAudit } from './audit.ts';
import { openConnection } from './load.ts';
import { machine, percentile, wait } from './machine.ts';
import { type Subject, startGateway } from './subjects.ts';

/**
 * `npm run bench commands`: from the request over HTTP to the reading that confirms the command over MQTT, while 1,000 terminals send a
 * reading of eight metrics a second each; a batch for 5,000 terminals that send once in ten seconds; and what the audit costs.
 */

const TERMINALS = 1_000;
/** Those that are commanded, each with somebody who watches it. */
const WATCHED = 40;
const EVERY_MS = 50;
const COMMANDS = 600;
const BATCH = 5_000;
const BATCH_READS_MS = 10_000;
/** As fast as it goes: what a cell gets in a minute is not what is measured. */
const UNLIMITED = { HEARTHGATE_BATCHES__PER_CELL_PER_MINUTE: '60000' };

/** A terminal that does at once what it is told, answers, and shows it. */
async function play(port: number, { id, secret }: Subject['terminals'][number], everyMs = 1_000): Promise<Socket> {
  const socket = await openConnection(port, id, secret);
  let messageId = 1;
  let setpoint = 20;
  const publish = (what: string, payload: object) => {
    messageId = (messageId % 60_000) + 1;
    const common = { cmd: 'publish', qos: 1, dup: false, retain: false } as const;
    socket.write(
      generate({ ...common, topic: `terminals/${id}/${what}`, payload: JSON.stringify(payload), messageId }),
    );
  };
  const read = () =>
    publish('readings', {
      time: Date.now(),
      values: {
        supply_c: 55.5,
        return_c: 42.1,
        room_c: 19.8,
        setpoint_c: setpoint,
        pressure_bar: 1.6,
        gas_m3: 812.35,
        flame_on: true,
        power_on: true,
      },
    });
  const packets = parser();
  packets.on('packet', (packet) => {
    if (packet.cmd !== 'publish') return;
    socket.write(generate({ cmd: 'puback', messageId: packet.messageId ?? 0 }));
    const command: { id: string; value: number } = JSON.parse(packet.payload.toString());
    setpoint = command.value;
    publish('replies', { id: command.id, result: 'accepted', time: Date.now() });
    read();
  });
  socket.on('data', (data) => packets.parse(data));
  socket.on('error', () => undefined);
  const subscriptions = [{ topic: `terminals/${id}/commands`, qos: 1 as const }];
  socket.write(generate({ cmd: 'subscribe', messageId: 1, subscriptions }));
  setTimeout(() => {
    const timer = setInterval(read, everyMs);
    socket.on('close', () => clearInterval(timer));
  }, Math.random() * everyMs);
  return socket;
}

const percentiles = (ms: number[]): string => {
  const sorted = ms.toSorted((a, b) => a - b);
  return [0.5, 0.95, 0.99].map((p) => `p${p * 100} ${percentile(sorted, p).toFixed(0)} ms`).join(', ');
};

/** From the request, or the turn in a batch, to the reading that confirmed it, by the gateway's own record. */
async function tripsOf(admin: ReturnType<typeof createApi>): Promise<number[]> {
  const trips: number[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { body }: { body: { items: Command[]; nextCursor: string | null } } = await admin.get(
      `/commands?limit=500${cursor && `&cursor=${cursor}`}`,
    );
    for (const { createdAt, history } of body.items) {
      const shown = history.find(({ state }) => state === 'confirmed');
      if (shown) trips.push(Date.parse(shown.at) - Date.parse(createdAt));
    }
    cursor = body.nextCursor;
  }
  return trips;
}

/** Tells of every command of a terminal that has come to its end. */
async function watch(
  origin: string,
  token: string,
  id: string,
  ended: (command: Command) => void,
): Promise<AbortController> {
  const abort = new AbortController();
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${origin}/api/v1/live?terminalId=${id}`, { headers, signal: abort.signal });
  let text = '';
  const decoder = new TextDecoder();
  const follow = async () => {
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const data = /^event: command\ndata: (.+)$/m.exec(block)?.[1];
        const { command }: { command?: Command } = data ? JSON.parse(data) : {};
        if (command?.state === 'confirmed') ended(command);
      }
    }
  };
  follow().catch(() => undefined);
  return abort;
}

async function roundTrips({ port, origin = '', terminals, cpu }: Subject): Promise<void> {
  const sockets: Socket[] = [];
  for (const terminal of terminals) sockets.push(await play(port, terminal));
  const admin = createApi(origin, (await signIn(origin, WHO)).token);
  const asked = new Map<string, number>();
  const confirmed = new Map<string, number>();
  const watched = terminals.slice(0, WATCHED);
  const streams = [];
  for (const { id } of watched)
    streams.push(await watch(origin, admin.token, id, (command) => confirmed.set(command.id, performance.now())));
  await wait(5_000);
  const [before, began] = [cpu(), performance.now()];
  const requests: Promise<void>[] = [];
  for (let n = 0; n < COMMANDS; n += 1) {
    const at = performance.now();
    const { id } = watched[n % WATCHED] ?? { id: '' };
    const request = { command: 'setpoint', value: 10 + (Math.floor(n / WATCHED) % 20) };
    requests.push(admin.command(id, request).then(({ body }) => void asked.set(body.id, at)));
    await wait(EVERY_MS);
  }
  await Promise.all(requests);
  await wait(5_000);
  const seconds = (performance.now() - began) / 1_000;
  const trips = [...asked].flatMap(([id, at]) => (confirmed.get(id) ?? Number.NaN) - at);
  const ended = trips.filter((ms) => !Number.isNaN(ms));
  console.log(`request → confirmed over MQTT: ${percentiles(ended)}; ${ended.length} of ${asked.size} confirmed`);
  console.log(`the gateway used ${((100 * (cpu() - before)) / seconds).toFixed(0)} % of a core meanwhile`);
  for (const stream of streams) stream.abort();
  for (const socket of sockets) socket.destroy();
}

async function batch({ port, origin = '', terminals, cpu }: Subject): Promise<void> {
  const sockets: Socket[] = [];
  for (const terminal of terminals) sockets.push(await play(port, terminal, BATCH_READS_MS));
  const admin = createApi(origin, (await signIn(origin, WHO)).token);
  const [before, began] = [cpu(), performance.now()];
  const request = { terminalIds: terminals.map(({ id }) => id), command: 'setpoint', value: 21, reason: 'bench' };
  const asked = await admin.post<Batch>('/command-batches', request, { 'idempotency-key': 'bench' });
  const accepted = performance.now() - began;
  let { body } = asked;
  while (body.state === 'running') {
    await wait(500);
    ({ body } = await admin.get<Batch>(`/command-batches/${body.id}`));
  }
  const seconds = (performance.now() - began) / 1_000;
  const used = cpu() - before;
  const rate = ((body.counts.confirmed ?? 0) / seconds).toFixed(0);
  const trips = await tripsOf(admin);
  console.log(`a batch for ${terminals.length} terminals: taken after ${accepted.toFixed(0)} ms, ${body.state} after`);
  console.log(`${seconds.toFixed(1)} s, ${rate} confirmed a second, ${JSON.stringify(body.counts)}`);
  console.log(`turn → confirmed: ${percentiles(trips)}`);
  const each = ((1_000 * used) / terminals.length).toFixed(1);
  console.log(`the gateway used ${used.toFixed(1)} CPU-s, ${each} ms a terminal, with its 500 readings a second`);
  for (const socket of sockets) socket.destroy();
}

console.log(
  `${machine()}, load ${loadavg()[0]?.toFixed(1)}; ${TERMINALS} terminals, ${TERMINALS} readings/s, ${1_000 / EVERY_MS} commands/s`,
);
{
  await using subject = await startGateway(TERMINALS, 'embedded');
  await roundTrips(subject);
}
{
  await using subject = await startGateway(BATCH, 'embedded', UNLIMITED);
  await batch(subject);
}
await benchAudit();
process.exit(0);
