import { z } from 'zod';
import { AREA_LEVELS, ROLES, type Role } from '../../db/schema.ts';
import { areaCode, id, label, pageOf, pageQuery, time } from './common.ts';

const role = z.enum(ROLES);

export type { Role };

const username = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/);
const password = z.string().min(8).max(200);

/** What a role reaches: an operator an area, a company its own, a resident one household. */
const scope = { companyId: id.optional(), areaCode: areaCode.optional(), householdId: id.optional() };

const scopeFits = (user: { role: Role; companyId?: unknown; areaCode?: unknown; householdId?: unknown }) => {
  const needed = { admin: [], operator: ['areaCode'], company: ['companyId'], resident: ['householdId'] }[user.role];
  const given = (['companyId', 'areaCode', 'householdId'] as const).filter((key) => user[key] !== undefined);
  return given.length === needed.length && given.every((key) => (needed as string[]).includes(key));
};
const SCOPE_RULE =
  'an operator has an areaCode, a company user a companyId, a resident a householdId, an admin none of them';

export const newUser = z.strictObject({ username, password, role, ...scope }).refine(scopeFits, SCOPE_RULE);

export const user = z.object({
  id,
  username,
  role,
  companyId: id.nullable(),
  areaCode: areaCode.nullable(),
  householdId: id.nullable(),
  createdAt: time,
});
export type User = z.infer<typeof user>;
/** Who asks: a user, or `key:` and the name of an API key. */
export const me = user.omit({ createdAt: true }).extend({ username: z.string() });

export const userPage = pageOf(user);

export const newSession = z.strictObject({ username: z.string().max(64), password: z.string().max(200) });
export const session = z.object({ token: z.string(), expiresAt: time, user });
export type Session = z.infer<typeof session>;

export const setup = z.strictObject({ token: z.string().max(100), username, password });

export const newApiKey = z.strictObject({ name: label, role, ...scope }).refine(scopeFits, SCOPE_RULE);
export const apiKey = user.omit({ username: true }).extend({ name: label });
export const createdApiKey = apiKey.extend({ key: z.string().describe('Shown this once') });
export const apiKeyPage = pageOf(apiKey);

export const newCompany = z.strictObject({ name: label });
export const company = z.object({ id, name: label, createdAt: time });
export type Company = z.infer<typeof company>;
export const companyPage = pageOf(company);

export const newHousehold = z.strictObject({
  accountNo: z.string().regex(/^[A-Za-z0-9-]{1,40}$/),
  name: label,
  areaCode,
  companyId: id,
  address: z.string().max(200).optional(),
  phone: z.string().max(40).optional(),
  vulnerable: z.boolean().optional(),
});
export const household = z.object({
  id,
  accountNo: z.string(),
  name: label,
  areaCode,
  companyId: id,
  address: z.string().nullable(),
  phone: z.string().nullable(),
  vulnerable: z.boolean(),
  createdAt: time,
});
export type Household = z.infer<typeof household>;
export const householdPage = pageOf(household);
export const householdQuery = z.strictObject({
  ...pageQuery('hh'),
  areaCode: areaCode.optional(),
  search: z.string().max(60).optional().describe('Part of the account number or name'),
});

const responsiblePerson = z.strictObject({ name: label, phone: z.string().max(40).optional() });
export const area = z.object({
  code: areaCode,
  name: z.string(),
  level: z.enum(AREA_LEVELS),
  parent: areaCode.nullable(),
  responsiblePerson: responsiblePerson.nullable(),
});
export type Area = z.infer<typeof area>;
/** All at once: a county has some hundreds. */
export const areaList = z.object({ items: z.array(area), nextCursor: z.null() });
export const putArea = z.strictObject({ responsiblePerson: responsiblePerson.nullable() });
export const areaOverview = z.object({
  code: areaCode,
  name: z.string(),
  terminals: z.int(),
  online: z.int(),
  offline: z.int(),
  unknown: z.int(),
  openAlarms: z.int(),
  coldHomes: z.int().describe('Households where the latest room_c is fresh and below 16 °C'),
});
export type AreaOverview = z.infer<typeof areaOverview>;
