import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { setTimeout as after } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { freePort } from '../../src/demo/free-port.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import { createAhead } from '../../src/readings/ahead.ts';
import { startDrain } from '../../src/readings/drain.ts';
import { lateStore } from '../../src/readings/late-store.ts';
import { createLatest } from '../../src/readings/latest.ts';
import { startMemory } from '../../src/readings/memory.ts';
import { openSpool } from '../../src/readings/spool.ts';
import { createPresence } from '../../src/terminals/presence.ts';
import { noInflux1 } from '../helpers/servers.ts';
import { spoolOptions } from '../helpers/spool.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';
import { record, startStage } from './influx-stage.ts';

/** A real InfluxDB 1.x behind a proxy that plays trouble: whatever happens, each acknowledged reading is stored, once. */

const log = createLog('silent');
/** The drain's pauses pass twenty times as fast. */
const hasty: Clock = { ...systemClock, after: (ms, task) => systemClock.after(ms / 20, task) };

type Trouble =
  | 'none'
  | 'refusing connections'
  | 'slow'
  | 'answering 503'
  | 'answering 429'
  | 'losing its answers'
  | 'cutting bodies'
  | 'silent';

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Writes meet the trouble, and when it is `silent` queries too. */
async function startProxy(target: string) {
  let trouble: Trouble = 'none';
  let policy = '';
  let met = 0;
  let held: { query: string; answered: PromiseWithResolvers<void>; released: PromiseWithResolvers<void> } | undefined;

  function forward(incoming: IncomingMessage, body: Buffer, bytes = body.length): Promise<IncomingMessage> {
    const outgoing = request(`${target}${incoming.url}`, {
      method: incoming.method,
      headers: incoming.headers,
      agent: false,
    });
    return new Promise((resolve, reject) => {
      outgoing.on('response', resolve);
      outgoing.on('error', reject);
      if (bytes === body.length) return void outgoing.end(body);
      outgoing.write(body.subarray(0, bytes), () => outgoing.destroy());
    });
  }

  async function pass(incoming: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    const answer = await forward(incoming, body);
    const said = await bodyOf(answer);
    if (held && incoming.url?.startsWith('/query') && body.toString().includes(held.query)) {
      held.answered.resolve();
      await held.released.promise;
    }
    response.writeHead(answer.statusCode ?? 500, answer.headers).end(said);
  }

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const now = trouble;
    const body = await bodyOf(incoming);
    if (now === 'silent') return;
    if (now === 'none' || !incoming.url?.startsWith('/write')) return pass(incoming, body, response);
    if (!incoming.url.includes(`rp=${policy}`)) return pass(incoming, body, response);
    met += 1;
    switch (now) {
      case 'slow':
        await after(2_000);
        return pass(incoming, body, response);
      case 'answering 503':
        return void response.writeHead(503).end('{"error":"engine: cache-max-memory-size exceeded"}');
      case 'answering 429':
        return void response.writeHead(429, { 'retry-after': '2' }).end();
      case 'losing its answers':
        await bodyOf(await forward(incoming, body));
        return void incoming.socket.destroy();
      default:
        await forward(incoming, body, body.length >> 1).catch(() => undefined);
        return void incoming.socket.destroy();
    }
  }

  const server = createServer((incoming, response) => {
    serve(incoming, response).catch(() => incoming.socket.destroy());
  });
  const port = await freePort();
  const listen = async () => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  await listen();
  return {
    url: `http://127.0.0.1:${port}`,
    met: () => met,
    /** Keeps the server's answers to queries with a word in them until it is released. */
    hold(query: string) {
      held = { query, answered: Promise.withResolvers(), released: Promise.withResolvers() };
      return { answered: held.answered.promise, release: held.released.resolve };
    },
    /** For writes to one retention policy, or to all. */
    async play(next: Trouble, retentionPolicy = ''): Promise<void> {
      policy = retentionPolicy;
      if (next === 'refusing connections') {
        server.closeAllConnections();
        server.close();
        await once(server, 'close');
      } else if (trouble === 'refusing connections') await listen();
      trouble = next;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A spool whose drain writes through the proxy. */
async function startPipe(stage: Awaited<ReturnType<typeof startStage>>, url: string, folder: string) {
  const stack = new AsyncDisposableStack();
  const ahead = createAhead();
  const spool = stack.use(await openSpool(spoolOptions(folder), { clock: systemClock, log, onKept: ahead.see }));
  const store = stack.use(lateStore(() => stage.open({ spoolId: spool.id, keepRawDays: 30 }, { url })));
  const [latest, presence] = [createLatest(), createPresence({ clock: systemClock })];
  stack.use(await startMemory({ store, spool, ahead, latest, presence, clock: hasty, log }));
  const drain = stack.use(startDrain({ spool, store, ahead, clock: hasty, log, waitMs: 1 }));
  return { spool, store, drain, latest, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

beforeEach(({ skip }) => skip(noInflux1 !== undefined, noInflux1));

describe('InfluxDB behind trouble', () => {
  const TROUBLES: [Trouble, number][] = [
    ['refusing connections', 2],
    ['answering 503', 2],
    ['answering 429', 2],
    ['losing its answers', 2],
    ['cutting bodies', 2],
    ['slow', 0],
  ];
  test.each(TROUBLES)(
    'a server that is %s costs no reading and doubles none, over a restart too',
    async (trouble, failures) => {
      await using stage = await startStage();
      await using folder = await tempFolder();
      await using proxy = await startProxy(stage.url);
      const start = Date.now() - 3_600_000;
      let count = 0;
      const send = async ({ spool }: { spool: Awaited<ReturnType<typeof openSpool>> }, readings: number) => {
        const some = Array.from({ length: readings }, () => {
          count += 1;
          return { terminalId: `T${count % 7}`, time: start + count, values: { room_c: count, supply_c: -count } };
        });
        await spool.append(some);
      };
      {
        await using pipe = await startPipe(stage, proxy.url, folder.path);
        await send(pipe, 100);
        await eventually(() => pipe.drain.state().waiting === 0);
        await proxy.play(trouble);
        await send(pipe, 6_000);
        await eventually(
          () => (trouble === 'slow' ? proxy.met() > 0 : pipe.drain.state().failures >= failures),
          20_000,
        );
        await send(pipe, 100);
        if (trouble !== 'slow') {
          expect(pipe.drain.state().waiting).toBe(6_100);
          await proxy.play('none');
          await eventually(() => pipe.drain.state().waiting === 0);
          await proxy.play(trouble);
          await send(pipe, 500);
          await eventually(() => pipe.drain.state().failures >= failures, 20_000);
        }
      }
      // The gateway restarts in the middle of the trouble.
      await using pipe = await startPipe(stage, proxy.url, folder.path);
      await send(pipe, 100);
      if (trouble !== 'slow') await proxy.play('none');
      await eventually(() => pipe.drain.state().waiting === 0, 25_000);
      const stored = await Promise.all(
        Array.from({ length: 7 }, (_, n) =>
          pipe.store.rows({ terminalId: `T${n}`, from: start, to: start + 100_000 }, 100_000),
        ),
      );
      const values = stored.flat().map(({ time, metric, value }) => `${time - start} ${metric} ${value}`);
      const sent = Array.from({ length: count }, (_, i) => [`${i + 1} room_c ${i + 1}`, `${i + 1} supply_c ${-i - 1}`]);
      expect(values.sort()).toEqual(sent.flat().sort());
      expect(stage.refused).toEqual([]);
    },
    60_000,
  );

  test('while a backlog drains, what comes now is found by every question, the first of two values stays, and all of it counts once', async () => {
    await using stage = await startStage();
    await using folder = await tempFolder();
    await using proxy = await startProxy(stage.url);
    const [terminals, rounds] = [80, 1_200];
    const hour = 3_600_000;
    const start = Math.floor(Date.now() / hour) * hour - 24 * hour;
    const [early, late] = [start + (rounds - 20) * 60_000, start + (rounds + 9) * 60_000];
    /** A reading a minute of each terminal, in the order of their times. */
    const round = (n: number) =>
      Array.from({ length: terminals }, (_, t) => ({
        terminalId: `T${t}`,
        time: start + n * 60_000,
        values: { gas_m3: n },
      }));
    {
      await using pipe = await startPipe(stage, proxy.url, folder.path);
      await pipe.spool.append(round(0));
      await eventually(() => pipe.drain.state().waiting === 0);
      await proxy.play('refusing connections');
      for (let n = 1; n < rounds; n += 1) await pipe.spool.append(round(n));
      await pipe.spool.append([{ terminalId: 'quiet', time: early, values: { gas_m3: 7 } }]);
      await eventually(() => pipe.drain.state().failures >= 3, 20_000);
    }
    // The gateway restarts before the server is back, and the server is slow.
    await using pipe = await startPipe(stage, proxy.url, folder.path);
    await eventually(() => pipe.latest.of('T7').get('gas_m3')?.value === rounds - 1);
    await proxy.play('slow');
    for (let n = rounds; n < rounds + 10; n += 1) await pipe.spool.append(round(n));
    // Another value for a time that still waits, and one for a time that came just now.
    await pipe.spool.append([
      { terminalId: 'quiet', time: early, values: { gas_m3: -1 } },
      { terminalId: 'T7', time: late, values: { gas_m3: -2 } },
    ]);
    const since = start + rounds * 60_000;
    const series = { terminalId: 'T7', metric: 'gas_m3', from: since, to: since + hour };
    await eventually(async () => (await pipe.store.points(series, 100)).length === 10, 30_000);
    // More than one batch, so it was not their turn yet.
    expect(pipe.drain.state().waiting).toBeGreaterThan(20_500);
    const group = { ...series, terminalIds: ['T6', 'T7', 'T8'] };
    const values = Array.from({ length: 10 }, (_, i) => rounds + i);
    const sum = values.reduce((a, b) => a + b, 0);
    expect((await pipe.store.points(series, 100)).map(({ value }) => value)).toEqual(values);
    expect(await pipe.store.windows(series, hour)).toEqual([
      { time: since, first: rounds, last: rounds + 9, min: rounds, max: rounds + 9, sum, count: 10, mean: sum / 10 },
    ]);
    expect(await pipe.store.together(group, hour, 'count')).toMatchObject([{ sum: 30, terminals: 3 }]);
    expect(await pipe.store.rows({ ...series, terminalId: 'T8' }, 100)).toHaveLength(10);
    await proxy.play('none');
    await eventually(() => pipe.drain.state().waiting === 0, 30_000);
    const all = { ...group, terminalIds: Array.from({ length: terminals }, (_, t) => `T${t}`), from: start };
    const counts = await pipe.store.together(all, hour, 'count');
    expect(counts.map(({ sum: count }) => count)).toEqual([...Array(rounds / 60).fill(60 * terminals), 10 * terminals]);
    const quiet = { ...series, terminalId: 'quiet', from: early, to: early + 1 };
    expect(await pipe.store.points(quiet, 9)).toEqual([{ time: early, value: 7 }]);
    expect(stage.refused.map(({ time, values: refused }) => [time, refused])).toEqual([
      [early, { gas_m3: -1 }],
      [late, { gas_m3: -2 }],
    ]);
  }, 90_000);

  test('closing ends what a silent server would keep waiting for half a minute', async () => {
    await using stage = await startStage();
    await using proxy = await startProxy(stage.url);
    const store = await stage.open({}, { url: proxy.url });
    await proxy.play('silent');
    const hanging = [store.write([record(Date.now(), { room_c: 1 })]), store.newest(), store.ping()];
    const ended = Promise.allSettled(hanging);
    await store[Symbol.asyncDispose]();
    expect((await ended).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  }, 5_000);

  test('what is refused is told once, though the position behind it could not be stored', async () => {
    await using stage = await startStage();
    await using proxy = await startProxy(stage.url);
    await using store = await stage.open({}, { url: proxy.url });
    const time = Date.now();
    const batch = [record(time, { room_c: 1 }), record(time, { room_c: 2 })];
    await proxy.play('answering 503', 'state');
    await expect(store.write(batch)).rejects.toThrow('503');
    await expect(store.write(batch)).rejects.toThrow('503');
    await proxy.play('none');
    await store.write(batch);
    await store.write([record(time, { room_c: 3 })]);
    expect(stage.refused.map(({ values }) => values['room_c'])).toEqual([2, 3]);
  });

  test('a reading that comes while its hour is computed makes the hour due again, also for the next process', async () => {
    await using stage = await startStage();
    await using proxy = await startProxy(stage.url);
    const time = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 10 * 3_600_000;
    const counted = () => stage.ask('select count_room_c from "rollup"."readings"');
    {
      await using store = await stage.open({ keepRawDays: 30 }, { url: proxy.url });
      await store.write([record(time, { room_c: 1 })]);
      const computing = proxy.hold('into');
      const tended = store.tend();
      await computing.answered;
      await store.write([record(time + 1, { room_c: 2 })]);
      computing.release();
      await tended;
      expect(await counted()).toEqual([[time, 1]]);
    }
    await using store = await stage.open({ keepRawDays: 30 });
    await store.tend();
    expect(await counted()).toEqual([[time, 2]]);
    expect(await stage.ask('select count(due) from "state"."due"')).toEqual([]);
  });
});
