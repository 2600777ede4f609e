import { ApiError } from '../api.ts';
import { type T, wordFor } from '../i18n.ts';

/** The problem's title in the reader's language; the gateway's own words for a code that is new to this page. */
export function problemTitle(t: T, error: Error): string {
  const words: Record<string, string> = t('problem', { returnObjects: true });
  if (!(error instanceof ApiError)) return t('problem.unexpected');
  return error.code in words ? wordFor(words, error.code) : error.message;
}

/** What the gateway says beyond the title. */
export function problemDetail(error: Error): string | undefined {
  if (!(error instanceof ApiError)) return error.message;
  return error.detail === error.message ? undefined : error.detail;
}
