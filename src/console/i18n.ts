import i18next, { type TFunction } from 'i18next';
import { initReactI18next, useTranslation } from 'react-i18next';
import type { Bilingual } from '../http/schemas/common.ts';
import { en } from './locales/en.ts';
import { type Texts, zh } from './locales/zh.ts';

declare module 'i18next' {
  interface CustomTypeOptions {
    resources: { translation: Texts };
  }
}

export type Language = 'zh' | 'en';
export type T = TFunction;

const REMEMBERED = 'hearthgate.language';

/** Chinese unless someone chose English here: what the browser says is often only how the computer was sold. */
const remembered = (): Language => (localStorage.getItem(REMEMBERED) === 'en' ? 'en' : 'zh');

const languageOf = (text: string): Language => (text === 'en' ? 'en' : 'zh');

function followPage(language: Language): void {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  document.title = i18next.t('product');
}

export async function startTranslation(): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: remembered(),
    fallbackLng: false,
    resources: { zh: { translation: zh }, en: { translation: en } },
    interpolation: { escapeValue: false },
  });
  followPage(remembered());
}

export async function changeLanguage(language: Language): Promise<void> {
  localStorage.setItem(REMEMBERED, language);
  await i18next.changeLanguage(language);
  followPage(language);
}

export function useLanguage(): { t: T; language: Language; titleOf: (title: Bilingual) => string } {
  const { t, i18n } = useTranslation();
  const language = languageOf(i18n.language);
  return { t, language, titleOf: (title) => title[language] };
}

/** A word for a name that the gateway gave; the name itself where there is no word for it. */
export const wordFor = (words: Record<string, string>, name: string): string => words[name] ?? name;
