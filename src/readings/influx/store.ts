import { windowStart } from '../../lib/calendar.ts';
import { chunksOf } from '../../lib/chunks.ts';
import type { SpoolRecord } from '../segments.ts';
import type { Aggregate, Group, GroupWindow, ReadingStore, StoreParts, TerminalWindow, Window } from '../store.ts';
import { createFirstKept, type RecordRefusal, refusalOf } from './first-kept.ts';
import { lineOf, stateLine } from './lines.ts';
import { createRollups, type Exclusive, hourAfter, hourBefore } from './rollups.ts';
import { sendAround } from './send-around.ts';
import { type Asked, DAY_MS, HOUR_MS, type InfluxServer, PlaceGone, type Span } from './server.ts';

/**
 * Readings in InfluxDB of either line. The position in the spool is written after the records before it; what comes again after a
 * crash is passed over by its values.
 */

const LOOK_BACK_MS = 62 * DAY_MS;
/** Terminals in one question. */
const TERMINALS = 1_000;

function createExclusive(): Exclusive {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const run = last.then(task);
    last = run.catch(() => undefined);
    return run;
  };
}

/** Windows of roll-ups have an hour or more. */
const stepOf = (place: Asked['place'], everyMs: number): number =>
  place === 'rollup' ? Math.max(everyMs, HOUR_MS) : everyMs;

const joined = (a: Window, b: Window): Window => ({
  time: a.time,
  first: a.first,
  last: b.last,
  min: Math.min(a.min, b.min),
  max: Math.max(a.max, b.max),
  mean: (a.sum + b.sum) / (a.count + b.count),
  sum: a.sum + b.sum,
  count: a.count + b.count,
});

/** Windows of which the later list may go on where the earlier one ends. */
function joinedWindows(earlier: TerminalWindow[], later: TerminalWindow[]): TerminalWindow[] {
  const found = new Map<string, TerminalWindow>();
  for (const window of [...earlier, ...later]) {
    const key = `${window.time} ${window.terminalId}`;
    const before = found.get(key);
    found.set(key, before ? { ...window, ...joined(before, window) } : window);
  }
  return [...found.values()];
}

