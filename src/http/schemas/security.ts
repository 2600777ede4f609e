import { z } from 'zod';
import { SECURITY_KINDS } from '../../db/schema.ts';
import { id, pageOf, pageQuery, time } from './common.ts';
import { terminalId } from './terminals.ts';

const securityKind = z.enum(SECURITY_KINDS);
const securityEvent = z.object({
  id,
  kind: securityKind,
  terminalId: z.string().nullable().describe('The terminal that it was, or said to be'),
  address: z.string().nullable().describe('The address from which it came'),
  detail: z.string(),
  firstAt: time,
  lastAt: time,
  count: z.int().min(1).describe('How often it happened within ten minutes'),
});
export type SecurityEventView = z.infer<typeof securityEvent>;
export const securityEventPage = pageOf(securityEvent);
export const securityEventQuery = z.strictObject({
  ...pageQuery('sec'),
  kind: securityKind.optional(),
  terminalId: terminalId.optional(),
});
