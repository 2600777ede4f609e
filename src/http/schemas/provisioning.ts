import { z } from 'zod';
import { IMPORT_KINDS, IMPORT_STATES } from '../../db/schema-imports.ts';
import { bilingual, id, pageLimit, pageOf, pageQuery, time } from './common.ts';
import { installedAt, terminal, terminalId } from './terminals.ts';

/** How terminals and households come into the gateway, and terminals get their secrets: imports, credentials, claims. */

const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true');

export const importQuery = z.strictObject({
  dryRun: flag.describe('Only checks'),
  fileName: z.string().max(200).default('').describe('For the list of imports'),
});
export const terminalImportQuery = importQuery.extend({
  unclaimed: flag.describe('The terminals wait to be claimed where they are installed'),
});
export const fileImport = z.object({
  id,
  kind: z.enum(IMPORT_KINDS),
  state: z
    .enum(IMPORT_STATES)
    .describe(
      'waiting, checking, writing, booking: certain, cannot be cancelled any more; done; refused: the file has errors and nothing was imported; failed; cancelled',
    ),
  progress: z.number().describe('0 to 1'),
  fileName: z.string(),
  dryRun: z.boolean(),
  unclaimed: z.boolean(),
  requestedBy: z.string(),
  rows: z.int().describe('Rows that this pass has seen'),
  created: z.int().describe('Terminals or households that it made, or would make in a dry run'),
  unchanged: z.int().describe('Rows whose terminal or household is there already, as the file says'),
  booked: z.int().describe('Households whose opening balances it booked, or would book in a dry run'),
  errors: z.int(),
  detail: z.string().nullable(),
  createdAt: time,
  finishedAt: time.nullable(),
  credentialsUntil: time.nullable().describe('Until when its credentials can be fetched, once'),
  credentialsTakenAt: time.nullable(),
});
export type FileImport = z.infer<typeof fileImport>;
export const importPage = pageOf(fileImport);
export const importListQuery = z.strictObject(pageQuery('imp'));

const importError = z.object({
  row: z.int().describe('As a spreadsheet counts: the header is row 1'),
  column: z.string().nullable(),
  title: bilingual.nullable().describe('What the column is called'),
  code: z.string(),
  value: z.string(),
  message: bilingual,
});
export type ImportError = z.infer<typeof importError>;
export const importErrorPage = pageOf(importError);
export const importErrorQuery = z.strictObject({
  limit: pageLimit,
  cursor: z
    .string()
    .regex(/^\d{1,9}$/)
    .optional()
    .describe('`nextCursor` of the page before'),
});
export const templateQuery = z.strictObject({
  kind: z.enum(IMPORT_KINDS).default('terminals'),
  lang: z.enum(['zh', 'en']).default('zh'),
});

export const credentialState = z.object({
  state: z.enum(['none', 'set', 'rotating']).describe('rotating: the secret before the newest still works'),
  previousUntil: time.nullable().describe('Until when it does, unless the newest is used before'),
});
export type CredentialState = z.infer<typeof credentialState>;
export const newCredentials = z.object({
  username: z.string(),
  password: z.string().describe('Shown this once'),
  previousUntil: credentialState.shape.previousUntil,
});
export type NewCredentials = z.infer<typeof newCredentials>;
export const revoked = z.object({ revoked: z.int().describe('Terminals that had a secret') });

export const newClaim = z
  .strictObject({
    id: terminalId,
    code: z.string().min(1).max(60),
    householdId: id.optional(),
    accountNo: z.string().min(1).max(40).optional(),
    installedAt: installedAt.optional(),
  })
  .refine(
    ({ householdId, accountNo }) => (householdId === undefined) !== (accountNo === undefined),
    'give either householdId or accountNo',
  );
export const claimed = terminal.extend({
  credentials: z
    .object({ username: z.string(), password: z.string() })
    .nullable()
    .describe('MQTT user name and secret, shown this once; null when it has its secret already'),
});
export type Claimed = z.infer<typeof claimed>;
