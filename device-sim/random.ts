/** Chance that can be repeated: the same seed and the same names give the same numbers. */
export interface Random {
  next(): number;
  between(low: number, high: number): number;
  chance(probability: number): boolean;
  /** A stream of its own. It depends on the name only, not on what was drawn before. */
  fork(name: string): Random;
}

export function createRandom(seed: number | string): Random {
  const origin = hash(String(seed));
  let state = origin;
  // mulberry32
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    between: (low, high) => low + next() * (high - low),
    chance: (probability) => probability > 0 && next() < probability,
    fork: (name) => createRandom(`${seed}/${name}`),
  };
}

/** FNV-1a with a last mixing, so that neighbouring names lie far apart. */
function hash(text: string): number {
  let sum = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193);
  sum = Math.imul(sum ^ (sum >>> 16), 0x85ebca6b);
  return sum ^ (sum >>> 13);
}
