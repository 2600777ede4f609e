import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { freePort } from '../../src/demo/free-port.ts';
import {
  connectTerminal,
  makeTerminal,
  type Overrides,
  publish,
  sendReading,
  startTestGateway,
  type TestGateway,
} from '../helpers/gateway.ts';
import { noInflux1, noMosquitto, noPostgres, startInflux1, startMosquitto, startPostgres } from '../helpers/servers.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';
import { openLive, send, stored } from '../http/stage.ts';

/** A real broker in place of the embedded one, and two gateways that share it, PostgreSQL and InfluxDB. */

const needed = noMosquitto ?? noPostgres ?? noInflux1;

describe('two gateways on one broker', () => {
  const stack = new AsyncDisposableStack();
  let [a, b]: TestGateway[] = [];
  let broker: { mqttPort: number };
  let overrides: Overrides = {};
  let n = 0;

  beforeAll(async () => {
    if (needed) return;
    const folder = stack.use(await tempFolder());
    const influxFolder = stack.use(await tempFolder());
    const [postgres, influx, mosquitto] = await Promise.all([
      startPostgres(),
      startInflux1(influxFolder.path, await freePort()),
      startMosquitto(folder.path, await freePort()),
    ]);
    for (const server of [postgres, influx, mosquitto]) stack.use(server);
    broker = { mqttPort: Number(new URL(mosquitto.url).port) };
    overrides = {
      database: { url: postgres.url },
      timeseries: { kind: 'influx1', url: influx.url },
      external: { url: mosquitto.url },
    };
    a = stack.use(await startTestGateway({ overrides }));
    b = stack.use(await startTestGateway({ overrides }));
  }, 90_000);
  afterAll(() => stack.disposeAsync(), 60_000);
  beforeEach(({ skip }) => skip(needed !== undefined, needed));

  const both = () => {
    if (!a || !b) throw new Error('not started');
    return [a, b] as const;
  };
  const readingsOf = async ({ origin }: TestGateway) =>
    Number(/^hearthgate_readings_total (\d+)$/m.exec((await send(origin, 'GET', '/metrics')).text)?.[1]);

  async function boiler() {
    const terminal = await makeTerminal(both()[0].admin, { id: `X${++n}`, profile: 'gas-boiler' });
    const client = await connectTerminal(broker, terminal);
    return { id: terminal.id, client };
  }

  test('a gateway with an external broker listens on no MQTT port itself', () => {
    expect(both().map(({ mqttPorts }) => mqttPorts)).toEqual([[], []]);
  });

  test('what is imported at one gateway counts at both, all at once and when it is done', async () => {
    const [one, other] = both();
    const ids = Array.from({ length: 250 }, (_, i) => `IMP-${i}`);
    const file = `id,profile\n${ids.map((id) => `${id},gas-boiler`).join('\n')}\n`;
    const authorization = `Bearer ${one.admin.token}`;
    const headers = { authorization, 'content-type': 'text/csv' };
    const url = `${one.origin}/api/v1/terminals/import`;
    expect((await fetch(url, { method: 'POST', headers, body: file })).status).toBe(202);
    const listed = async () =>
      (await other.admin.get<{ items: unknown[] }>('/terminals?limit=500&search=IMP-')).body.items.length;
    const seen = await eventually(async () => {
      const count = await listed();
      return count > 0 && count;
    });
    // One look may fall between two parts of what the other gateway reads, but none before the import is done.
    const { body } = await other.admin.get<{ items: { state: string }[] }>('/imports');
    expect([seen > 0, body.items[0]?.state]).toEqual([true, 'done']);
    expect(await eventually(async () => (await listed()) === ids.length)).toBe(true);
  });

  test('each takes a part of the readings, together they have all, and either shows each of them', async () => {
    const { id, client } = await boiler();
    const before = await Promise.all(both().map(readingsOf));
    const began = Date.now() - 60_000;
    await Promise.all(
      Array.from({ length: 200 }, (_, i) => sendReading(client, id, { room_c: 10 + i / 20 }, began + i)),
    );
    const taken = await eventually(async () => {
      const now = await Promise.all(both().map(readingsOf));
      const parts = now.map((count, i) => count - (before[i] ?? 0));
      return (parts[0] ?? 0) + (parts[1] ?? 0) >= 200 && parts;
    });
    expect(taken[0]).toBeGreaterThan(0);
    expect(taken[1]).toBeGreaterThan(0);
    expect((taken[0] ?? 0) + (taken[1] ?? 0)).toBe(200);
    for (const gateway of both()) await stored(gateway);
    for (const { admin } of both()) {
      const { body } = await admin.get<{ points: object[] }>(
        `/terminals/${id}/readings?metric=room_c&from=${began}&to=${began + 1_000}`,
      );
      expect(body.points).toHaveLength(200);
    }
    // Within two seconds of its start a gateway knows that there is another, and tells it.
    let time = began + 1_000;
    for (const { admin } of both()) {
      const latest = await eventually(async () => {
        await sendReading(client, id, { room_c: 21.5 }, ++time);
        const shown = await admin.latest(id);
        return shown.values['room_c']?.value === 21.5 && shown;
      });
      expect(latest.status).toBe('online');
    }
    await client.endAsync();
  });

  test('a command through one is confirmed by a reading that the other got, and both tell of it', async () => {
    const { id, client } = await boiler();
    const received: Record<string, unknown>[] = [];
    client.on('message', (_topic, payload) => received.push(JSON.parse(payload.toString())));
    await client.subscribeAsync(`terminals/${id}/commands`, { qos: 1 });
    for (let round = 0; round < 6; round += 1) {
      const [from, other] = round % 2 ? both() : [...both()].reverse();
      if (!from || !other) throw new Error('not started');
      await using live = await openLive(other, other.admin.token, `?terminalId=${id}`);
      const value = 15 + round;
      const { body: command } = await from.admin.command(id, { command: 'setpoint', value });
      const message = await eventually(() => received.find((one) => one['id'] === command.id));
      expect(message).toMatchObject({ command: 'setpoint', value, sequence: round + 1 });
      await publish(client, `terminals/${id}/replies`, { id: command.id, result: 'accepted', time: Date.now() });
      await eventually(async () => (await from.admin.commandState(command.id)).state === 'acknowledged');
      await sendReading(client, id, { setpoint_c: value }, Date.now() + 5);
      const done = await eventually(async () => {
        const now = await other.admin.commandState(command.id);
        return now.state === 'confirmed' && now;
      });
      expect(done.history.map(({ state }) => state)).toEqual(['queued', 'sent', 'acknowledged', 'confirmed']);
      await live.next('command', ({ command: shown }) => JSON.stringify(shown).includes('"confirmed"'));
    }
    // Whoever subscribes is given what was retained, and before the acknowledgement that follows.
    await client.subscribeAsync(`terminals/${id}/commands`, { qos: 1 });
    await sendReading(client, id, { room_c: 20 });
    expect(received).toHaveLength(6);
    await client.endAsync();
  });

  test('many commands through both at once go out one at a time, in order, each once, or give way to a newer one', async () => {
    const { id, client } = await boiler();
    const received: { id: string; sequence: number }[] = [];
    let open = 0;
    let mostOpen = 0;
    client.on('message', async (_topic, payload) => {
      const command = JSON.parse(payload.toString());
      received.push(command);
      open += 1;
      mostOpen = Math.max(mostOpen, open);
      await publish(client, `terminals/${id}/replies`, { id: command.id, result: 'rejected', time: Date.now() });
      open -= 1;
    });
    await client.subscribeAsync(`terminals/${id}/commands`, { qos: 1 });
    const asked = await Promise.all(
      Array.from({ length: 12 }, (_, i) => both()[i % 2]?.admin.command(id, { command: 'setpoint', value: 10 + i })),
    );
    expect(asked.map((answer) => answer?.status)).toEqual(asked.map(() => 202));
    const ends = async () => {
      const states = asked.map(async (answer) => both()[0].admin.commandState(answer?.body.id ?? ''));
      return (await Promise.all(states)).map(({ id: command, state }) => `${command} ${state}`);
    };
    await eventually(async () => (await ends()).every((end) => /rejected|cancelled/.test(end)), 30_000);
    const rejected = (await ends()).filter((end) => end.endsWith('rejected')).map((end) => end.split(' ')[0]);
    expect(received.map((command) => command.id).toSorted()).toEqual(rejected.toSorted());
    const order = received.map(({ sequence }) => sequence);
    expect(order).toEqual(order.toSorted((x, y) => x - y));
    expect(order.at(-1)).toBe(12);
    expect(mostOpen).toBe(1);
    await client.endAsync();
  });

  test('a command for a terminal that is not connected waits until it is', async () => {
    const terminal = await makeTerminal(both()[0].admin, { id: `X${++n}`, profile: 'gas-boiler' });
    const { body: command } = await both()[1].admin.command(terminal.id, { command: 'setpoint', value: 17 });
    await eventually(async () => {
      const { history, state } = await both()[0].admin.commandState(command.id);
      return state === 'queued' && history.some(({ cause }) => cause === 'not_listening');
    });
    const client = await connectTerminal(broker, terminal);
    const received = new Promise<string>((resolve) => {
      client.on('message', (_topic, payload) => resolve(JSON.parse(payload.toString()).id));
    });
    await client.subscribeAsync(`terminals/${terminal.id}/commands`, { qos: 1 });
    await sendReading(client, terminal.id, { room_c: 20 });
    expect(await received).toBe(command.id);
    await client.endAsync();
  });

  test('an alarm is opened once, whichever gateway sees it, and one acknowledges what the other opened', async () => {
    const { id, client } = await boiler();
    await Promise.all(
      Array.from({ length: 10 }, () =>
        publish(client, `terminals/${id}/events`, { time: Date.now(), event: 'tamper', data: {} }),
      ),
    );
    const listed = async ({ admin }: TestGateway) =>
      (await admin.get<{ items: { id: string; state: string }[] }>(`/alarms?terminalId=${id}`)).body.items;
    const [alarm] = await eventually(async () => {
      const items = await listed(both()[0]);
      return items.length > 0 && items;
    });
    expect(await listed(both()[1])).toHaveLength(1);
    expect((await both()[1].admin.post(`/alarms/${alarm?.id}/acknowledge`)).status).toBe(200);
    expect((await both()[0].admin.post(`/alarms/${alarm?.id}/acknowledge`)).status).toBe(409);
    // It may be raised again, by either.
    await publish(client, `terminals/${id}/events`, { time: Date.now(), event: 'tamper', data: {} });
    await publish(client, `terminals/${id}/events`, { time: Date.now(), event: 'tamper', data: {} });
    await eventually(async () => (await listed(both()[0])).length === 2);
    await client.endAsync();
  });

  test('a terminal that one registers or removes, the other knows', async () => {
    const [one, other] = both();
    const terminal = await makeTerminal(one.admin, { id: `X${++n}`, profile: 'gas-meter' });
    await eventually(async () => (await other.admin.get(`/terminals/${terminal.id}`)).status === 200);
    expect((await other.admin.delete(`/terminals/${terminal.id}`)).status).toBe(204);
    await eventually(async () => (await one.admin.get(`/terminals/${terminal.id}`)).status === 404);
  });

  test('a gateway that would keep its readings for itself is refused, and says what it needs', async () => {
    for (const change of [
      { timeseries: { kind: 'embedded' } },
      { external: { url: '' } },
      { external: { ...overrides.external, share: false } },
    ] as const) {
      await expect(startTestGateway({ overrides: { ...overrides, ...change } })).rejects.toThrow(
        /runs on this database already.*mqtt\.external\.url with share, and timeseries\.kind influx1 or influx2/,
      );
    }
  });

  test('what waits for a gateway that is gone, another takes', async () => {
    const { id, client } = await boiler();
    const began = Date.now() - 60_000;
    {
      await using third = await startTestGateway({ overrides });
      await eventually(async () => (await third.admin.get(`/terminals/${id}`)).status === 200);
    }
    // Mosquitto goes on giving it a third.
    await Promise.all(
      Array.from({ length: 90 }, (_, i) => sendReading(client, id, { room_c: 10 + i / 20 }, began + i)),
    );
    await eventually(async () => {
      const path = `/terminals/${id}/readings?metric=room_c&from=${began}&to=${began + 1_000}`;
      return (await both()[0].admin.get<{ points: object[] }>(path)).body.points.length === 90;
    }, 25_000);
    await client.endAsync();
  });

  test('whoever signed in at one is signed in at the other, and out at both', async () => {
    const [one, other] = both();
    const auth = { headers: { authorization: `Bearer ${one.admin.token}` } };
    expect((await send(other.origin, 'GET', '/api/v1/me', auth)).status).toBe(200);
    expect((await send(other.origin, 'DELETE', '/api/v1/sessions/current', auth)).status).toBe(204);
    expect((await send(one.origin, 'GET', '/api/v1/me', auth)).status).toBe(401);
  });
});
