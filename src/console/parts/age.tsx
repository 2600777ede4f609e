import { now, useNow } from '../clock.ts';
import { useLanguage } from '../i18n.ts';
import { age, dateTime } from '../time.ts';

/** How old something is, ticking; the exact time on hover. */
export function Age({ time }: { time: string | null }) {
  const { t, language } = useLanguage();
  // The shared tick stands still while nobody looks, so a fresh page asks the clock itself.
  const current = Math.max(useNow(), now());
  if (time === null) return <span className="quiet">{t('age.never')}</span>;
  return (
    <time dateTime={time} title={dateTime(time, language)} className="age">
      {age(t, current - Date.parse(time))}
    </time>
  );
}

export function Moment({ time }: { time: string }) {
  const { language } = useLanguage();
  return <time dateTime={time}>{dateTime(time, language)}</time>;
}
