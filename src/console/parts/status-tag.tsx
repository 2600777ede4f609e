import { Tag } from 'antd';
import type { TerminalStatus } from '../../http/schemas/terminals.ts';
import { useLanguage } from '../i18n.ts';

/** Never by colour alone: a sign and a word too. */
const LOOK: Record<TerminalStatus, { color: string; sign: string }> = {
  online: { color: 'green', sign: '●' },
  offline: { color: 'red', sign: '✕' },
  unknown: { color: 'default', sign: '?' },
};

export function StatusTag({ status }: { status: TerminalStatus }) {
  const { t } = useLanguage();
  const { color, sign } = LOOK[status];
  return (
    <Tag color={color}>
      <span aria-hidden="true">{sign}</span> {t(`status.${status}`)}
    </Tag>
  );
}
