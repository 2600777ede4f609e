/** What is said to people. */

export const LANGUAGES = ['zh', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

/** One text for both languages is what another program said, a path or a number. */
export type Text = string | Record<Language, string>;

export const inLanguage = (text: Text, language: Language): string =>
  typeof text === 'string' ? text : text[language];
