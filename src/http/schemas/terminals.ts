import { z } from 'zod';
import { HOST, TERMINAL_ID } from '../../terminals/identity.ts';
import { areaCode, bilingual, id, pageLimit, pageOf, time } from './common.ts';

export const terminalId = z.string().regex(TERMINAL_ID);

const host = z.string().regex(HOST);

const anyLine = {
  timeoutMs: z
    .int()
    .min(50)
    .max(30_000)
    .optional()
    .describe('How long it waits for an answer, instead of what the profile says'),
  pauseMs: z.int().min(0).max(5_000).optional().describe('Rest between an answer and the next request'),
};
const framing = z.enum(['tcp', 'rtu']).optional();
const rawFraming = z.literal('rtu').optional().describe('Meters speak on the line as it is, never Modbus TCP');
const packet = z
  .string()
  .min(1)
  .max(128)
  .regex(/^(hex:( ?[0-9A-Fa-f]{2}){1,64}|(?!hex:)[^\p{Cc}]+)$/u, 'text, or hex: and pairs of digits')
  .refine((text) => text.trim() !== '', 'not only blanks');
const path = z
  .string()
  .regex(/^(\/dev\/(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._:+/-]{0,120}|COM\d{1,3})$/, 'a path in /dev, or COM and a number');

const dialled = { host, port: z.int().min(1).max(65535) };
const serial = {
  serial: path,
  dataBits: z.union([z.literal(7), z.literal(8)]).optional(),
  stopBits: z.union([z.literal(1), z.literal(2)]).optional(),
};
const baudRate = z.int().min(300).max(921_600);
const parity = z.enum(['none', 'even', 'odd']);
const dialsIn = {
  listen: z.int().min(1024).max(65535).describe('The port on which the DTU dials in; no system port, so never 502'),
  registration: packet.describe('The packet by which it says who it is: text, or `hex:` and digits'),
  heartbeat: packet.optional().describe('What it sends to show that it lives'),
};

export const line = z.union([
  z
    .strictObject({
      ...dialled,
      framing: framing.describe('`rtu` for a gateway that passes RTU frames through; Modbus TCP otherwise'),
      ...anyLine,
    })
    .describe('A Modbus TCP device or gateway that is dialled'),
  z
    .strictObject({ ...serial, baudRate, parity: parity.optional(), ...anyLine })
    .describe('A serial port of this computer, 8N1 unless it says otherwise'),
  z
    .strictObject({
      ...dialsIn,
      framing: framing.describe('`tcp` for a DTU that speaks Modbus TCP; RTU otherwise'),
      ...anyLine,
    })
    .describe('A DTU that dials in'),
]);

const meterLine = z.union([
  z
    .strictObject({ ...dialled, framing: rawFraming, ...anyLine })
    .describe('A converter that is dialled and passes bytes through'),
  z
    .strictObject({ ...serial, baudRate: baudRate.default(2_400), parity: parity.default('even'), ...anyLine })
    .describe('A serial port of this computer, 2400 8E1 unless it says otherwise'),
  z.strictObject({ ...dialsIn, framing: rawFraming, ...anyLine }).describe('A DTU that dials in'),
]);

const meterNumber = z
  .string()
  .regex(/^(\d{12}|\d{14})$/)
  .describe('The number printed on the meter: 12 digits for DL/T 645, 14 for CJ/T 188');

const connection = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('mqtt'),
    via: terminalId.optional().describe('The concentrator that speaks for this terminal'),
    name: z
      .string()
      .regex(/^[^+#/\p{Cc}]{1,128}$/u)
      .optional()
      .describe('What it is called in another dialect, where that is not its id; `deviceName&productKey` for Alink'),
    address: meterNumber.optional(),
  }),
  z.strictObject({
    type: z.literal('modbus'),
    line,
    unit: z.int().min(1).max(247),
  }),
  z.strictObject({ type: z.literal('meter'), line: meterLine, address: meterNumber }),
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
      'MQTT user name and password, shown this once, or the secret that the device signs with; null for a device on a line',
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
  protocol: z.enum(['mqtt', 'modbus', 'dlt645', 'cjt188']),
  sleepsS: z.int().nullable().describe('It listens once in so many seconds; null for one that always does'),
  metrics: z.record(
    z.string(),
    z.object({
      title: bilingual,
      kind: z.enum(['gauge', 'counter', 'state']),
      unit: z.string(),
      names: z.record(z.string(), bilingual).optional().describe('What its numbers mean, where they are codes'),
    }),
  ),
  commands: z.record(
    z.string(),
    z.object({
      title: bilingual,
      values: z.array(z.string()).optional(),
      range: z.object({ min: z.number(), max: z.number(), step: z.number() }).optional(),
      confirm: z.string(),
      maxExpiryS: z
        .union([z.int(), z.record(z.string(), z.int())])
        .optional()
        .describe('Where a command, or one of its values, may wait longer than 900 s'),
    }),
  ),
});
export type ProfileView = z.infer<typeof profileView>;
export const profileList = z.object({ items: z.array(profileView) });
