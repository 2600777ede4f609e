import { placesOf, registerAddress, registerCount, registerTable } from '../terminals/encode.ts';
import type { Profile, Register } from '../terminals/profile.ts';
import { isBits, MOST_READ, type ReadRequest, type Table } from './codec.ts';

/** Which requests read a profile's registers. Pure. */

type Poll = NonNullable<Profile['poll']>;

interface Span {
  address: number;
  end: number;
}

const TABLES: Table[] = ['holding', 'input', 'coil', 'discrete'];

/** The addresses that one value takes. */
function spanOf(register: ReturnType<typeof placesOf>[number]): Span {
  const address = registerAddress(register);
  return { address, end: address + registerCount(register) };
}

const spansIn = (table: Table, registers: Register[]): Span[] =>
  placesOf(registers)
    .filter((place) => registerTable(place) === table)
    .map(spanOf);

/** Whether one request may span all of it: it lies in one declared range. */
const isReadable = (readable: [number, number][], { address, end }: Span): boolean =>
  readable.some(([from, to]) => address >= from && end <= to + 1);

function planTable(table: Table, spans: Span[], poll: Poll): ReadRequest[] {
  const most = isBits(table) ? (poll.maxBits ?? MOST_READ[table]) : poll.maxRegisters;
  const joined: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.address - b.address || b.end - a.end)) {
    const last = joined.at(-1);
    const end = Math.max(last?.end ?? 0, span.end);
    const within = last !== undefined && span.end <= last.end;
    const fits = last && end - last.address <= most && isReadable(poll.readable, { address: last.address, end });
    if (last && (fits || within)) last.end = end;
    else joined.push({ ...span });
  }
  return joined.map(({ address, end }) => ({ table, address, count: end - address }));
}

/**
 * The fewest requests that read all registers: neighbours are joined while they lie in one readable range and within the device's limit.
 * A value of several registers is never split between requests, which could tear it.
 */
export function plan(registers: Register[], poll: Poll): ReadRequest[] {
  return TABLES.flatMap((table) => planTable(table, spansIn(table, registers), poll));
}

/** Every value of a request alone, for a device that does not give them together. */
export function singles(registers: Register[], { table, address, count }: ReadRequest): ReadRequest[] {
  const spans = spansIn(table, registers).filter((span) => span.address >= address && span.end <= address + count);
  const distinct = new Map(spans.map((span) => [`${span.address} ${span.end}`, span]));
  return [...distinct.values()].map((span) => ({ table, address: span.address, count: span.end - span.address }));
}

/** Bytes of a read's answer: what tells it from the answers to other reads of the same function. */
const shape = (table: Table, count: number): number => (isBits(table) ? Math.ceil(count / 8) : count);

/** What is read before and after a write. */
const readFor = (written: Register[]): ReadRequest[] =>
  written.flatMap((to) =>
    [registerCount(to), to.block?.count ?? 1].map((count) => ({
      table: registerTable(to),
      address: registerAddress(to),
      count,
    })),
  );

/**
 * Reads whose answers cannot be taken for those of a unit's usual reads: first one of another length within what is read anyway, which any
 * device gives; then other functions, to which an exception is an answer too. `written` is where commands go.
 */
export function probesOf(registers: Register[], requests: ReadRequest[], written: Register[] = []): ReadRequest[] {
  const [first] = requests;
  if (!first) return [];
  const size = ({ table, count }: ReadRequest) => shape(table, count);
  const longest = requests.reduce((a, b) => (size(b) > size(a) ? b : a), first);
  const { table, address } = longest;
  const usual = [...requests.flatMap((request) => [request, ...singles(registers, request)]), ...readFor(written)];
  // A word is read alone before a bit in it is changed.
  const taken = new Set([...usual.filter((one) => one.table === table).map(size), ...(isBits(table) ? [] : [1])]);
  let free = 1;
  while (taken.has(free)) free += 1;
  const count = isBits(table) ? free * 8 : free;
  const ofOtherLength = { table, address: Math.min(address, 65_536 - count), count };
  const others = TABLES.filter((other) => usual.every((one) => one.table !== other));
  const ofOtherFunctions = others.map((other) => ({ table: other, address, count: 1 }));
  return count <= longest.count ? [ofOtherLength, ...ofOtherFunctions] : [...ofOtherFunctions, ofOtherLength];
}
