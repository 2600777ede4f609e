import { registerAddress, registerCount } from '../terminals/encode.ts';
import type { Profile, Register } from '../terminals/profile.ts';

/** Which requests read a profile's registers. Pure. */

export interface ReadRequest {
  table: 'holding' | 'input';
  address: number;
  count: number;
}

interface Span {
  address: number;
  end: number;
}

/** The range that may be read in one request around an address; outside of the declared ranges, each value is read alone. */
function rangeAround(readable: [number, number][], span: Span): Span {
  const range = readable.find(([from, to]) => span.address >= from && span.end <= to + 1);
  return range ? { address: range[0], end: range[1] + 1 } : span;
}

function planTable(
  table: ReadRequest['table'],
  registers: Register[],
  poll: NonNullable<Profile['poll']>,
): ReadRequest[] {
  const spans = registers
    .map((register) => ({
      address: registerAddress(register),
      end: registerAddress(register) + registerCount(register),
    }))
    .sort((a, b) => a.address - b.address || a.end - b.end);
  const joined: Span[] = [];
  for (const span of spans) {
    const last = joined.at(-1);
    const end = Math.max(last?.end ?? 0, span.end);
    const fits = last && end <= rangeAround(poll.readable, last).end && end - last.address <= poll.maxRegisters;
    if (fits) last.end = end;
    else joined.push({ ...span });
  }
  return joined.map(({ address, end }) => ({ table, address, count: end - address }));
}

/**
 * The fewest requests that read all registers: neighbours are joined while they lie in one readable range and within the device's limit.
 * A value of several registers is never split between requests, which could tear it.
 */
export function plan(registers: Register[], poll: NonNullable<Profile['poll']>): ReadRequest[] {
  return [
    ...planTable(
      'holding',
      registers.filter((register) => register.holding !== undefined),
      poll,
    ),
    ...planTable(
      'input',
      registers.filter((register) => register.input !== undefined),
      poll,
    ),
  ];
}
