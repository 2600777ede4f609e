import { Tag } from 'antd';
import type { CommandState } from '../../http/schemas/commands.ts';
import { useLanguage } from '../i18n.ts';

/** Green and a tick are for `confirmed` alone: nothing else has been done. */
export const STATE_COLOR: Record<CommandState, string> = {
  held: 'gold',
  queued: '#1f6feb',
  sent: '#1f6feb',
  acknowledged: '#1f6feb',
  confirmed: 'green',
  rejected: 'red',
  refused: 'red',
  timed_out: 'orange',
  expired: 'orange',
  cancelled: 'gray',
};

const SIGN: Record<CommandState, string> = {
  held: '‖',
  queued: '…',
  sent: '…',
  acknowledged: '…',
  confirmed: '✓',
  rejected: '✕',
  refused: '✕',
  timed_out: '?',
  expired: '✕',
  cancelled: '–',
};

export function CommandStateTag({ state }: { state: CommandState }) {
  const { t } = useLanguage();
  return (
    <Tag color={STATE_COLOR[state] === 'gray' ? 'default' : STATE_COLOR[state]}>
      <span aria-hidden="true">{SIGN[state]}</span> {t(`command.states.${state}`)}
    </Tag>
  );
}
