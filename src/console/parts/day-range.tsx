import { Input } from 'antd';
import { useLanguage } from '../i18n.ts';

export type Days = { from: string; to: string };

/** Both days are in it. A day that is cleared stays as it was. */
export function DayRange({ from, to, onChange }: Days & { onChange: (part: Partial<Days>) => void }) {
  const { t } = useLanguage();
  return (
    <>
      {(['from', 'to'] as const).map((end) => (
        <Input
          key={end}
          className="filter-day"
          type="date"
          aria-label={t(`deposit.${end}`)}
          prefix={<span className="quiet">{t(`deposit.${end}`)}</span>}
          value={end === 'from' ? from : to}
          onChange={({ target: { value } }) => value && onChange({ [end]: value })}
        />
      ))}
    </>
  );
}
