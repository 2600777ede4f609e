import { z } from 'zod';
import { HOST, TERMINAL_ID } from '../../terminals/identity.ts';
import { areaCode, bilingual, id, pageLimit, pageOf, time } from './common.ts';

export const terminalId = z.string().regex(TERMINAL_ID);

const host = z.string().regex(HOST);

const connection = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('mqtt'),
    via: terminalId.optional().describe('The concentrator that speaks for this terminal'),
    name: z
      .string()
      .regex(/^[^+#/\p{Cc}]{1,128}$/u)
      .optional()
      .describe('What it is called in another dialect, where that is not its id; `deviceName&productKey` for Alink'),
  }),
  z.strictObject({
    type: z.literal('modbus'),
    line: z.strictObject({ host, port: z.int().min(1).max(65535) }),
    unit: z.int().min(1).max(247),
  }),
]);
export type Connection = z.infer<typeof connection>;

/** Gives epoch milliseconds. */
export const installedAt = time.transform((text) => Date.parse(text)).describe('A reading before this is quarantined');

export const newTerminal = z.strictObject({
  id: terminalId,
  profile: z.string().max(40),
  householdId: id.optional(),
  areaCode: areaCode.optional(),
  connection,
  secret: z
    .string()
    .regex(/^[\x21-\x7e]{8,128}$/)
    .optional()
    .describe('The token or secret that a device of another dialect has already; without it one is made'),
  installedAt: installedAt.nullable().optional(),
  unclaimed: z
    .boolean()
    .optional()
    .describe('It waits to be claimed where it is installed, and nobody connects as it before'),
});
export const patchTerminal = z.strictObject({
  householdId: id.nullable().optional(),
  areaCode: areaCode.optional(),
  connection: connection.optional(),
  installedAt: installedAt.nullable().optional(),
});

export const terminalStatus = z.enum(['online', 'offline', 'unknown']);
export type TerminalStatus = z.infer<typeof terminalStatus>;

const latestValues = z.record(z.string(), z.object({ value: z.number(), time }));
export const latest = z.object({ status: terminalStatus, lastSeenAt: time.nullable(), values: latestValues });
export type Latest = z.infer<typeof latest>;

export const terminal = latest.extend({
  id: terminalId,
  profile: z.string(),
  householdId: id.nullable(),
  householdName: z.string().nullable(),
  companyId: id.nullable(),
  areaCode: areaCode.nullable(),
  connection,
  installedAt: time.nullable().describe('A reading before this is quarantined'),
  unclaimed: z.boolean().describe('Waits to be claimed; nobody can connect as it'),
  createdAt: time,
});
export type Terminal = z.infer<typeof terminal>;
export const claimCode = z.object({
  code: z.string(),
  text: z.string().describe('What its QR code says: hearthgate:claim?id=…&code=…'),
  until: time,
});
export type ClaimCode = z.infer<typeof claimCode>;
export const createdTerminal = terminal.extend({
  credentials: z
    .object({ username: z.string(), password: z.string() })
    .nullable()
    .describe(
      'MQTT user name and password, shown this once, or the secret that the device signs with; null for Modbus',
    ),
  claim: claimCode.nullable().describe('How it is claimed, shown this once; null when it need not be'),
});
export const terminalPage = pageOf(terminal);
export const terminalQuery = z.strictObject({
  limit: pageLimit,
  cursor: terminalId.optional().describe('`nextCursor` of the page before'),
  areaCode: areaCode.optional().describe('This area and all below it'),
  householdId: id.optional(),
  profile: z.string().max(40).optional(),
  status: terminalStatus.optional(),
  unclaimed: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .describe('Only those that wait to be claimed, or that do not'),
  search: z.string().max(60).optional().describe('Part of the terminal id or household name'),
});

/** A profile as the console needs it: titles, units and what can be commanded. */
const profileView = z.object({
  profile: z.string(),
  title: bilingual,
  kind: z.string(),
  protocol: z.enum(['mqtt', 'modbus']),
  metrics: z.record(
    z.string(),
    z.object({ title: bilingual, kind: z.enum(['gauge', 'counter', 'state']), unit: z.string() }),
  ),
  commands: z.record(
    z.string(),
    z.object({
      title: bilingual,
      values: z.array(z.string()).optional(),
      range: z.object({ min: z.number(), max: z.number(), step: z.number() }).optional(),
      confirm: z.string(),
    }),
  ),
});
export type ProfileView = z.infer<typeof profileView>;
export const profileList = z.object({ items: z.array(profileView) });
