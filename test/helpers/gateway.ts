import { join } from 'node:path';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { type Config, databaseOf, loadConfig } from '../../src/config.ts';
import type { Command } from '../../src/http/schemas/commands.ts';
import type { Problem } from '../../src/http/schemas/common.ts';
import type { Company, Household, Session, User } from '../../src/http/schemas/people.ts';
import type { Connection, Latest } from '../../src/http/schemas/terminals.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { newSecret } from '../../src/lib/ids.ts';
import { createLog } from '../../src/lib/log.ts';
import { startGateway } from '../../src/main.ts';
import { testDatabase } from './database.ts';
import { layDatabase } from './sqlite.ts';
import { tempFolder } from './temp.ts';

/** A whole gateway on free ports in a folder of its own, and clients that use it from outside. */

export const ADMIN = { username: 'admin', password: 'correct-horse-9' };
export const VILLAGE = '141023105201';
export const OTHER_VILLAGE = '141023100003';

export interface Answer<T> {
  status: number;
  headers: Headers;
  body: T;
}

export function createApi(origin: string, token: string | undefined) {
  async function call<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const response = await fetch(`${origin}/api/v1${path}`, {
      method,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: (text ? JSON.parse(text) : null) as T };
  }
  return {
    token: token ?? '',
    get: <T = Problem>(path: string) => call<T>('GET', path),
    post: <T = Problem>(path: string, body?: unknown, headers?: Record<string, string>) =>
      call<T>('POST', path, body, headers),
    put: <T = Problem>(path: string, body: unknown) => call<T>('PUT', path, body),
    patch: <T = Problem>(path: string, body: unknown) => call<T>('PATCH', path, body),
    delete: <T = Problem>(path: string) => call<T>('DELETE', path),
    /** With an Idempotency-Key of its own. */
    command: (terminalId: string, body: unknown, key = newSecret()) =>
      call<Command>('POST', `/terminals/${terminalId}/commands`, body, { 'idempotency-key': key }),
    latest: async (terminalId: string) => (await call<Latest>('GET', `/terminals/${terminalId}/latest`)).body,
    commandState: async (id: string) => (await call<Command>('GET', `/commands/${id}`)).body,
  };
}
export type ApiClient = ReturnType<typeof createApi>;

export async function signIn(
  origin: string,
  { username, password }: { username: string; password: string },
): Promise<ApiClient> {
  const answer = await createApi(origin, undefined).post<Session>('/sessions', { username, password });
  if (answer.status !== 201) throw new Error(`sign-in failed: ${JSON.stringify(answer.body)}`);
  return createApi(origin, answer.body.token);
}

export type Overrides = { [K in keyof Config]?: Partial<Config[K]> } & {
  /** Laid over `mqtt.external`. */
  external?: Partial<Config['mqtt']['external']>;
};

export function testConfig(folder: string, overrides: Overrides = {}): Config {
  const config = loadConfig({ HEARTHGATE_ADMIN_PASSWORD: ADMIN.password });
  return {
    ...config,
    http: { ...config.http, port: 0, loginsPerMinute: 1000, ...overrides.http },
    provisioning: { ...config.provisioning, ...overrides.provisioning },
    batches: { ...config.batches, ...overrides.batches },
    modbus: { ...config.modbus, pollEveryS: 1, ...overrides.modbus },
    meters: { ...config.meters, ...overrides.meters },
    mqtt: { ...config.mqtt, port: 0, external: { ...config.mqtt.external, ...overrides.external }, ...overrides.mqtt },
    readings: { ...config.readings, commitWaitMs: 5, storeWaitMs: 50, ...overrides.readings },
    database: { ...config.database, ...overrides.database },
    payments: { ...config.payments, ...overrides.payments },
    timeseries: { ...config.timeseries, ...overrides.timeseries },
    files: { ...config.files, ...overrides.files },
    data: { dir: join(folder, 'data') },
    log: { level: 'silent' },
  };
}

