import { connectAsync, type IClientOptions } from 'mqtt';
import type { Quarantined } from '../../../src/http/schemas/readings.ts';
import type { Connection } from '../../../src/http/schemas/terminals.ts';
import { closed, type TestGateway } from '../../helpers/gateway.ts';
import { eventually } from '../../helpers/temp.ts';

/** Terminals of other platforms, registered and connected as their makers document it. */

export interface Registration {
  id: string;
  profile: string;
  connection?: Partial<Connection> & { via?: string; name?: string };
  secret?: string;
  householdId?: string;
}

/** Registers a terminal and gives what is to be typed into it. */
export async function register({ admin }: TestGateway, { connection, ...request }: Registration) {
  const body = { ...request, connection: { type: 'mqtt', ...connection } };
  const answer = await admin.post<{ credentials: { username: string; password: string }; detail?: string }>(
    '/terminals',
    body,
  );
  if (answer.status !== 201) throw new Error(`${answer.status} ${answer.body.detail}`);
  return answer.body.credentials;
}

/** Connects, subscribes to `filters`, and gathers what comes. */
export async function connectAs({ mqttPort }: TestGateway, login: IClientOptions, filters: string[] = []) {
  const options = { reconnectPeriod: 0, connectTimeout: 5_000, ...login };
  const client = await connectAsync(`mqtt://127.0.0.1:${mqttPort}`, options);
  const messages: { topic: string; text: string }[] = [];
  client.on('message', (topic, payload) => messages.push({ topic, text: payload.toString('utf8') }));
  client.on('error', () => undefined);
  if (filters.length > 0) await client.subscribeAsync(filters, { qos: 1 });
  const textOf = (payload: unknown) => (typeof payload === 'string' ? payload : JSON.stringify(payload));
  return {
    client,
    messages,
    /** Resolves when it is acknowledged. */
    say: (topic: string, payload: unknown) => client.publishAsync(topic, textOf(payload), { qos: 1 }),
    /** The next message under this topic, taken from the list. */
    async next(topic: string): Promise<string> {
      const found = await eventually(() => messages.find((message) => message.topic === topic));
      messages.splice(messages.indexOf(found), 1);
      return found.text;
    },
    /** Publishes and resolves when the gateway has cut the connection for it. */
    async isCutFor(topic: string, payload: unknown): Promise<void> {
      const end = closed(client);
      client.publish(topic, textOf(payload), { qos: 1 });
      await end;
      await client.endAsync(true);
    },
    [Symbol.asyncDispose]: () => client.endAsync(true),
  };
}

/** What the terminal shows now, without times. */
export async function shown({ admin }: TestGateway, id: string): Promise<Record<string, number>> {
  const { values } = await admin.latest(id);
  return Object.fromEntries(Object.entries(values).map(([metric, { value }]) => [metric, value]));
}

/** Reasons for which something of the terminal is in quarantine, with the metric where there is one. */
export async function refusals({ admin }: TestGateway, id: string): Promise<string[]> {
  const { body } = await admin.get<{ items: Quarantined[] }>(`/quarantine?terminalId=${id}`);
  return body.items.map(({ reason, metric }) => (metric ? `${reason} ${metric}` : reason)).sort();
}

/** Gives a command; the state it comes to, with `until` to wait for one. */
export async function command({ admin }: TestGateway, id: string, name: string, value: string | number) {
  const { status, body } = await admin.command(id, { command: name, value });
  if (status !== 202) throw new Error(`no command: ${JSON.stringify(body)}`);
  return {
    sequence: body.sequence,
    until: (state: string) =>
      eventually(async () => {
        const now = await admin.commandState(body.id);
        return now.state === state && now;
      }),
  };
}
