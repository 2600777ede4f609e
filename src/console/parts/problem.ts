import { ApiError } from '../api.ts';
import { type Language, type T, wordFor } from '../i18n.ts';

/** The problem's title in the reader's language; the gateway's own words for a code that is new to this page. */
export function problemTitle(t: T, error: Error): string {
  const words: Record<string, string> = t('problem', { returnObjects: true });
  if (!(error instanceof ApiError)) return t('problem.unexpected');
  return error.code in words ? wordFor(words, error.code) : error.message;
}

/** What the gateway says beyond the title, and whether it says that in English to all. */
export function problemDetail(error: Error, language: Language): { text: string; isEnglish: boolean } | undefined {
  if (!(error instanceof ApiError)) return { text: error.message, isEnglish: true };
  if (language === 'zh' && error.detailZh !== undefined) return { text: error.detailZh, isEnglish: false };
  return error.detail === undefined || error.detail === error.message
    ? undefined
    : { text: error.detail, isEnglish: true };
}