/** `folder` keeps its data over a restart; without it the data goes when the gateway is disposed. */
export async function startTestGateway(
  options: { folder?: string; overrides?: Overrides; clock?: typeof systemClock } = {},
) {
  const temp = options.folder === undefined ? await tempFolder() : undefined;
  const folder = options.folder ?? temp?.path ?? '';
  const config = testConfig(folder, options.overrides);
  config.database.url ||= await testDatabase(folder);
  if (config.database.url === '') layDatabase(databaseOf(config));
  const gateway = await startGateway(config, { clock: options.clock ?? systemClock, log: createLog('silent') });
  const origin = `http://127.0.0.1:${gateway.httpPort}`;
  return {
    origin,
    mqttPort: gateway.mqttPorts[0] ?? 0,
    mqttPorts: gateway.mqttPorts,
    admin: await signIn(origin, ADMIN),
    async [Symbol.asyncDispose](): Promise<void> {
      await gateway[Symbol.asyncDispose]();
      await temp?.[Symbol.asyncDispose]();
    },
  };
}
export type TestGateway = Awaited<ReturnType<typeof startTestGateway>>;

let households = 0;

/** A company with one household, and a user of each role for them. */
export async function makeHousehold({ origin, admin }: Pick<TestGateway, 'origin' | 'admin'>, areaCode = VILLAGE) {
  const n = ++households;
  const password = 'a-long-password';
  const { body: company } = await admin.post<Company>('/companies', { name: `Company ${n}` });
  const { body: household } = await admin.post<Household>('/households', {
    accountNo: `T${n}`,
    name: `Household ${n}`,
    areaCode,
    companyId: company.id,
  });
  const userOf = async (role: string, scope: object) => {
    const username = `${role}-${n}`;
    const { status, body } = await admin.post<User>('/users', { username, password, role, ...scope });
    if (status !== 201) throw new Error(`no user: ${JSON.stringify(body)}`);
    return signIn(origin, { username, password });
  };
  return {
    company,
    household,
    clerk: await userOf('company', { companyId: company.id }),
    operator: await userOf('operator', { areaCode: areaCode.slice(0, 9) }),
    resident: await userOf('resident', { householdId: household.id }),
  };
}

export interface TestTerminal {
  id: string;
  secret: string;
}

export async function makeTerminal(
  api: ApiClient,
  request: { id: string; profile: string; householdId?: string; areaCode?: string; connection?: Connection },
): Promise<TestTerminal> {
  const body = { connection: { type: 'mqtt' }, ...request };
  const answer = await api.post<{ credentials: { password: string } | null }>('/terminals', body);
  if (answer.status !== 201) throw new Error(`no terminal: ${JSON.stringify(answer.body)}`);
  return { id: request.id, secret: answer.body.credentials?.password ?? '' };
}

export function connectTerminal(
  { mqttPort }: { mqttPort: number },
  { id, secret }: TestTerminal,
  options: IClientOptions = {},
): Promise<MqttClient> {
  return connectAsync(`mqtt://127.0.0.1:${mqttPort}`, {
    clientId: id,
    username: id,
    password: secret,
    reconnectPeriod: 0,
    connectTimeout: 5_000,
    ...options,
  });
}

/** Resolves when the connection has ended, by whichever side. */
export const closed = (client: MqttClient): Promise<void> =>
  new Promise((resolve) => client.once('close', () => resolve()));

/** Publishes with QoS 1 and resolves when the gateway has acknowledged. */
export const publish = (client: MqttClient, topic: string, payload: unknown) =>
  client.publishAsync(topic, typeof payload === 'string' ? payload : JSON.stringify(payload), { qos: 1 });

export const sendReading = (
  client: MqttClient,
  id: string,
  values: Record<string, unknown>,
  time: number | string = Date.now(),
) => publish(client, `terminals/${id}/readings`, { time, values });
