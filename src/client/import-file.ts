import { openAsBlob } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Problem } from '../http/schemas/common.ts';
import type { FileImport, ImportError } from '../http/schemas/provisioning.ts';
import { createProgress } from './progress.ts';
import { type ImportLanguage, WORDS } from './words.ts';

/** Brings a file of terminals or households to a gateway that runs, here or elsewhere, and waits until it is done. */

const LOOK_MS = 500;
/** A gateway that does not answer for this long is given up; the import goes on by itself. */
const PATIENCE_MS = 30_000;
const ERRORS_SHOWN = 20;

export interface ImportOptions {
  kind: FileImport['kind'];
  /** CSV or XLSX. */
  file: string;
  url: string;
  key: string;
  dryRun: boolean;
  /** Of terminals. */
  unclaimed: boolean;
  language: ImportLanguage;
  json: boolean;
  /** Where the credentials go. */
  credentials: string | undefined;
  /** Where the list of errors goes. */
  errors: string | undefined;
}

/** What the gateway refused, in its words. */
class Refusal extends Error {}

function createClient({ url, key }: ImportOptions) {
  return async function ask(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set('authorization', `Bearer ${key}`);
    const response = await fetch(`${url.replace(/\/$/, '')}/api/v1${path}`, { ...init, method, headers });
    if (response.ok) return response;
    const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
    throw new Refusal(`${problem.code ?? response.status}: ${problem.detail ?? problem.title ?? response.statusText}`);
  };
}
type Ask = ReturnType<typeof createClient>;

/** Secrets and lists are never written over what is there. */
async function save(file: string, mode: number, body: ReadableStream<Uint8Array> | null): Promise<void> {
  await using handle = await open(file, 'wx', mode);
  for await (const chunk of body ?? []) await handle.writeFile(chunk);
}

async function watch(ask: Ask, { id }: FileImport, language: ImportLanguage): Promise<FileImport> {
  const words = WORDS[language];
  const progress = createProgress(process.stderr);
  let silentSince: number | undefined;
  const cancel = () => {
    process.stderr.write(`\n${words.cancelling}\n`);
    ask('POST', `/imports/${id}/cancel`).catch(() => undefined);
  };
  process.once('SIGINT', cancel);
  try {
    for (;;) {
      try {
        const now = (await (await ask('GET', `/imports/${id}`)).json()) as FileImport;
        silentSince = undefined;
        progress.show(now.progress, `${words.states[now.state]} ${now.rows} ${words.rows}`);
        if (now.finishedAt !== null) return now;
      } catch (error) {
        silentSince ??= performance.now();
        if (error instanceof Refusal || performance.now() - silentSince > PATIENCE_MS) throw error;
      }
      await wait(LOOK_MS);
    }
  } finally {
    process.off('SIGINT', cancel);
    progress.end();
  }
}

async function tellErrors(ask: Ask, { id, errors }: FileImport, options: ImportOptions): Promise<void> {
  const words = WORDS[options.language];
  const page = (await (await ask('GET', `/imports/${id}/errors?limit=${ERRORS_SHOWN}`)).json()) as {
    items: ImportError[];
  };
  process.stdout.write(`${words.errors(errors)}\n`);
  for (const { row, column, title, value, message } of page.items) {
    const what = value === '' ? '' : ` “${value}”`;
    process.stdout.write(
      `  ${words.line(row, title?.[options.language] ?? column)}${what}: ${message[options.language]}\n`,
    );
  }
  if (errors > page.items.length) process.stdout.write(`  ${words.more(errors - page.items.length)}\n`);
}

function summary(ended: FileImport, language: ImportLanguage): string {
  const words = WORDS[language];
  const { kind, state, rows, created, unchanged, booked, dryRun, detail } = ended;
  if (state !== 'done') return `${words.states[state]}: ${detail ?? words.nothing}`;
  const made = dryRun ? words.wouldCreate : words.created;
  const balances = kind === 'households' ? `, ${dryRun ? words.wouldBook : words.booked} ${booked}` : '';
  return `${words.states.done}: ${rows} ${words.rows}, ${made} ${created}, ${words.unchanged} ${unchanged}${balances}`;
}

/** Gives the exit code: 0 when it is done. Throws what a person can mend, as a sentence. */
export async function importFile(options: ImportOptions): Promise<number> {
  const ask = createClient(options);
  const words = WORDS[options.language];
  const query = new URLSearchParams({
    dryRun: String(options.dryRun),
    fileName: basename(options.file).slice(0, 200),
  });
  if (options.unclaimed) query.set('unclaimed', 'true');
  // The gateway looks at the file itself.
  const body = await openAsBlob(options.file, { type: 'text/csv' });
  const begun = (await (await ask('POST', `/${options.kind}/import?${query}`, { body })).json()) as FileImport;
  const ended = await watch(ask, begun, options.language);
  process.stdout.write(options.json ? `${JSON.stringify(ended)}\n` : `${summary(ended, options.language)}\n`);
  if (ended.errors > 0 && !options.json) await tellErrors(ask, ended, options);
  if (ended.errors > 0 && options.errors !== undefined) {
    await save(options.errors, 0o644, (await ask('GET', `/imports/${ended.id}/errors.csv`)).body);
    process.stderr.write(`${words.kept(words.errorList, options.errors)}\n`);
  }
  if (ended.credentialsUntil !== null) await keepCredentials(ask, ended, options);
  return ended.state === 'done' ? 0 : 1;
}

async function keepCredentials(ask: Ask, { id, credentialsUntil }: FileImport, options: ImportOptions): Promise<void> {
  const words = WORDS[options.language];
  if (options.credentials === undefined) {
    process.stderr.write(`${words.fetchLater(credentialsUntil ?? '')}\n`);
    return;
  }
  await save(options.credentials, 0o600, (await ask('POST', `/imports/${id}/credentials`)).body);
  process.stderr.write(`${words.kept(words.credentials, options.credentials)}\n`);
}
