/** Where a value lies in JSON: `a.b[0].c`, and `["any key"]` for keys with other characters. No expressions, no wildcards. */

export type JsonPath = (string | number)[];

const MOST_STEPS = 12;
const STEP = /\.?([A-Za-z_][A-Za-z0-9_-]*)|\[(\d{1,4})\]|\["([^"\\]{1,80})"\]/y;

/** Undefined when it is no path. */
export function parsePath(text: string): JsonPath | undefined {
  const path: JsonPath = [];
  STEP.lastIndex = 0;
  while (STEP.lastIndex < text.length) {
    const at = STEP.lastIndex;
    const match = STEP.exec(text);
    // Names are parted by a dot, and the first has none before it.
    if (!match || (match[1] !== undefined && (text[at] === '.') !== path.length > 0)) return undefined;
    path.push(match[1] ?? match[3] ?? Number(match[2]));
    if (path.length > MOST_STEPS) return undefined;
  }
  return path.length > 0 ? path : undefined;
}

/** The value there; undefined when there is none. Only own keys count. */
export function valueAt(value: unknown, path: JsonPath): unknown {
  let at = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    at = Reflect.get(at, step);
  }
  return at;
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
