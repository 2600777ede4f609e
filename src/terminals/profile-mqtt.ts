import { z } from 'zod';
import type { DialectName } from './dialects.ts';
import { parsePath } from './json-path.ts';

/** The parts of a profile that tell how a device of another MQTT dialect says things, and is told them. Data, no code. */

const scalar = z.union([z.string().max(100), z.number(), z.boolean()]);

const path = z
  .string()
  .max(200)
  .transform((text, context) => {
    const parsed = parsePath(text);
    if (parsed) return parsed;
    context.addIssue({ code: 'custom', message: `${text} is no path such as a.b[0].c or ["a b"]` });
    return z.NEVER;
  });

/** `{id}` stands for the terminal's name, as a level of its own. */
const topic = z
  .string()
  .max(200)
  .regex(/^[^+#\s]+$/, 'wildcards and blanks have no place here')
  .refine((text) => text.split('/').length <= 10, 'ten levels are the most')
  .refine((text) => text.split('/').includes('{id}'), '{id} must be one of its levels')
  .refine((text) => text.split('/').every((level) => level === '{id}' || !/[{}]/.test(level)), '{id} stands alone');

/** Where a value lies in a message, and how it becomes the metric's number: words first, then scale, then offset. */
export const jsonSource = z.strictObject({
  json: path,
  /** What the device says for a number, such as `{ "ON": 1, "OFF": 0 }`. */
  words: z.record(z.string(), z.number()).optional(),
  scale: z
    .number()
    .refine((scale) => scale !== 0, 'a scale of 0 loses the value')
    .default(1),
  offset: z.number().default(0),
  /** What the device says when it has no value. */
  absent: z.array(scalar.nullable()).default([]),
});
export type JsonSource = z.infer<typeof jsonSource>;

/** How a command is put. What is not needed in a dialect is refused there. */
export const sending = z.strictObject({
  /** The method, property or command, or the topic below the device's own. */
  name: z.string().min(1).max(100).optional(),
  /** iotda: the service that has the property or command. */
  service: z.string().min(1).max(100).optional(),
  /** alink and iotda: whether a property is set, or a service or command of this name is called with the payload as its parameters. */
  as: z.enum(['property', 'call']).default('property'),
  topic: topic.optional(),
  /** What the device calls the command's values. */
  words: z.record(z.string(), scalar).optional(),
  /** `{value}` alone becomes the value itself; in a longer text `{value}`, `{id}` and `{request}` become text. */
  payload: z.json().default('{value}'),
});
export type Sending = z.infer<typeof sending>;

/** The messages of a device that follows no known dialect. */
export const envelope = z.strictObject({
  up: z.array(topic).min(1).max(8),
  /** Of each reading; without it, the moment of its arrival. */
  time: z.strictObject({ json: path, unit: z.enum(['s', 'ms', 'rfc3339']) }).optional(),
  status: z.strictObject({ topic, json: path.optional(), online: z.array(scalar).min(1) }).optional(),
  reply: z
    .strictObject({
      topic,
      /** Where `{request}` comes back; without it, an answer is that to the only command under way. */
      request: path.optional(),
      result: z.strictObject({ json: path, accepted: z.array(scalar).min(1) }),
      reason: path.optional(),
    })
    .optional(),
});
export type Envelope = z.infer<typeof envelope>;

interface Parts {
  protocol: string;
  dialect: DialectName;
  messages?: Envelope | undefined;
  events: Record<string, string>;
  metrics: Record<string, { json?: JsonSource | undefined }>;
  commands: Record<string, { values?: Record<string, number> | undefined; send?: Sending | undefined }>;
}

/** Dialects whose readings name their values, so that a metric's own name serves where it says nothing else. */
export const NAMES_VALUES: readonly DialectName[] = ['thingsboard', 'alink', 'iotda'];

function commandTrouble({ dialect }: Parts, { values, send }: Parts['commands'][string]): string | undefined {
  if ((dialect === 'hearthgate') !== (send === undefined)) return 'commands of other dialects have it, others do not';
  if (!send) return undefined;
  if ((dialect === 'json') !== (send.topic !== undefined)) return 'topic: commands of dialect json have it';
  if ((dialect === 'json') === (send.name !== undefined)) return 'name: commands of all other dialects have it';
  if (send.service !== undefined && dialect !== 'iotda') return 'service: commands of dialect iotda have it';
  if (send.as === 'call' && dialect !== 'alink' && dialect !== 'iotda') {
    return 'as: commands of dialect alink and iotda have it';
  }
  if (dialect === 'iotda' && send.service === undefined) return 'service: which service of the device?';
  for (const word of Object.keys(values ?? {})) {
    if (send.words && !Object.hasOwn(send.words, word)) return `words: what is ${word} for the device?`;
  }
  return undefined;
}

/** What in these parts of a profile does not fit together. */
export function mqttContradictions(profile: Parts): string[] {
  const { protocol, dialect, messages, metrics, commands, events } = profile;
  const found: string[] = [];
  if (protocol !== 'mqtt' && dialect !== 'hearthgate') found.push('dialect: MQTT profiles have it, others do not');
  if ((dialect === 'json') !== (messages !== undefined)) {
    found.push('messages: profiles of dialect json have it, others do not');
  }
  if (Object.keys(events).length > 0 && dialect !== 'alink' && dialect !== 'iotda') {
    found.push('events: profiles of dialect alink and iotda have it, others do not');
  }
  for (const [name, { json }] of Object.entries(metrics)) {
    const none = dialect === 'hearthgate';
    if (none && json) found.push(`metrics.${name}.from: a path needs another dialect`);
    if (!none && !json && !NAMES_VALUES.includes(dialect)) found.push(`metrics.${name}.from: where does it lie?`);
  }
  for (const [name, one] of Object.entries(commands)) {
    const trouble = commandTrouble(profile, one);
    if (trouble !== undefined) found.push(`commands.${name}.send: ${trouble}`);
  }
  return found;
}
