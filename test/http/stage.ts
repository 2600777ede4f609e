import { afterAll } from 'vitest';
import type { Payment } from '../../src/http/schemas/billing.ts';
import type { Bill, BillingRun, Notice } from '../../src/http/schemas/bills.ts';
import type { Alarm } from '../../src/http/schemas/live.ts';
import type { PaymentNotification, PaymentOrder } from '../../src/http/schemas/payment-orders.ts';
import type { Schedule } from '../../src/http/schemas/schedules.ts';
import { chunksOf } from '../../src/lib/chunks.ts';
import { newSecret } from '../../src/lib/ids.ts';
import { postBatch } from '../helpers/batches.ts';
import {
  type Answer,
  type ApiClient,
  connectTerminal,
  makeHousehold,
  makeTerminal,
  OTHER_VILLAGE,
  publish,
  sendReading,
  startTestGateway,
  type TestGateway,
  type TestTerminal,
  VILLAGE,
} from '../helpers/gateway.ts';
import { finished, upload } from '../helpers/imports.ts';
import { eventually } from '../helpers/temp.ts';

/** What tests of the HTTP API share: lists, bare requests, a household with everything in it, and a live stream. */

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

/** Everything of a list, page by page. */
export async function allPages<T>(
  api: ApiClient,
  path: string,
  limit: number,
): Promise<{ items: T[]; sizes: number[] }> {
  const items: T[] = [];
  const sizes: number[] = [];
  let cursor: string | null = null;
  do {
    const next: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const answer: Answer<Page<T>> = await api.get<Page<T>>(
      `${path}${path.includes('?') ? '&' : '?'}limit=${limit}${next}`,
    );
    items.push(...answer.body.items);
    sizes.push(answer.body.items.length);
    cursor = answer.body.nextCursor;
  } while (cursor !== null);
  return { items, sizes };
}

export const SHANGHAI_DAY = 86_400_000;
/** A midnight in Shanghai, long enough ago that every reading after it is in the past. */
export const MIDNIGHT = Date.parse('2026-01-10T00:00:00+08:00');

export interface Bare {
  status: number;
  type: string;
  headers: Headers;
  text: string;
}

/** A request just as it is given, body and headers included. `path` is below the origin. */
export async function send(origin: string, method: string, path: string, init: RequestInit = {}): Promise<Bare> {
  const response = await fetch(`${origin}${path}`, { method, redirect: 'manual', ...init });
  const type = response.headers.get('content-type') ?? '';
  return { status: response.status, type, headers: response.headers, text: await response.text() };
}

/** `header` for one POST that moves a valve or money. */
export const withKey = (key = newSecret()) => ({ 'idempotency-key': key });

/** A gateway for the tests of a file, and two households with their people, of two companies and in two villages. */
export async function startVillages(options: Parameters<typeof startTestGateway>[0] = {}) {
  const gateway = await startTestGateway(options);
  afterAll(() => gateway[Symbol.asyncDispose]());
  return { gateway, mine: await makeHousehold(gateway, VILLAGE), theirs: await makeHousehold(gateway, OTHER_VILLAGE) };
}

/** A billed month in which the household's boiler used more than was paid, with everything that follows from it. */
async function makeBills(
  gateway: TestGateway,
  { clerk, household }: Awaited<ReturnType<typeof makeHousehold>>,
  terminal: TestTerminal,
  name: string,
) {
  const start = Date.parse('2025-11-01T00:00:00+08:00');
  const days = Array.from({ length: 31 }, (_, day): Sent[number] => [start + day * SHANGHAI_DAY, day * 20]);
  await backfill(gateway, terminal, 'gas_m3', days);
  await clerk.put(`/households/${household.id}/tariff`, { tariff: 'gas-three-tiers', since: '2025-01-01' });
  const { body: run } = await clerk.post<BillingRun>(
    '/billing-runs',
    { period: '2025-11', reason: `run-${name}` },
    withKey(),
  );
  const bill = await eventually(
    async () => (await clerk.get<Page<Bill>>(`/households/${household.id}/bills`)).body.items[0],
  );
  const { body: notice } = await clerk.post<Notice>(`/households/${household.id}/notices`, { step: 'final_notice' });
  const { body: proposals } = await clerk.get<Page<{ id: string }>>('/proposals');
  const proposalId = proposals.items[0]?.id ?? 'none';
  return { bill, billingRunId: run.id, noticeId: notice.id, proposalId };
}

