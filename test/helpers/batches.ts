import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Batch, BatchItem, BatchState, NewBatch } from '../../src/http/schemas/batches.ts';
import { newSecret } from '../../src/lib/ids.ts';
import { type ApiClient, connectTerminal, sendReading, type TestTerminal } from './gateway.ts';
import { eventually } from './temp.ts';

/** What tests of batches share. */

/** The policies as they come, but for the hours and days on which a second person is asked: a test may run at any of them. */
export async function policiesAtAnyTime(folder: string): Promise<string> {
  const text = await readFile('config/policies/default.yaml', 'utf8');
  const anyTime = text.replace(/^quietHours:.*\n/m, '').replace(/^holidays:\n(?: .*\n)+/m, '');
  await writeFile(join(folder, 'policy.yaml'), anyTime);
  return folder;
}

export const postBatch = <T = Batch>(api: ApiClient, body: NewBatch, key = newSecret()) =>
  api.post<T>('/command-batches', body, { 'idempotency-key': key });

export const reaches = (api: ApiClient, id: string, state: BatchState, withinMs = 20_000): Promise<Batch> =>
  eventually(async () => {
    const { body } = await api.get<Batch>(`/command-batches/${id}`);
    if (body.state !== state) throw new Error(`it is ${body.state}: ${JSON.stringify(body.counts)}`);
    return body;
  }, withinMs);

export async function itemsOf(api: ApiClient, id: string): Promise<BatchItem[]> {
  return (await api.get<{ items: BatchItem[] }>(`/command-batches/${id}/items?limit=500`)).body.items;
}

/** Connects as the terminal, and does what it is told, or says no. Gives what it was told. */
export async function obey(
  gateway: { mqttPort: number },
  terminal: TestTerminal,
  result: 'accepted' | 'rejected' = 'accepted',
) {
  const client = await connectTerminal(gateway, terminal);
  const told: { command: string; value: string | number }[] = [];
  client.on('message', (_topic, payload) => {
    const { id, command, value } = JSON.parse(payload.toString());
    told.push({ command, value });
    const reply = { id, result, time: Date.now() };
    client.publish(`terminals/${terminal.id}/replies`, JSON.stringify(reply), { qos: 1 });
    if (result === 'rejected') return;
    const values = command === 'power' ? { power_on: value === 'on' } : { setpoint_c: value };
    // Later than the second of the sending, as the reading that follows is.
    void sendReading(client, terminal.id, values, Date.now() + 1);
  });
  await client.subscribeAsync(`terminals/${terminal.id}/commands`, { qos: 1 });
  return { told, [Symbol.asyncDispose]: () => client.endAsync(true) };
}
