import { useLanguage } from '../i18n.ts';
import type { LiveState } from '../live.ts';

const SIGN: Record<LiveState, string> = { live: '●', connecting: '◌', broken: '✕' };

export function LiveSign({ state }: { state: LiveState }) {
  const { t } = useLanguage();
  return (
    <span className={`live live-${state}`} role="status">
      <span aria-hidden="true">{SIGN[state]}</span> {t(`live.${state}`)}
    </span>
  );
}
