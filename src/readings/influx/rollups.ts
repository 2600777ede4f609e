import type { Clock } from '../../lib/clock.ts';
import type { SpoolRecord } from '../segments.ts';
import { stateLine, tagOf } from './lines.ts';
import { type Due, HOUR_MS, type InfluxServer, type KeptDays, type Span, wanted } from './server.ts';

/**
 * Retention, and the hourly roll-ups that stay when raw readings go. They are computed anew from raw readings, never added to:
 * hours that readings touch are marked in the store before the readings are, and the mark goes when the hour is computed.
 * Once there are roll-ups they are kept up to date, whatever is configured later.
 */

/** An hour is computed when it has been over for an hour. */
const SETTLED_MS = 2 * HOUR_MS;
/** Marks that one turn takes. */
const MARKS = 10_000;
/** For more terminals of an hour, all are computed: one question instead of a long list. */
const MOST_TERMINALS = 500;
/** Hours in a row of the same terminals that are computed at once. */
const MOST_HOURS = 6;
/** Marks that are remembered as stored; forgetting one costs writing it again. */
const MOST_REMEMBERED = 100_000;
const LINES = 10_000;
const RAW_FROM = 'raw-from';

export const hourBefore = (time: number): number => Math.floor(time / HOUR_MS) * HOUR_MS;
export const hourAfter = (time: number): number => Math.ceil(time / HOUR_MS) * HOUR_MS;

/** Runs tasks one after the other. */
export type Exclusive = <T>(task: () => Promise<T>) => Promise<T>;

const markLine = (hour: number, tag: string): string => `due${tag && `,terminal=${tag}`} due=1 ${hour}`;

interface Work extends Span {
  /** All when undefined. */
  terminalIds: string[] | undefined;
}

function worksOf(due: Due[]): Work[] {
  const works: Work[] = [];
  // The last hour of a full turn may have more marks than were given.
  const last = due.length === MARKS ? due.at(-1)?.hour : undefined;
  for (const [hour, marks] of Map.groupBy(due, (mark) => mark.hour)) {
    const terminalIds = marks.flatMap(({ terminalId }) => terminalId ?? []);
    const all = terminalIds.length < marks.length || terminalIds.length > MOST_TERMINALS || hour === last;
    const before = works.at(-1);
    const work = { from: hour, to: hour + HOUR_MS, terminalIds: all ? undefined : terminalIds };
    const goesOn = before?.to === hour && hour - before.from < MOST_HOURS * HOUR_MS;
    if (goesOn && before.terminalIds?.join() === work.terminalIds?.join()) before.to = work.to;
    else works.push(work);
  }
  return works;
}

export function createRollups(server: InfluxServer, parts: KeptDays & { clock: Clock; exclusive: Exclusive }) {
  const { clock, exclusive } = parts;
  const want = wanted(parts);
  let kept = false;
  /** What the server has now: raw readings are shortened only when their roll-ups are there. */
  let rawMs = Number.POSITIVE_INFINITY;
  /** Raw readings before it are gone, though a longer retention is configured now. */
  let rawFrom = Number.NEGATIVE_INFINITY;
  /** The marks that are stored: terminals by hour, '' for all of them. */
  const marked = new Map<number, Set<string>>();
  let remembered = 0;
  /** The hours that are being computed, and whether readings of them came meanwhile. */
  let computing: (Span & { touched: boolean }) | undefined;

  /** Before it, roll-ups answer and no reading is taken. Epoch ms. */
  const oldest = (): number => Math.max(rawFrom, clock.now() - rawMs);

  async function shorten(): Promise<void> {
    if (want.raw >= rawMs) return;
    const [late] = await server.due(hourBefore(clock.now() - want.raw), 1);
    if (late) return;
    await server.keep('raw', want.raw);
    rawMs = want.raw;
  }

  async function lengthen(): Promise<void> {
    rawFrom = Math.max(rawFrom, hourAfter(clock.now() - rawMs));
    await server.write('state', [stateLine(RAW_FROM, rawFrom)]);
    await server.keep('raw', want.raw);
    rawMs = want.raw;
  }

  /** Readings that were stored before there were roll-ups get them too. */
  async function markAll(): Promise<void> {
    let lines: string[] = [];
    for (const { from, to } of await server.held()) {
      for (let hour = hourBefore(from); hour < Math.min(to, clock.now()); hour += HOUR_MS) {
        lines.push(markLine(hour, ''));
        if (lines.length < LINES) continue;
        await server.write('state', lines);
        lines = [];
      }
    }
    if (lines.length > 0) await server.write('state', lines);
  }

  async function compute({ from, to, terminalIds }: Work): Promise<void> {
    const current = { from, to, touched: false };
    // Between writes, so that what was written before is seen and what comes after is noticed.
    await exclusive(async () => {
      computing = current;
    });
    try {
      await server.rollUp(current, terminalIds);
      await exclusive(async () => {
        if (current.touched) return;
        // Forgotten first: the marks may be gone although the answer is lost.
        for (let hour = from; hour < to; hour += HOUR_MS) {
          remembered -= marked.get(hour)?.size ?? 0;
          marked.delete(hour);
        }
        await server.rolledUp(current);
      });
    } finally {
      computing = undefined;
    }
  }

  return {
    oldest,
    kept: () => kept,

    /** Makes what is missing and changes what differs from the configuration. */
    async prepare(): Promise<void> {
      marked.clear();
      remembered = 0;
      const have = await server.retentions();
      if (have.state !== Number.POSITIVE_INFINITY) await server.keep('state', Number.POSITIVE_INFINITY);
      if (have.raw === undefined) await server.keep('raw', want.raw);
      rawMs = have.raw ?? want.raw;
      rawFrom = (await server.state(RAW_FROM)) ?? Number.NEGATIVE_INFINITY;
      kept = have.rollup !== undefined;
      if (!kept && want.raw !== Number.POSITIVE_INFINITY) {
        await markAll();
        kept = true;
        await server.keep('rollup', want.rollup);
      } else if (kept && have.rollup !== want.rollup) {
        await server.keep('rollup', want.rollup);
      }
      if (want.raw > rawMs) await lengthen();
      else await shorten();
    },

    /** To be called before the records are stored, and not while others are. */
    async mark(records: SpoolRecord[]): Promise<void> {
      if (!kept) return;
      const settled = clock.now() - SETTLED_MS;
      const fresh = new Map<string, [hour: number, tag: string]>();
      for (const { terminalId, time } of records) {
        const hour = hourBefore(time);
        if (computing && hour >= computing.from && hour < computing.to) computing.touched = true;
        // An hour on time is marked once for all; what comes late is computed for its terminal alone.
        const tag = hour <= settled ? tagOf(terminalId) : '';
        const there = marked.get(hour);
        if (!there?.has('') && !there?.has(tag)) fresh.set(markLine(hour, tag), [hour, tag]);
      }
      if (fresh.size === 0) return;
      await server.write('state', [...fresh.keys()]);
      if (remembered > MOST_REMEMBERED) {
        marked.clear();
        remembered = 0;
      }
      for (const [hour, tag] of fresh.values()) marked.set(hour, (marked.get(hour) ?? new Set()).add(tag));
      remembered += fresh.size;
    },

    async tend(): Promise<void> {
      if (!kept) return;
      const due = await server.due(hourBefore(clock.now() - SETTLED_MS), MARKS);
      for (const work of worksOf(due)) await compute(work);
      await shorten();
    },
  };
}
