import { Button, Table, type TableColumnsType } from 'antd';
import { useState } from 'react';
import type { Command } from '../../http/schemas/commands.ts';
import { useAnyCommandText } from '../command-text.ts';
import { useLanguage } from '../i18n.ts';
import { dateTime } from '../time.ts';
import { useNarrow } from '../use-media.ts';
import { useUser } from '../user.ts';
import { Age, Moment } from './age.tsx';
import { DecideCommand, type Decision } from './decide-command.tsx';
import { TerminalLink } from './terminal-link.tsx';

function Why({ command }: { command: Command }) {
  const { t, titleOf, language } = useLanguage();
  return (
    <>
      {command.rules.map((each) => (
        <div key={each.rule}>{titleOf(each)}</div>
      ))}
      <div className="quiet">
        {command.reason === null ? t('held.noReason') : t('held.reason', { reason: command.reason })}
      </div>
      <div className="quiet">
        {t('held.until', { time: dateTime(command.expiresAt, language) })}
        {command.policyVersion !== null && ` · ${t('held.policy', { version: command.policyVersion })}`}
      </div>
    </>
  );
}

function Decide({ command, onDecide }: { command: Command; onDecide: (decision: Decision) => void }) {
  const { t } = useLanguage();
  const user = useUser();
  // The gateway knows it too of who asked with an API key.
  if (command.requestedBy === user.username) return <span className="quiet">{t('held.own')}</span>;
  return (
    <div className="buttons">
      {(['approve', 'refuse'] as const).map((kind) => (
        <Button
          key={kind}
          size="small"
          aria-label={t(`held.${kind}Of`, { id: command.terminalId })}
          onClick={() => onDecide({ command, kind })}
        >
          {t(`held.${kind}`)}
        </Button>
      ))}
    </div>
  );
}

export function HeldTable({ commands }: { commands: Command[] }) {
  const { t } = useLanguage();
  const text = useAnyCommandText();
  const narrow = useNarrow();
  const [decision, setDecision] = useState<Decision>();
  const why: TableColumnsType<Command> = [
    { title: t('held.why'), key: 'why', render: (_, command) => <Why command={command} /> },
  ];
  const columns: TableColumnsType<Command> = [
    {
      title: t('held.what'),
      key: 'what',
      render: (_, command) => (
        <>
          <TerminalLink id={command.terminalId} />
          <div>
            <strong>{text(command)}</strong>
          </div>
          <div className="quiet">
            <Moment time={command.createdAt} /> (<Age time={command.createdAt} />){' '}
            {t('held.by', { who: command.requestedBy })}
          </div>
          {narrow && <Why command={command} />}
        </>
      ),
    },
    ...(narrow ? [] : why),
    {
      title: t('held.decision'),
      key: 'decide',
      render: (_, command) => <Decide command={command} onDecide={setDecision} />,
    },
  ];
  return (
    <>
      <Table<Command>
        size="small"
        rowKey="id"
        aria-label={t('held.title')}
        columns={columns}
        dataSource={commands}
        pagination={false}
      />
      {decision && (
        <DecideCommand decision={decision} what={text(decision.command)} onClose={() => setDecision(undefined)} />
      )}
    </>
  );
}
