import { Button } from 'antd';
import type { Command } from '../../http/schemas/commands.ts';
import { useLanguage } from '../i18n.ts';
import { useCancelCommand } from '../use-send-command.ts';
import { maySwitch, useUser } from '../user.ts';
import { Failure } from './failure.tsx';

/** Offered until it is sent: what the terminal has can no longer be taken back. */
export function CancelCommand({ command }: { command: Command }) {
  const { t } = useLanguage();
  const user = useUser();
  const cancel = useCancelCommand(command);
  if (!maySwitch(user) || (command.state !== 'queued' && command.state !== 'held')) return null;
  return (
    <>
      <div className="buttons">
        <Button size="small" disabled={cancel.isPending} onClick={() => cancel.mutate()}>
          {t('command.cancel')}
        </Button>
      </div>
      {cancel.error && <Failure error={cancel.error} />}
    </>
  );
}