/** Opens what is on the server. Rejects while it cannot be reached. */
export async function openInfluxStore(server: InfluxServer, parts: StoreParts): Promise<ReadingStore> {
  const { clock, refuse } = parts;
  const exclusive = createExclusive();
  const rollups = createRollups(server, { ...parts, exclusive });
  const positionName = `position ${parts.spoolId}`;
  await rollups.prepare();

  let position = (await server.state(positionName)) ?? 0;
  const since = clock.now() - LOOK_BACK_MS;
  const newest = new Map<string, number>();
  for (const { terminalId, time } of await server.newest(since)) {
    newest.set(terminalId, Math.max(time, newest.get(terminalId) ?? time));
  }
  const firstKept = createFirstKept(newest, since, server);
  /** Up to which sequence refusals are on disk already, for a batch that is tried again. */
  let refused = 0;

  const tooOld = (record: SpoolRecord) => refusalOf(record, record.values, 'too_old', 'older than readings are kept');

  /** Whoever removed a place removed what was in it; it is made again for what is to come. */
  async function whole<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      if (error instanceof PlaceGone) await exclusive(rollups.prepare);
      throw error;
    }
  }

  /** Stores what is new; what is not kept is returned. */
  async function put(records: SpoolRecord[]): Promise<RecordRefusal[]> {
    const oldest = rollups.oldest();
    const { fresh, conflicts } = await firstKept.filter(records.filter(({ time }) => time >= oldest));
    const refusals: RecordRefusal[] = [...records.filter(({ time }) => time < oldest).map(tooOld), ...conflicts];
    await rollups.mark(fresh);
    await sendAround(
      fresh,
      (some) => server.write('raw', some.map(lineOf)),
      (some, error) => {
        const reason = error.tooOld ? 'too_old' : 'store_refused';
        refusals.push(...some.map((record) => refusalOf(record, record.values, reason, error.message)));
      },
    );
    return refusals;
  }

  async function write(records: SpoolRecord[]): Promise<void> {
    const sequence = records.at(-1)?.sequence;
    if (sequence === undefined) return;
    const refusals = await put(records);
    const unheard = refusals.filter((refusal) => refusal.sequence > refused);
    if (unheard.length > 0) await refuse(unheard.map(({ sequence: _, ...refusal }) => refusal));
    refused = Math.max(refused, sequence);
    await server.write('state', [stateLine(positionName, sequence)]);
    firstKept.taken(records);
    position = sequence;
  }

  async function writeAhead(records: SpoolRecord[]): Promise<void> {
    await put(records);
    firstKept.taken(records);
  }

  /** Up to where roll-ups answer; the rest of the span is for raw readings. */
  const splitOf = ({ from, to }: Span): number =>
    rollups.kept() ? Math.max(from, Math.min(to, hourAfter(rollups.oldest()))) : from;

  /** What is older than its retention is not shown, also while the server has not removed it yet. */
  const recent = <T extends Span>(span: T): T => ({ ...span, from: Math.max(span.from, rollups.oldest()) });

  async function windows(group: Group, everyMs: number): Promise<TerminalWindow[]> {
    const split = splitOf(group);
    const ask = (part: Span & { place: Asked['place'] }) =>
      part.from < part.to ? server.windows({ ...group, ...part }, stepOf(part.place, everyMs)) : [];
    // Of roll-ups only whole hours, so that nothing from outside of the span is shown.
    const earlier = await ask({ place: 'rollup', from: hourAfter(group.from), to: hourBefore(split) });
    const later = await ask({ place: 'raw', from: split, to: group.to });
    return joinedWindows(earlier, later);
  }

  /** Windows before `from` are of roll-ups alone, those from `to` on of raw readings alone; the one between may be of both. */
  function middleOf(group: Group, everyMs: number): Span {
    const split = splitOf(group);
    if (split === group.from) return { from: split, to: split };
    const step = stepOf('rollup', everyMs);
    const start = windowStart(split, step);
    return { from: Math.max(start, group.from), to: Math.min(start + step, group.to) };
  }

  async function together(group: Group, everyMs: number, aggregate: Aggregate): Promise<GroupWindow[]> {
    const middle = middleOf(group, everyMs);
    const ask = (part: Span & { place: Asked['place'] }) =>
      part.from < part.to ? server.together({ ...group, ...part }, stepOf(part.place, everyMs), aggregate) : [];
    const straddling = middle.from < middle.to ? await windows({ ...group, ...middle }, everyMs) : [];
    return [
      ...(await ask({ place: 'rollup', from: hourAfter(group.from), to: middle.from })),
      ...straddling.map((window) => {
        const value = window[aggregate];
        return { time: window.time, sum: value, min: value, max: value, terminals: 1 };
      }),
      ...(await ask({ place: 'raw', from: middle.to, to: group.to })),
    ];
  }

  return {
    position: async () => position,
    write: (records) => whole(() => exclusive(() => write(records))),
    writeAhead: (records) => whole(() => exclusive(() => writeAhead(records))),

    async points({ terminalId, ...series }, limit) {
      const asked = recent({ ...series, place: 'raw' as const, terminalIds: [terminalId] });
      return asked.from < asked.to ? server.points(asked, limit) : [];
    },

    async windows({ terminalId, ...series }, everyMs) {
      const found = await windows({ ...series, terminalIds: [terminalId] }, everyMs);
      return found.map(({ terminalId: _, ...window }) => window);
    },

    async windowsOfEach(group, everyMs) {
      const found: TerminalWindow[] = [];
      for (const terminalIds of chunksOf([...new Set(group.terminalIds)], TERMINALS)) {
        found.push(...(await windows({ ...group, terminalIds }, everyMs)));
      }
      return found.sort((a, b) => a.time - b.time);
    },

    async together(group, everyMs, aggregate) {
      const total = new Map<number, GroupWindow>();
      const ids = [...new Set(group.terminalIds)];
      for (const terminalIds of chunksOf(ids, TERMINALS)) {
        for (const one of await together({ ...group, terminalIds }, everyMs, aggregate)) {
          const sum = total.get(one.time);
          total.set(one.time, {
            time: one.time,
            sum: one.sum + (sum?.sum ?? 0),
            min: Math.min(one.min, sum?.min ?? one.min),
            max: Math.max(one.max, sum?.max ?? one.max),
            terminals: one.terminals + (sum?.terminals ?? 0),
          });
        }
      }
      return [...total.values()].sort((a, b) => a.time - b.time);
    },

    async rows({ terminalId, ...range }, limit) {
      const span = recent(range);
      return span.from < span.to ? server.rows(terminalId, span, limit) : [];
    },

    newest: () => server.newest(clock.now() - LOOK_BACK_MS),
    tend: () => whole(rollups.tend),
    ping: server.ping,
    [Symbol.asyncDispose]: async () => server.close(),
  };
}
