import { Button, InputNumber } from 'antd';
import { useId, useState } from 'react';
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
  const hint = useId();
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
        aria-describedby={hint}
        // No `min` and `max`: they would make 30 of a mistyped 99 and send that. The gateway refuses it and says so.
        step={range.step}
        suffix={unit}
        value={value}
        onChange={setTyped}
      />
      <Button htmlType="submit" disabled={busy || value === null}>
        {t('command.send')}
      </Button>
      <span id={hint} className="quiet">
        {t('command.range', { ...range, unit })}
      </span>
    </form>
  );
}
