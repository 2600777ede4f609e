import type { Clock } from '../lib/clock.ts';
import type { Texts } from '../terminals/profile.ts';
import { ModbusException, type ReadRequest } from './codec.ts';

/** What a unit says of itself in letters. */

const DAY_MS = 86_400_000;

/** Undefined for what is no text: printable ASCII up to the first zero, without the blanks around it. */
export function textOf(words: number[], order: Texts[string]['from']['order']): string | undefined {
  const bytes = Buffer.alloc(2 * words.length);
  for (const [i, word] of words.entries()) bytes.writeUInt16BE(word, 2 * i);
  if (order === 'badc') bytes.swap16();
  const end = bytes.indexOf(0);
  const text = bytes.toString('latin1', 0, end < 0 ? bytes.length : end).trim();
  return /^[ -~]+$/.test(text) ? text : undefined;
}

export function createTexts(parts: { texts: Texts; clock: Clock; read: (request: ReadRequest) => Promise<number[]> }) {
  const known = new Map<string, string>();
  const dueAt = new Map<string, number>();

  async function refreshOne(name: string, { holding, input, words, order }: Texts[string]['from']): Promise<void> {
    const table = holding === undefined ? 'input' : 'holding';
    let text: string | undefined;
    try {
      text = textOf(await parts.read({ table, address: holding ?? input ?? 0, count: words }), order);
    } catch (error) {
      // What it refuses it is not asked again today.
      if (!(error instanceof ModbusException)) throw error;
    }
    if (text === undefined) known.delete(name);
    else known.set(name, text);
    dueAt.set(name, parts.clock.ticks() + DAY_MS);
  }

  return {
    /** Reads those that are due. Rejects when the unit does not answer. */
    async refresh(): Promise<void> {
      for (const [name, { from }] of Object.entries(parts.texts)) {
        if ((dueAt.get(name) ?? Number.NEGATIVE_INFINITY) <= parts.clock.ticks()) await refreshOne(name, from);
      }
    },
    known: (): Record<string, string> => Object.fromEntries(known),
  };
}
