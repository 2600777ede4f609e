import { expect, test } from 'vitest';
import { freePort } from '../../src/demo/free-port.ts';
import { type ApiClient, connectTerminal, makeTerminal, sendReading, startTestGateway } from '../helpers/gateway.ts';
import { noInflux1, startInflux1 } from '../helpers/servers.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';

const valuesOf = async (api: ApiClient): Promise<number[]> => {
  const range = `from=${Date.now() - 3_600_000}&to=${Date.now() + 60_000}`;
  const { body } = await api.get<{ points: { value: number }[] }>(`/terminals/A/readings?metric=room_c&${range}`);
  return body.points.map(({ value }) => value);
};

test('while InfluxDB is away readings are acknowledged, visible as latest, and stored once when it is back', async ({
  skip,
}) => {
  skip(noInflux1 !== undefined, noInflux1);
  await using folder = await tempFolder();
  await using influxFolder = await tempFolder();
  const port = await freePort();
  const overrides = { timeseries: { kind: 'influx1' as const, url: `http://127.0.0.1:${port}` } };
  let time = Date.now() - 600_000;
  let terminal: Awaited<ReturnType<typeof makeTerminal>>;
  {
    // It was never there yet: the gateway starts all the same.
    await using gateway = await startTestGateway({ folder: folder.path, overrides });
    terminal = await makeTerminal(gateway.admin, { id: 'A', profile: 'gas-boiler' });
    const client = await connectTerminal(gateway, terminal);
    for (const room of [1, 2, 3]) await sendReading(client, 'A', { room_c: room }, ++time);
    expect((await gateway.admin.latest('A')).values['room_c']?.value).toBe(3);
    const range = `from=${Date.now() - 1000}&to=${Date.now()}`;
    const asked = () => gateway.admin.get(`/terminals/A/readings?metric=room_c&${range}`);
    expect(await asked()).toMatchObject({ status: 503, body: { code: 'degraded' } });
    const exported = await gateway.admin.get(`/readings/export?terminalIds=A&${range}`);
    expect(exported).toMatchObject({ status: 503, body: { code: 'degraded' } });
    {
      await using _influx = await startInflux1(influxFolder.path, port);
      await eventually(async () => (await valuesOf(gateway.admin)).length === 3, 20_000);
      await sendReading(client, 'A', { room_c: 4 }, ++time);
      await eventually(async () => (await valuesOf(gateway.admin)).length === 4);
    }
    // It goes in the middle, and the gateway with it.
    expect(await asked()).toMatchObject({ status: 503, body: { code: 'degraded' } });
    for (const room of [5, 6]) await sendReading(client, 'A', { room_c: room }, ++time);
    await client.endAsync();
  }
  await using gateway = await startTestGateway({ folder: folder.path, overrides });
  const client = await connectTerminal(gateway, terminal);
  await sendReading(client, 'A', { room_c: 7 }, ++time);
  await sendReading(client, 'A', { room_c: 99 }, time);
  await client.endAsync();
  await using _influx = await startInflux1(influxFolder.path, port);
  await eventually(async () => (await valuesOf(gateway.admin)).length >= 7, 20_000);
  expect(await valuesOf(gateway.admin)).toEqual([1, 2, 3, 4, 5, 6, 7]);
}, 90_000);
