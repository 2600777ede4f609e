import { LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';

/**
 * What a YAML file holds, by its schema. `contradictions` tells, as `path: message`, what the schema cannot say. Throws with the file, line
 * and column of the first thing that is wrong.
 */
export function parseYaml<S extends z.ZodType>(
  schema: S,
  text: string,
  file: string,
  contradictions: (value: z.output<S>) => string[] = () => [],
): z.output<S> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const fail = (offset: number, message: string): never => {
    const { line, col } = lines.linePos(offset);
    throw new Error(`${file}:${line}:${col} ${message}`);
  };
  /** Of the part itself, or of the nearest around it that is there. */
  const offsetOf = (path: readonly PropertyKey[]): number => {
    const node = document.getIn(path, true);
    const range = typeof node === 'object' && node !== null && 'range' in node ? node.range : undefined;
    if (Array.isArray(range)) return Number(range[0]);
    return path.length === 0 ? 0 : offsetOf(path.slice(0, -1));
  };
  const syntax = document.errors[0];
  if (syntax) fail(syntax.pos[0], syntax.message);
  const result = schema.safeParse(document.toJS());
  if (!result.success) {
    const issue = result.error.issues[0];
    const path = issue?.path ?? [];
    return fail(offsetOf(path), `${path.join('.')}: ${issue?.message}`);
  }
  const [contradiction] = contradictions(result.data);
  if (contradiction === undefined) return result.data;
  const path = contradiction.slice(0, contradiction.indexOf(': ')).split('.');
  const steps = path.map((step) => (/^\d+$/.test(step) ? Number(step) : step));
  return fail(offsetOf(steps), contradiction);
}
