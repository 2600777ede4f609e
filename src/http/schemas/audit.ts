import { z } from 'zod';
import { AUDIT_ACTIONS, type AuditAction } from '../../db/schema-audit.ts';
import { pageLimit, time, timeQuery } from './common.ts';
import { terminalId } from './terminals.ts';

export type { AuditAction };

const auditAction = z.enum(AUDIT_ACTIONS);
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const seq = z.int().min(1).describe('From 1, without a gap');

const auditEntry = z.object({
  seq,
  at: time,
  actor: z.string().describe('A user, `key:` and an API key, `terminal:` or `gateway:` and an id'),
  action: auditAction,
  subject: z.string().describe('The id of what it was done to'),
  terminalId: z.string().nullable(),
  detail: z.record(z.string(), z.unknown()),
  policyVersion: z.string().nullable().describe('Of the policy that allowed, held or refused it'),
  prevHash: hash.describe('The hash of the row before'),
  hash,
});
export type AuditEntry = z.infer<typeof auditEntry>;
export const auditPage = z.object({ items: z.array(auditEntry), nextCursor: z.string().nullable() });

export const auditQuery = z.strictObject({
  limit: pageLimit,
  cursor: z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number)
    .optional()
    .describe('`nextCursor` of the page before'),
  terminalId: terminalId.optional(),
  actor: z.string().min(1).max(120).optional(),
  action: auditAction.optional(),
  from: timeQuery.optional(),
  to: timeQuery.optional(),
});

export const auditState = z.object({
  head: z.object({ seq, hash }).nullable().describe('The newest row'),
  checked: z.object({ seq: z.int(), since: time }).describe('How far the present look through all rows has come'),
  verified: z
    .object({ seq: z.int(), at: time })
    .nullable()
    .describe('Up to which row the look had come that ended last, and when: rows after it are not looked at yet'),
  faults: z
    .array(
      z.object({
        kind: z.enum(['edited', 'missing', 'unlinked', 'rewritten', 'cut', 'extra']),
        seq: z.number().describe('The first row that it is about'),
        to: z.number(),
      }),
    )
    .describe('What was changed; none when all is as it was written'),
});
export type AuditState = z.infer<typeof auditState>;
