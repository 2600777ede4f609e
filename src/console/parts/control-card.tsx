import { Alert, Card } from 'antd';
import { useState } from 'react';
import type { ProfileView, Terminal } from '../../http/schemas/terminals.ts';
import type { CommandView } from '../command-text.ts';
import { useLanguage } from '../i18n.ts';
import { EXPIRES_IN_S, type NewCommand, useSendCommand } from '../use-send-command.ts';
import { valueText } from '../values.ts';
import { Age } from './age.tsx';
import { ConfirmCommand, type Grave, graveOf } from './confirm-command.tsx';
import { Failure } from './failure.tsx';
import { RangeControl } from './range-control.tsx';
import { ValueButtons } from './value-buttons.tsx';

/** What the terminal itself says it is, not what someone wished it to be. */
function Measured({ terminal, profile, view }: { terminal: Terminal; profile: ProfileView; view: CommandView }) {
  const words = useLanguage();
  const { t } = words;
  const metric = profile.metrics[view.confirm];
  const latest = terminal.values[view.confirm];
  return (
    <p className="measured">
      {t('command.measured')}:{' '}
      {metric && latest ? (
        <>
          <strong>{valueText(words, view.confirm, metric, latest.value)}</strong> <Age time={latest.time} />
        </>
      ) : (
        t('command.measuredNone')
      )}
    </p>
  );
}

export function ControlCard({ terminal, profile }: { terminal: Terminal; profile: ProfileView }) {
  const { t, titleOf } = useLanguage();
  const [grave, setGrave] = useState<Grave>();
  const send = useSendCommand(terminal.id);
  const want = (wanted: NewCommand) => {
    const asks = graveOf(wanted);
    if (asks) setGrave(asks);
    else send.mutate(wanted);
  };
  return (
    <Card size="small" title={<h2>{t('command.title')}</h2>}>
      {terminal.status !== 'online' && (
        <Alert className="before" type="warning" showIcon title={t('command.notOnline', { n: EXPIRES_IN_S })} />
      )}
      {Object.entries(profile.commands).map(([command, view]) => (
        <fieldset key={command} className="control">
          <legend>{titleOf(view.title)}</legend>
          <Measured terminal={terminal} profile={profile} view={view} />
          <ValueButtons view={view} busy={send.isPending} onChoose={(value) => want({ command, value })} />
          <RangeControl
            view={view}
            unit={profile.metrics[view.confirm]?.unit ?? ''}
            measured={terminal.values[view.confirm]?.value}
            busy={send.isPending}
            onChoose={(value) => want({ command, value })}
          />
        </fieldset>
      ))}
      {send.error && !grave && <Failure error={send.error} />}
      {grave && (
        <ConfirmCommand
          grave={grave}
          terminal={terminal}
          sending={send.isPending}
          error={send.error}
          onSend={(wanted) => send.mutate(wanted, { onSuccess: () => setGrave(undefined) })}
          onClose={() => {
            setGrave(undefined);
            send.reset();
          }}
        />
      )}
    </Card>
  );
}
