import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';

/** What is wrong in a YAML file, all of it, each with its place. */

export const FILE_LANGUAGES = { zh: z.locales.zhCN().localeError, en: z.locales.en().localeError };
export type FileLanguage = keyof typeof FILE_LANGUAGES;

/** One thing that is wrong. `line` and `column` begin at 1; `path` is empty for the whole file. */
export interface FileError {
  line: number;
  column: number;
  path: string;
  message: string;
}

type Path = readonly PropertyKey[];
interface Trouble {
  path: Path;
  message: string;
  /** The key itself is wrong, not its value. */
  atKey?: true;
}

const OWN_WORDS = {
  zh: { missing: '缺少', unknown: '没有这个键', choose: (options: string) => `应为其中之一：${options}` },
  en: { missing: 'is missing', unknown: 'unknown key', choose: (options: string) => `must be one of ${options}` },
};

/** What is said of a part that has none of its forms, where its schema has no words of its own. */
const messageOfUnion = (language: FileLanguage): string | undefined =>
  z.union([z.string(), z.boolean()]).safeParse(0, { error: FILE_LANGUAGES[language] }).error?.issues[0]?.message;

/** Of the forms that a part may have, the one that is nearest to what stands there says what is wrong. */
function nearest(forms: z.core.$ZodIssue[][]): z.core.$ZodIssue[] {
  return forms.reduce((best, one) => (one.length < best.length ? one : best), forms[0] ?? []);
}

function troublesOf(issue: z.core.$ZodIssue, language: FileLanguage, above: Path = []): Trouble[] {
  const path = [...above, ...issue.path];
  const words = OWN_WORDS[language];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], message: words.unknown, atKey: true }));
  }
  if (issue.code === 'invalid_key') return issue.issues.map(({ message }) => ({ path, message }));
  if (issue.code === 'invalid_union') {
    const hasOwnWords = issue.message !== messageOfUnion(language);
    if (issue.errors.length > 0 && !hasOwnWords)
      return nearest(issue.errors).flatMap((one) => troublesOf(one, language, path));
    return [{ path, message: 'options' in issue ? words.choose(issue.options?.join(', ') ?? '') : issue.message }];
  }
  return [{ path, message: issue.message }];
}

const isThere = (data: unknown, [first, ...more]: Path): boolean =>
  first === undefined ||
  (typeof data === 'object' && data !== null && first in data && isThere(Reflect.get(data, first), more));

/** Where a key stands, or else the nearest part around it that is there. */
function offsetOf(document: Document, path: Path, atKey = false): number {
  const [last] = path.slice(-1);
  if (last === undefined) return document.contents?.range?.[0] ?? 0;
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const value = document.getIn(path, true);
  if (isMap(parent)) {
    const key = parent.items.find(({ key: one }) => isScalar(one) && String(one.value) === String(last))?.key;
    const isShort = !atKey && isScalar(value) && value.value !== null;
    const node = isShort ? value : key;
    if (isNode(node) && node.range) return node.range[0];
  }
  if (isNode(value) && value.range) return value.range[0];
  return offsetOf(document, path.slice(0, -1));
}

/** Puts `usual` values for what is wrong, and takes out wrong entries, whose names are given, so that the others can be looked at. */
function mended(data: unknown, troubles: Trouble[], usual: Record<string, unknown>) {
  const rest: unknown = structuredClone(data);
  const names = new Set<string>();
  if (typeof rest !== 'object' || rest === null) return { rest, names };
  for (const { path } of troubles) {
    const [group = '', name] = path;
    const parent: unknown = Reflect.get(rest, group);
    if (Object.hasOwn(usual, group)) Reflect.set(rest, group, usual[String(group)]);
    else if (name === undefined || typeof parent !== 'object' || parent === null) Reflect.deleteProperty(rest, group);
    else {
      Reflect.deleteProperty(parent, name);
      names.add(String(name));
    }
  }
  return { rest, names };
}

/** `path: message`, as contradictions are said. */
function readContradiction(text: string): Trouble {
  const [, path, message = text] = /^([\w.]+): (.*)$/s.exec(text) ?? [];
  return { path: path?.split('.') ?? [], message };
}

export interface FileReading<T> {
  /** There when nothing is wrong. */
  value?: T;
  /** In their order in the file. */
  errors: FileError[];
  /** What somebody else finds wrong there. */
  at(path: Path, message: string): FileError;
}

export interface FileRules<T> {
  schema: z.ZodType<T>;
  /** As `path: message`, what the schema cannot say. */
  contradictions?: (value: T) => string[];
  /** Stand for parts that are wrong, of which `contradictions` says nothing. */
  usual?: Record<string, unknown>;
}

/** All that is wrong in what was read; contradictions are looked for also when single entries are wrong, among the others. */
function judge<T>(data: unknown, rules: FileRules<T>, language: FileLanguage): { value?: T; troubles: Trouble[] } {
  const { schema, contradictions = () => [], usual = {} } = rules;
  const result = schema.safeParse(data, { error: FILE_LANGUAGES[language] });
  if (result.success) return { value: result.data, troubles: contradictions(result.data).map(readContradiction) };
  const troubles = result.error.issues
    .flatMap((issue) => troublesOf(issue, language))
    .map((one) => (isThere(data, one.path) ? one : { ...one, message: OWN_WORDS[language].missing }));
  const { rest, names } = mended(data, troubles, usual);
  const others = schema.safeParse(rest);
  const further = others.success ? contradictions(others.data).map(readContradiction) : [];
  // What names an entry that is wrong would only seem to name nothing.
  const real = further.filter(({ message }) => !names.has(message.split(' ').at(-1) ?? ''));
  return { troubles: [...troubles, ...real] };
}

/** What the text of a YAML file holds, by its rules. */
export function readYaml<T>(text: string, rules: FileRules<T>, language: FileLanguage = 'en'): FileReading<T> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const atOffset = (offset: number, path: string, message: string): FileError => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col, path, message };
  };
  const place = ({ path, message, atKey }: Trouble): FileError =>
    atOffset(offsetOf(document, path, atKey), path.map(String).join('.'), message);
  const at = (path: Path, message: string): FileError => place({ path, message });
  if (document.errors.length > 0) {
    return { errors: document.errors.map(({ pos, message }) => atOffset(pos[0], '', message)), at };
  }
  const { value, troubles } = judge(document.toJS(), rules, language);
  const errors = troubles.map(place).sort((a, b) => a.line - b.line || a.column - b.column);
  return errors.length === 0 && value !== undefined ? { value, errors, at } : { errors, at };
}

/** `3:7 kind: must be one of …`. */
export const errorText = ({ line, column, path, message }: FileError): string =>
  `${line}:${column} ${path === '' ? '' : `${path}: `}${message}`;

/** The value, or throws with the file, line and column of everything that is wrong. */
export function orThrow<T>({ value, errors }: FileReading<T>, file: string): T {
  if (value !== undefined) return value;
  throw new Error(errors.map((error) => `${file}:${errorText(error)}`).join('\n'));
}
