import { Select } from 'antd';
import type { ReactNode } from 'react';
import { useLanguage } from '../i18n.ts';
import { SearchBox } from './search-box.tsx';

type Props = {
  terminalId: string | undefined;
  onTerminal: (terminalId: string | undefined) => void;
  /** What is chosen from, by its code: its name, and what stands there when nothing is chosen. */
  label: string;
  all: string;
  words: Record<string, string>;
  chosen: string | undefined;
  onChoose: (code: string | undefined) => void;
  children?: ReactNode;
};

/** Of a list of what was refused: of which terminal, and why. */
export function RefusalFilters({ terminalId, onTerminal, label, all, words, chosen, onChoose, children }: Props) {
  const { t } = useLanguage();
  return (
    <search className="filters">
      <SearchBox
        label={t('terminal.id')}
        value={terminalId ?? ''}
        onChange={(text) => onTerminal(text.trim() || undefined)}
      />
      <Select
        className="filter-reason"
        aria-label={label}
        placeholder={all}
        value={chosen ?? null}
        options={Object.entries(words).map(([value, word]) => ({ value, label: word }))}
        allowClear
        onChange={(code) => onChoose(code ?? undefined)}
      />
      {children}
    </search>
  );
}
