import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { projectRoot } from '../../src/config.ts';
import { freePort } from '../../src/demo/free-port.ts';
import type { Ready } from '../../src/http/schemas/health.ts';
import {
  closed,
  connectTerminal,
  makeTerminal,
  publish,
  sendReading,
  startTestGateway,
  type TestGateway,
} from '../helpers/gateway.ts';
import { noInflux1, noPostgres, startInflux1, startPostgres } from '../helpers/servers.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';

let gateway: TestGateway;

async function readyOf({ origin }: { origin: string }) {
  const response = await fetch(`${origin}/health/ready`);
  const body = (await response.json()) as Ready;
  return { status: response.status, body, part: (name: string) => body.parts.find((part) => part.name === name) };
}

async function figuresOf({ origin }: { origin: string }): Promise<Map<string, number>> {
  const text = await (await fetch(`${origin}/metrics`)).text();
  const samples = text.split('\n').filter((line) => line.startsWith('hearthgate_'));
  return new Map(samples.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

describe('/health/ready', () => {
  test('names every part with its state, since when, and how long it took to answer', async () => {
    const client = await connectTerminal(
      gateway,
      await makeTerminal(gateway.admin, { id: 'A', profile: 'gas-boiler' }),
    );
    await sendReading(client, 'A', { room_c: 20 });
    const { status, body, part } = await readyOf(gateway);
    await client.endAsync();
    expect(status).toBe(200);
    expect(body.parts.map(({ name }) => name)).toEqual([
      'spool',
      'store',
      'database',
      'quarantine',
      'mqtt',
      'modbus',
      'disk',
      'clock',
      'policies',
      'weather',
      'event_loop',
    ]);
    for (const { since } of body.parts) expect(Math.abs(Date.now() - Date.parse(since))).toBeLessThan(60_000);
    for (const name of ['spool', 'store', 'database']) expect(part(name)?.latencyMs, name).toBeGreaterThan(0);
    expect(part('mqtt')).toMatchObject({ state: 'ok', detail: '1 of 100000 connections' });
    expect(part('disk')?.detail).toMatch(/^\d+ bytes free$/);
  });

  test('says that a Modbus line is down, and that the gateway is well all the same', async () => {
    const line = { host: '127.0.0.1', port: await freePort() };
    await makeTerminal(gateway.admin, {
      id: 'M',
      profile: 'eastron-sdm120',
      connection: { type: 'modbus', line, unit: 1 },
    });
    const { body } = await eventually(async () => {
      const ready = await readyOf(gateway);
      return ready.part('modbus')?.detail === '0 of 1 lines up' && ready;
    });
    expect(body).toMatchObject({ status: 'ok', troubles: [] });
    await gateway.admin.delete('/terminals/M');
  });

  test('has readings wait while the store is away, says so without an address, and does so at once', async () => {
    const port = await freePort();
    const overrides = { timeseries: { kind: 'influx1' as const, url: `http://127.0.0.1:${port}` } };
    await using away = await startTestGateway({ overrides });
    const client = await connectTerminal(away, await makeTerminal(away.admin, { id: 'A', profile: 'gas-boiler' }));
    await sendReading(client, 'A', { room_c: 20 });
    await client.endAsync();
    const began = performance.now();
    const { status, body, part } = await readyOf(away);
    expect(performance.now() - began).toBeLessThan(500);
    expect(status).toBe(503);
    expect(part('store')?.state).toBe('away');
    expect(body.troubles).toEqual([`store: ${part('store')?.detail}`]);
    expect(part('store')?.detail).toMatch(/^does not answer; 1 readings wait, the oldest for \d+ s$/);
    expect(JSON.stringify(body)).not.toMatch(/127\.0\.0\.1|http|\/tmp/);
  });

  test('says that the database is away while it is', async ({ skip }) => {
    skip(noPostgres !== undefined, noPostgres);
    let away: TestGateway;
    {
      await using postgres = await startPostgres();
      away = await startTestGateway({ overrides: { database: { url: postgres.url } } });
      expect((await readyOf(away)).part('database')?.state).toBe('ok');
    }
    await using _gateway = away;
    const { status, body } = await eventually(async () => {
      const ready = await readyOf(away);
      return ready.part('database')?.state === 'away' && ready;
    });
    expect(status).toBe(503);
    expect(body.troubles).toEqual(['database: does not answer: ECONNREFUSED']);
  });

  test('says that refusals cannot be kept, whose messages are not acknowledged, until they are', async () => {
    await using folder = await tempFolder();
    await using failing = await startTestGateway({ folder: folder.path });
    const terminal = await makeTerminal(failing.admin, { id: 'A', profile: 'gas-boiler' });
    using db = new DatabaseSync(join(folder.path, 'data/hearthgate.sqlite'));
    db.exec("create trigger full before insert on quarantine begin select raise(abort, 'disk is full in /data'); end");
    const client = await connectTerminal(failing, terminal);
    const cut = closed(client).then(() => 'cut');
    expect(await Promise.race([sendReading(client, 'A', { room_c: 'warm' }), cut])).toBe('cut');
    await client.endAsync(true);
    const { status, body } = await readyOf(failing);
    expect(status).toBe(503);
    expect(body.troubles).toEqual([
      expect.stringMatching(/^quarantine: \d+ commits? failed in a row, the last 0 s ago; /),
    ]);
    expect(JSON.stringify(body)).not.toContain('/data');
    expect((await figuresOf(failing)).get('hearthgate_quarantine_failures_total')).toBeGreaterThan(0);

    db.exec('drop trigger full');
    const again = await connectTerminal(failing, terminal);
    await sendReading(again, 'A', { room_c: 'warm' });
    await again.endAsync();
    expect((await readyOf(failing)).body).toMatchObject({ status: 'ok', troubles: [] });
    expect((await figuresOf(failing)).get('hearthgate_quarantine_bytes')).toBeGreaterThan(20);
  });

  test('tells what keeps the spool from writing, and not where', async () => {
    await using folder = await tempFolder();
    await using gone = await startTestGateway({
      folder: folder.path,
      overrides: { readings: { spoolSegmentBytes: 4_096 } },
    });
    const client = await connectTerminal(gone, await makeTerminal(gone.admin, { id: 'A', profile: 'gas-boiler' }));
    await rm(join(folder.path, 'data/spool'), { recursive: true });
    const cut = closed(client).then(() => 'cut');
    const time = Date.now();
    for (let n = 0, answer: unknown; answer !== 'cut'; n += 1) {
      answer = await Promise.race([sendReading(client, 'A', { room_c: 20 }, time + n), cut]);
    }
    await client.endAsync(true);
    const { status, body } = await readyOf(gone);
    expect(status).toBe(503);
    expect(body.troubles).toEqual(['spool: ENOENT: no such file or directory, open']);
    expect(JSON.stringify(body)).not.toContain(folder.path);
  });

  test('shows that the spool is full, and, with no new reading, that it has space again', async ({ skip }) => {
    skip(noInflux1 !== undefined, noInflux1);
    await using influxFolder = await tempFolder();
    const port = await freePort();
    const overrides = {
      readings: { spoolSegmentBytes: 65_536, spoolMaxBytes: 1_048_576 },
      timeseries: { kind: 'influx1' as const, url: `http://127.0.0.1:${port}` },
    };
    await using full = await startTestGateway({ overrides });
    const client = await connectTerminal(full, await makeTerminal(full.admin, { id: 'A', profile: 'gas-boiler' }));
    const broken = new Promise<'broken'>((resolve) => client.once('close', () => resolve('broken')));
    const began = Date.now() - 3_600_000;
    let messages = 0;
    for (let answer: unknown; answer !== 'broken'; messages += 1) {
      const backfill = Array.from({ length: 1_000 }, (_, n) => ({
        time: began + messages * 1_000 + n,
        values: { room_c: 20, supply_c: 55, return_c: 40 },
      }));
      answer = await Promise.race([publish(client, 'terminals/A/readings', backfill), broken]);
    }
    await client.endAsync(true);
    expect((await readyOf(full)).part('spool')?.state).toBe('degraded');
    expect((await figuresOf(full)).get('hearthgate_spool_refused_total')).toBe(1_000);
    await using _influx = await startInflux1(influxFolder.path, port);
    const ready = await eventually(async () => {
      const now = await readyOf(full);
      return now.status === 200 && now;
    }, 30_000);
    expect(ready.body).toMatchObject({ status: 'ok', troubles: [] });
    expect((await figuresOf(full)).get('hearthgate_readings_total')).toBe((messages - 1) * 1_000);
  }, 60_000);
});

describe('/metrics', () => {
  test('counts what happened', async () => {
    const client = await connectTerminal(
      gateway,
      await makeTerminal(gateway.admin, { id: 'B', profile: 'gas-boiler' }),
    );
    await sendReading(client, 'B', { room_c: 20 });
    const { body: command } = await gateway.admin.command('B', { command: 'power', value: 'on' });
    expect(command.state).toBe('queued');
    const figures = await figuresOf(gateway);
    expect(figures.get('hearthgate_readings_total')).toBeGreaterThan(0);
    expect(figures.get('hearthgate_mqtt_connections')).toBe(1);
    expect(figures.get('hearthgate_mqtt_sockets_limit')).toBe(100_000);
    expect(figures.get('hearthgate_commands_queued')).toBe(1);
    expect(figures.get('hearthgate_spool_commit_seconds_count')).toBeGreaterThan(0);
    expect(figures.get('hearthgate_part_up{part="spool"}')).toBe(1);
    await client.endAsync();
    const stored = await eventually(async () => {
      const now = await figuresOf(gateway);
      return now.get('hearthgate_spool_waiting') === 0 && now;
    });
    expect(stored.get('hearthgate_store_write_seconds_count')).toBeGreaterThan(0);
  });

  test.each(['README.md', 'README.zh-CN.md'])('are those that %s lists, in the same order', async (file) => {
    const text = await (await fetch(`${gateway.origin}/metrics`)).text();
    const served = [...text.matchAll(/^# TYPE (hearthgate_\w+) /gm)].map(([, name]) => name);
    const readme = readFileSync(join(projectRoot, file), 'utf8');
    const listed = [...readme.matchAll(/^\| `(hearthgate_\w+)`/gm)].map(([, name]) => name);
    expect(listed.length).toBeGreaterThan(20);
    expect(listed).toEqual(served);
  });
});
