import { createContext, type ReactNode, useContext, useEffect, useState } from 'react';
import type { Bilingual } from '../http/schemas/common.ts';
import { en } from './texts-en.ts';
import { type Texts, zh } from './texts-zh.ts';

export type Language = 'zh' | 'en';

/** The console remembers it under the same name. */
const REMEMBERED = 'hearthgate.language';
const remembered = (): Language => (localStorage.getItem(REMEMBERED) === 'en' ? 'en' : 'zh');

interface Words {
  language: Language;
  texts: Texts;
  titleOf: (title: Bilingual) => string;
  change: (language: Language) => void;
}
const Context = createContext<Words | null>(null);

export function LanguageProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState(remembered);
  const texts = language === 'zh' ? zh : en;
  useEffect(() => {
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
    document.title = texts.title;
  }, [language, texts]);
  const change = (next: Language) => {
    localStorage.setItem(REMEMBERED, next);
    setLanguage(next);
  };
  return <Context value={{ language, texts, titleOf: (title) => title[language], change }}>{children}</Context>;
}

export function useWords(): Words {
  const words = useContext(Context);
  if (words === null) throw new Error('useWords is for what stands below LanguageProvider');
  return words;
}

/** `{{n}} days` and `{ n: 3 }` → `3 days`. */
export const fill = (text: string, values: Record<string, string | number>): string =>
  text.replace(/\{\{(\w+)\}\}/g, (_, name: string) => String(values[name] ?? ''));
