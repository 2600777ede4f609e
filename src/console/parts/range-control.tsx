import { Button, InputNumber } from 'antd';
import { useState } from 'react';
import type { CommandView } from '../command-text.ts';
import { useLanguage } from '../i18n.ts';

type Props = {
  view: CommandView;
  unit: string;
  measured: number | undefined;
  busy: boolean;
  onChoose: (value: number) => void;
};

export function RangeControl({ view: { range, title }, unit, measured, busy, onChoose }: Props) {
  const { t, titleOf } = useLanguage();
  const [typed, setTyped] = useState<number | null>();
  if (range === undefined) return null;
  // Follows what is measured until someone types.
  const value = typed === undefined ? (measured ?? null) : typed;
  return (
    <form
      className="buttons"
      onSubmit={(event) => {
        event.preventDefault();
        if (value !== null) onChoose(value);
      }}
    >
      <InputNumber<number>
        aria-label={t('command.newValue', { title: titleOf(title) })}
        min={range.min}
        max={range.max}
        step={range.step}
        suffix={unit}
        value={value}
        onChange={setTyped}
      />
      <Button htmlType="submit" disabled={busy || value === null}>
        {t('command.send')}
      </Button>
    </form>
  );
}
