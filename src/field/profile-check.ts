import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { errorText, type FileError } from '../lib/yaml-file.ts';
import { checkProfile, type Profile } from '../terminals/profile.ts';
import { print } from './output.ts';
import { type WrongExample, wrongExamples } from './profile-examples.ts';
import { type FieldLanguage, WORDS, type Words } from './words.ts';

/** Looks at profiles' files before the gateway does: every error with its place, then the examples. */

export interface CheckedFile {
  file: string;
  errors: FileError[];
  /** There when the file itself is right; its examples may be wrong. */
  profile: Profile | undefined;
}

const shown = (value: number | undefined, words: Words): string =>
  value === undefined ? words.nothing : String(value);

function exampleText({ metric, expected, got, reason }: WrongExample, words: Words): string {
  const text = words.wrongExample(metric, shown(expected, words), shown(got, words));
  return reason === undefined ? text : `${text} (${reason})`;
}

/** Throws when the file cannot be read. */
export function checkFile(file: string, language: FieldLanguage): CheckedFile {
  const words = WORDS[language];
  const { value, errors, at } = checkProfile(readFileSync(file, 'utf8'), language);
  if (!value) return { file, errors, profile: undefined };
  const wrong = wrongExamples(value).map((one) =>
    at(['examples', one.example, 'values', one.metric], exampleText(one, words)),
  );
  const name = basename(file, '.yaml');
  const named = value.profile === name ? [] : [at(['profile'], words.otherName(value.profile, name))];
  return { file, errors: [...named, ...wrong], profile: value };
}

export function printChecked({ file, errors, profile }: CheckedFile, words: Words): void {
  for (const error of errors) print(`${file}:${errorText(error)}`);
  if (errors.length > 0) print(`${file}${words.colon}${words.fileErrors(errors.length)}`);
  else print(`${words.fileIsGood(file)}${words.comma}${words.examplesGood(profile?.examples.length ?? 0)}`);
}

/** Gives the exit code: 1 when anything is wrong. */
export function checkFiles(files: string[], { lang, json }: { lang: FieldLanguage; json: boolean }): number {
  const checked = files.map((file) => checkFile(file, lang));
  if (json) print(JSON.stringify(checked.map(({ file, errors }) => ({ file, errors }))));
  else for (const one of checked) printChecked(one, WORDS[lang]);
  return checked.some(({ errors }) => errors.length > 0) ? 1 : 0;
}
