import { Timeline } from 'antd';
import type { Command, CommandState } from '../../http/schemas/commands.ts';
import type { ProfileView } from '../../http/schemas/terminals.ts';
import { useCommandText } from '../command-text.ts';
import { useLanguage } from '../i18n.ts';
import { Moment } from './age.tsx';
import { CancelCommand } from './cancel-command.tsx';
import { CommandStateTag, STATE_COLOR } from './command-state.tsx';

type Waiting = 'held' | 'queued' | 'sent' | 'acknowledged';

const isWaiting = (state: CommandState): state is Waiting =>
  state === 'held' || state === 'queued' || state === 'sent' || state === 'acknowledged';

/** What has happened to a command, when and why; and what it is waiting for. */
export function CommandTimeline({ command }: { command: Command }) {
  const { t } = useLanguage();
  const past = command.history.map(({ state, at, cause }) => ({
    key: `${state} ${at}`,
    color: STATE_COLOR[state],
    content: (
      <>
        {t(`command.states.${state}`)} <Moment time={at} />
        <div className="quiet">{cause}</div>
      </>
    ),
  }));
  const next = isWaiting(command.state)
    ? [{ key: 'next', color: 'gray', loading: true, content: t(`command.waiting.${command.state}`) }]
    : [];
  return (
    <section aria-label={t('command.progress')}>
      <Timeline items={[...past, ...next]} />
    </section>
  );
}

export function CommandProgress({ command, profile }: { command: Command; profile: ProfileView }) {
  const { t } = useLanguage();
  const text = useCommandText(profile);
  return (
    <section className="latest-command" aria-label={t('command.latest')}>
      <h3>
        {text(command)} <CommandStateTag state={command.state} />
      </h3>
      <p role="status">{t(`command.explain.${command.state}`)}</p>
      {command.reason !== null && (
        <p className="quiet">
          {t('command.reason')}: {command.reason}
        </p>
      )}
      <CommandTimeline command={command} />
      <CancelCommand command={command} />
    </section>
  );
}
