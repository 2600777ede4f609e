import { expect, test } from 'vitest';
import { freePort } from '../../src/demo/free-port.ts';
import { connectTerminal, makeTerminal, publish, sendReading, startTestGateway } from '../helpers/gateway.ts';
import { noInflux1, noMosquitto, startInflux1, startMosquitto } from '../helpers/servers.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';
import { send, stored } from '../http/stage.ts';

/** One gateway with a real broker, and what goes wrong around it. */

interface Ready {
  status: string;
  parts: { name: string; state: string; detail: string | null }[];
}

async function partOf({ origin }: { origin: string }, name: string) {
  const { text } = await send(origin, 'GET', '/health/ready');
  return (JSON.parse(text) as Ready).parts.find((part) => part.name === name);
}

test('a broker that is away at the start is waited for', async ({ skip }) => {
  skip(noMosquitto !== undefined, noMosquitto);
  await using folder = await tempFolder();
  const port = await freePort();
  await using gateway = await startTestGateway({ overrides: { external: { url: `mqtt://127.0.0.1:${port}` } } });
  const away = await partOf(gateway, 'mqtt');
  expect(away?.state).toBe('away');
  const terminal = await makeTerminal(gateway.admin, { id: 'A', profile: 'gas-boiler' });
  await using _broker = await startMosquitto(folder.path, port);
  await eventually(async () => (await partOf(gateway, 'mqtt'))?.state === 'ok');
  const client = await connectTerminal({ mqttPort: port }, terminal);
  await sendReading(client, 'A', { room_c: 20 });
  await eventually(async () => (await gateway.admin.latest('A')).values['room_c']?.value === 20);
  await client.endAsync();
});

test('messages of nobody, without sense, or too large stop nobody else’s', async ({ skip }) => {
  skip(noMosquitto !== undefined, noMosquitto);
  await using folder = await tempFolder();
  await using broker = await startMosquitto(folder.path, await freePort());
  await using gateway = await startTestGateway({
    overrides: { external: { url: broker.url, receiveMaximum: 2 }, mqtt: { maxPacketBytes: 2_000 } },
  });
  const terminal = await makeTerminal(gateway.admin, { id: 'A', profile: 'gas-boiler' });
  const client = await connectTerminal({ mqttPort: Number(new URL(broker.url).port) }, terminal);
  await eventually(async () => (await partOf(gateway, 'mqtt'))?.state === 'ok');
  for (let n = 0; n < 5; n += 1) await sendReading(client, `STRANGER${n}`, { room_c: 20 });
  await publish(client, 'terminals/A/readings', '{');
  await publish(client, 'terminals/A/readings', 'x'.repeat(100_000));
  await publish(client, 'terminals/A B/readings', '{}');
  await sendReading(client, 'A', { room_c: 20 });
  await eventually(async () => (await gateway.admin.latest('A')).values['room_c']?.value === 20);
  const { body } = await gateway.admin.get<{ items: { reason: string }[] }>('/quarantine');
  expect(body.items.map(({ reason }) => reason).sort()).toEqual(['bad_json', 'too_large']);
  await client.endAsync();
});

test('with a full spool nothing is acknowledged to the broker, and nothing is lost when the store is back', async ({
  skip,
}) => {
  skip(noMosquitto !== undefined || noInflux1 !== undefined, noMosquitto ?? noInflux1);
  await using folder = await tempFolder();
  await using influxFolder = await tempFolder();
  await using broker = await startMosquitto(folder.path, await freePort());
  const influxPort = await freePort();
  await using gateway = await startTestGateway({
    overrides: {
      external: { url: broker.url },
      timeseries: { kind: 'influx1', url: `http://127.0.0.1:${influxPort}` },
      readings: { spoolMaxBytes: 1_048_576 },
    },
  });
  const terminal = await makeTerminal(gateway.admin, { id: 'A', profile: 'gas-boiler' });
  const client = await connectTerminal({ mqttPort: Number(new URL(broker.url).port) }, terminal);
  await eventually(async () => (await partOf(gateway, 'mqtt'))?.state === 'ok');
  const began = Date.now() - 3_600_000;
  const [messages, each] = [60, 500];
  for (let n = 0; n < messages; n += 1) {
    const batch = Array.from({ length: each }, (_, i) => ({ time: began + n * each + i, values: { room_c: 20 } }));
    await publish(client, 'terminals/A/readings', batch);
  }
  await eventually(async () => (await partOf(gateway, 'spool'))?.state === 'degraded', 20_000);
  await using _influx = await startInflux1(influxFolder.path, influxPort);
  await eventually(async () => {
    const query = `metric=room_c&from=${began - 3_600_000}&to=${began + 7_200_000}&every=1d&aggregate=count`;
    const { body } = await gateway.admin.get<{ points: { value: number | null }[] }>(`/terminals/A/readings?${query}`);
    return body.points?.reduce((sum, { value }) => sum + (value ?? 0), 0) === messages * each;
  }, 60_000);
  await stored(gateway);
  await client.endAsync();
}, 120_000);

test('acknowledged after the store, a message waits at the broker until the store has it', async ({ skip }) => {
  skip(noMosquitto !== undefined || noInflux1 !== undefined, noMosquitto ?? noInflux1);
  await using folder = await tempFolder();
  await using influxFolder = await tempFolder();
  await using broker = await startMosquitto(folder.path, await freePort());
  const influxPort = await freePort();
  await using gateway = await startTestGateway({
    overrides: {
      external: { url: broker.url },
      mqtt: { acknowledgeAfter: 'store' },
      timeseries: { kind: 'influx1', url: `http://127.0.0.1:${influxPort}` },
    },
  });
  const terminal = await makeTerminal(gateway.admin, { id: 'A', profile: 'gas-boiler' });
  const client = await connectTerminal({ mqttPort: Number(new URL(broker.url).port) }, terminal);
  await eventually(async () => (await partOf(gateway, 'mqtt'))?.state === 'ok');
  for (let n = 0; n < 3; n += 1) await sendReading(client, 'A', { room_c: 20 + n }, Date.now() + n);
  await eventually(async () => (await partOf(gateway, 'mqtt'))?.detail?.includes('3 messages wait'));
  await eventually(async () => (await gateway.admin.latest('A')).values['room_c']?.value === 22);
  await using _influx = await startInflux1(influxFolder.path, influxPort);
  await eventually(async () => (await partOf(gateway, 'mqtt'))?.detail?.includes(' 0 messages wait'), 20_000);
  await client.endAsync();
}, 60_000);