/** A household with its people, a terminal, and one of everything that can be known about them. */
export async function makeWorld(gateway: TestGateway, name: string, areaCode: string) {
  const people = await makeHousehold(gateway, areaCode);
  const householdId = people.household.id;
  const terminal = await makeTerminal(gateway.admin, { id: `boiler-${name}`, profile: 'gas-boiler', householdId });
  const client = await connectTerminal(gateway, terminal);
  await sendReading(client, terminal.id, { room_c: 20.5, gas_m3: 100 });
  await sendReading(client, terminal.id, { room_c: `quarantined-${name}` });
  await publish(client, `terminals/${terminal.id}/events`, { time: Date.now(), event: 'tamper', data: {} });
  await client.endAsync();
  await connectTerminal(gateway, { ...terminal, secret: 'guess' }).catch(() => undefined);
  const { body: command } = await people.clerk.command(terminal.id, {
    command: 'setpoint',
    value: 21,
    reason: `reason-${name}`,
    expiresInS: 900,
  });
  const at = new Date(Date.now() + SHANGHAI_DAY).toISOString();
  const { body: schedule } = await people.clerk.post<Schedule>(
    '/schedules',
    { areaCode, command: 'setpoint', value: 21, reason: `reason-${name}`, at },
    withKey(),
  );
  // No boiler has a valve, so nothing comes of it.
  const { body: batch } = await postBatch(people.clerk, {
    areaCode,
    command: 'valve',
    value: 'close',
    reason: `reason-${name}`,
  });
  const { body: payment } = await people.clerk.post<Payment>(
    `/households/${householdId}/payments`,
    { amountFen: 12_300, method: 'cash', reference: `receipt-${name}` },
    withKey(),
  );
  const { body: order } = await people.resident.post<PaymentOrder>(
    `/households/${householdId}/payment-orders`,
    { amountFen: 100, provider: 'sandbox' },
    withKey(),
  );
  await people.resident.post(`/payment-orders/${order.id}/sandbox-pay`);
  const { body: told } = await people.clerk.get<Page<PaymentNotification>>('/payment-notifications');
  const { body: deposit } = await people.clerk.post<Payment>(
    `/households/${householdId}/deposit/receive`,
    { amountFen: 45_600, method: 'cash', reference: `deposit-${name}` },
    withKey(),
  );
  const alarm = await eventually(
    async () => (await gateway.admin.get<Page<Alarm>>(`/alarms?terminalId=${terminal.id}`)).body.items[0],
  );
  await eventually(
    async () =>
      (await gateway.admin.get<Page<object>>(`/security-events?terminalId=${terminal.id}`)).body.items.length > 0,
  );
  const bills = await makeBills(gateway, people, terminal, name);
  const brought = await upload({ ...gateway, token: people.clerk.token }, 'id,profile\n', '?dryRun=true');
  await finished({ ...gateway, token: people.clerk.token }, brought.body);
  return {
    ...people,
    ...bills,
    areaCode,
    terminal,
    command,
    payment,
    order,
    notificationId: told.items[0]?.id ?? 'none',
    batch,
    schedule,
    deposit,
    alarm,
    importId: brought.body.id,
  };
}
export type World = Awaited<ReturnType<typeof makeWorld>>;

/** Waits until no reading is on its way from the spool to the store. */
export async function stored({ origin }: { origin: string }): Promise<void> {
  await eventually(async () => /^hearthgate_spool_waiting 0$/m.test((await send(origin, 'GET', '/metrics')).text));
}

export type Sent = [time: number, value: unknown][];

/** Sends values of one metric, in this order, a message each, and waits until they are stored. */
export async function fill(gateway: TestGateway, terminal: TestTerminal, metric: string, sent: Sent): Promise<void> {
  const client = await connectTerminal(gateway, terminal);
  for (const [time, value] of sent) await sendReading(client, terminal.id, { [metric]: value }, time);
  await client.endAsync();
  await stored(gateway);
}

/** The same in messages of a thousand readings, as a terminal sends what it kept. */
export async function backfill(gateway: TestGateway, { id, secret }: TestTerminal, metric: string, sent: Sent) {
  const client = await connectTerminal(gateway, { id, secret });
  const readings = sent.map(([time, value]) => ({ time, values: { [metric]: value } }));
  for (const some of chunksOf(readings, 1_000)) await publish(client, `terminals/${id}/readings`, some);
  await client.endAsync();
  await stored(gateway);
}

export interface LiveMessage {
  event: string;
  data: Record<string, unknown>;
}

function messageOf(block: string): LiveMessage | undefined {
  const event = /^event: (.+)$/m.exec(block)?.[1];
  const data = /^data: (.+)$/m.exec(block)?.[1];
  return event && data ? { event, data: JSON.parse(data) } : undefined;
}

/** Watches `/live`. Resolves when the gateway has said that it is watching. */
export async function openLive({ origin }: { origin: string }, token: string, query = '') {
  const abort = new AbortController();
  const response = await fetch(`${origin}/api/v1/live${query}`, {
    headers: { authorization: `Bearer ${token}` },
    signal: abort.signal,
  });
  const messages: LiveMessage[] = [];
  let text = '';
  let ended = false;
  async function read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const message = messageOf(block);
        if (message) messages.push(message);
      }
    }
  }
  const reading = read()
    .catch(() => undefined)
    .finally(() => {
      ended = true;
    });
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    messages,
    ended: () => ended,
    /** The first message that is like this, once it has come. */
    next: (event: string, like: (data: Record<string, unknown>) => boolean = () => true) =>
      eventually(() => messages.find((message) => message.event === event && like(message.data))),
    async [Symbol.asyncDispose](): Promise<void> {
      abort.abort();
      await reading;
    },
  };
}
