import { Timeline } from 'antd';
import type { Command, CommandState } from '../../http/schemas/commands.ts';
import type { ProfileView } from '../../http/schemas/terminals.ts';
import { useCommandText } from '../command-text.ts';
import { useLanguage } from '../i18n.ts';
import { useStepText } from '../step-text.ts';
import { Moment } from './age.tsx';
import { CancelCommand } from './cancel-command.tsx';
import { CommandStateTag, STATE_COLOR } from './command-state.tsx';

type Props = { command: Command; profile: ProfileView };
type Waiting = 'held' | 'queued' | 'sent' | 'acknowledged';

const isWaiting = (state: CommandState): state is Waiting =>
  state === 'held' || state === 'queued' || state === 'sent' || state === 'acknowledged';

/** What has happened to a command, when and why; and what it is waiting for. */
export function CommandTimeline({ command, profile }: Props) {
  const { t } = useLanguage();
  const stepText = useStepText(profile, command);
  const past = command.history.map((step, n) => ({
    key: `${step.state} ${n}`,
    color: step.cause === 'contradicted' ? 'orange' : STATE_COLOR[step.state],
    content: (
      <>
        {t(`command.states.${step.state}`)} <Moment time={step.at} />
        <div className="quiet">{stepText(step)}</div>
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

export function CommandProgress({ command, profile }: Props) {
  const { t, titleOf } = useLanguage();
  const text = useCommandText(profile);
  return (
    <section className="latest-command" aria-label={t('command.latest')}>
      <h3>
        {text(command)} <CommandStateTag state={command.state} />
      </h3>
      <p role="status">{t(`command.explain.${command.state}`)}</p>
      {command.state === 'held' && command.rules.map((each) => <p key={each.rule}>{titleOf(each)}</p>)}
      {command.deliveryAt !== null && (
        <p className="quiet">
          {t('command.delivery')} <Moment time={command.deliveryAt} />
        </p>
      )}
      {command.reason !== null && (
        <p className="quiet">
          {t('command.reason')}: {command.reason}
        </p>
      )}
      <CommandTimeline command={command} profile={profile} />
      <CancelCommand command={command} />
    </section>
  );
}
