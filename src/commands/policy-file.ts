import { z } from 'zod';
import { OFFSET_MS } from '../lib/calendar.ts';
import { orThrow, readYaml } from '../lib/yaml-file.ts';

/** A policy as data: when heat may be taken away, and by how many persons. */

const celsius = z.number().min(-60).max(40);
/** A standby keeps frost protection, a cut of supply does not: it has limits of its own. */
const byEffect = z.strictObject({ standby: celsius, cut: celsius });
const day = z.iso.date();
const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day such as 21:30');
/** `planned` are commands for arrears and those of batches and schedules; `all` is any that takes heat away. */
const applies = z.enum(['planned', 'all']);

const midnight = (date: string): number => Date.parse(`${date}T00:00:00Z`) - OFFSET_MS;

const policySchema = z.strictObject({
  /** Kept with every command that was judged by it. */
  version: z.string().regex(/^[A-Za-z0-9._-]{1,40}$/, 'letters, digits, ., - and _'),
  /** A day, from its midnight in Asia/Shanghai, or an RFC 3339 time. Of several policies the newest that has begun counts. */
  effectiveFrom: z.union([
    day.transform(midnight),
    z.iso.datetime({ offset: true }).transform((text) => Date.parse(text)),
  ]),
  approval: z.strictObject({
    /** How long a held command waits for a second person. Seconds. */
    withinS: z.int().min(60).max(86_400),
  }),
  arm: z.strictObject({
    /** An `arm` that could not be sent within this time is over. Seconds. */
    expiresInS: z.int().min(5).max(120),
  }),
  /** No off below this room temperature, or with a value older than `maxAgeS`. Without the section rooms are not asked. */
  indoor: z.strictObject({ belowC: byEffect, maxAgeS: z.int().min(60).max(86_400) }).optional(),
  /** With a weather source: below these, two persons and a reason. Without the section weather is not asked. */
  cold: z
    .strictObject({
      outdoorBelowC: byEffect,
      /** The least that is forecast for the next 24 hours. */
      forecastBelowC: byEffect,
      /** When the source says nothing, or nothing new. */
      unknown: z.enum(['refuse', 'hold']),
    })
    .optional(),
  quietHours: z.strictObject({ from: clockTime, to: clockTime, applies }).optional(),
  holidays: z
    .strictObject({
      days: z.array(day),
      /** The last day up to which they are written down; without it the last of them. */
      until: day.optional(),
      daysBefore: z.int().min(0).max(30),
      applies,
    })
    .optional(),
  /** Whether a household marked vulnerable needs two persons and a reason. */
  vulnerable: z.enum(['hold', 'allow']),
  arrears: z.strictObject({
    /** So many notices, each so many days after the one before, the last so many days ago. */
    notices: z.int().min(1).max(20),
    daysBetween: z.int().min(0).max(365),
    daysAfterLast: z.int().min(0).max(365),
  }),
  /** More than `terminals`, or than `percent` of a company's fleet but at least `atLeast`, off within `withinS` needs a second person. */
  massOff: z.strictObject({
    terminals: z.int().min(1).max(100_000),
    percent: z.number().min(0).max(100),
    atLeast: z.int().min(1).max(100_000),
    withinS: z.int().min(60).max(86_400),
  }),
});
export type Policy = z.infer<typeof policySchema>;

export const parsePolicy = (text: string, file: string): Policy =>
  orThrow(readYaml(text, { schema: policySchema }), file);

/** The end of the last day up to which holidays are written down. Epoch ms. */
export function knownUntil({ days, until }: NonNullable<Policy['holidays']>): number {
  const last = until ?? days.toSorted().at(-1);
  return last === undefined ? 0 : midnight(last) + 86_400_000;
}
