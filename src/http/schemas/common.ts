import { z } from 'zod';
import { AREA_CODE } from '../../terminals/identity.ts';

/** RFC 3339 with a zone, or epoch milliseconds, in a query string. Gives epoch milliseconds. */
export const timeQuery = z
  .union([
    z.iso.datetime({ offset: true }).transform((text) => Date.parse(text)),
    z
      .string()
      .regex(/^\d{12,14}$/)
      .transform(Number),
  ])
  .describe('RFC 3339 time with zone, or epoch milliseconds');

export const time = z.iso.datetime({ offset: true });
export const areaCode = z.string().regex(AREA_CODE);
export const id = z.string().min(1).max(64);
export const label = z.string().trim().min(1).max(100);
export const idParam = z.strictObject({ id });

/** Declared for the documentation; a missing key has a code of its own. */
export const idempotencyHeaders = z.looseObject({
  'idempotency-key': z.string().optional().describe('Required: the same key with the same body gives the first answer'),
});

export const pageLimit = z.coerce.number().int().min(1).max(500).default(50);

/** Ids of a kind begin with its prefix (lib/ids). A cursor of another kind would give an empty page, which looks like the end. */
const cursorOf = (prefix: string) => z.string().regex(new RegExp(`^${prefix}_[0-9a-z]{21,24}$`));

/** The page of a list whose ids begin with `prefix`. */
export const pageQuery = (prefix: string) => ({
  limit: pageLimit,
  cursor: cursorOf(prefix).optional().describe('`nextCursor` of the page before'),
});

export const pageOf = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), nextCursor: id.nullable() });

/** RFC 9457 problem details; `code` is stable. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string().optional(),
  detailZh: z.string().optional().describe('The same in Chinese, where it is more than the title'),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  rules: z
    .array(z.object({ rule: z.string(), zh: z.string(), en: z.string() }))
    .optional()
    .describe('Of `refused_by_policy`: the rules that refuse it, then those that would hold it'),
});
export type Problem = z.infer<typeof problem>;

export const bilingual = z.object({ zh: z.string(), en: z.string() });
export type Bilingual = z.infer<typeof bilingual>;
