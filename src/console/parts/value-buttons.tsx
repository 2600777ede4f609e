import { Button } from 'antd';
import type { CommandView } from '../command-text.ts';
import { useLanguage, wordFor } from '../i18n.ts';
import { isGrave } from './confirm-command.tsx';

type Props = { view: CommandView; busy: boolean; onChoose: (value: string) => void };

export function ValueButtons({ view, busy, onChoose }: Props) {
  const { t } = useLanguage();
  const words = t('command.word', { returnObjects: true });
  return (
    <div className="buttons">
      {view.values?.map((value) => (
        <Button key={value} danger={isGrave(value)} disabled={busy} onClick={() => onChoose(value)}>
          {wordFor(words, value)}
        </Button>
      ))}
    </div>
  );
}
