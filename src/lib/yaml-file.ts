import { LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';

/** What a YAML file holds, by its schema. Throws with the file, line and column of the first thing that is wrong. */
export function parseYaml<S extends z.ZodType>(schema: S, text: string, file: string): z.output<S> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const fail = (offset: number, message: string): never => {
    const { line, col } = lines.linePos(offset);
    throw new Error(`${file}:${line}:${col} ${message}`);
  };
  const syntax = document.errors[0];
  if (syntax) fail(syntax.pos[0], syntax.message);
  const result = schema.safeParse(document.toJS());
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = issue?.path ?? [];
  const node = document.getIn(path, true) ?? document.getIn(path.slice(0, -1), true);
  const range = typeof node === 'object' && node !== null && 'range' in node ? node.range : undefined;
  return fail(Array.isArray(range) ? Number(range[0]) : 0, `${path.join('.')}: ${issue?.message}`);
}
