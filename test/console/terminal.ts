import type { MqttClient } from 'mqtt';
import { z } from 'zod';
import { connectTerminal, makeTerminal, publish, sendReading, type TestGateway } from '../helpers/gateway.ts';
import { eventually } from '../helpers/temp.ts';

const commandMessage = z.object({ id: z.string(), command: z.string(), value: z.union([z.string(), z.number()]) });
type CommandMessage = z.infer<typeof commandMessage>;

let terminals = 0;

/** A gas boiler that says what the test makes it say, over MQTT. */
export async function playBoiler(gateway: TestGateway, householdId: string, id = `boiler-${++terminals}`) {
  const terminal = await makeTerminal(gateway.admin, { id, profile: 'gas-boiler', householdId });
  const client: MqttClient = await connectTerminal(gateway, terminal);
  const received: CommandMessage[] = [];
  client.on('message', (_, payload) => received.push(commandMessage.parse(JSON.parse(payload.toString()))));
  await client.subscribeAsync(`terminals/${id}/commands`, { qos: 1 });
  return {
    id,
    received,
    read: (values: Record<string, unknown>, time?: number) => sendReading(client, id, values, time),
    say: (what: 'status' | 'events', message: object) => publish(client, `terminals/${id}/${what}`, message),
    /** The oldest command that it has not answered. */
    next: () => eventually(() => received.shift()),
    answer: (command: CommandMessage, result: 'accepted' | 'rejected', reason?: string) =>
      publish(client, `terminals/${id}/replies`, { id: command.id, result, reason, time: Date.now() }),
    [Symbol.asyncDispose]: () => client.endAsync(),
  };
}
