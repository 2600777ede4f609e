import { Table, type TableColumnsType } from 'antd';
import type { Command } from '../../http/schemas/commands.ts';
import type { ProfileView } from '../../http/schemas/terminals.ts';
import { useCommandText } from '../command-text.ts';
import { useLanguage } from '../i18n.ts';
import { Moment } from './age.tsx';
import { CancelCommand } from './cancel-command.tsx';
import { CommandTimeline } from './command-progress.tsx';
import { CommandStateTag } from './command-state.tsx';

export function CommandTable({ commands, profile }: { commands: Command[]; profile: ProfileView }) {
  const { t } = useLanguage();
  const text = useCommandText(profile);
  const columns: TableColumnsType<Command> = [
    {
      title: t('command.name'),
      key: 'command',
      render: (_, command) => (
        <>
          {text(command)}
          <div className="quiet">
            <Moment time={command.createdAt} /> {command.requestedBy}
          </div>
        </>
      ),
    },
    {
      title: t('command.state'),
      key: 'state',
      render: (_, command) => (
        <>
          <CommandStateTag state={command.state} />
          <CancelCommand command={command} />
        </>
      ),
    },
  ];
  return (
    <Table<Command>
      size="small"
      rowKey="id"
      aria-label={t('command.recent')}
      columns={columns}
      dataSource={commands}
      pagination={false}
      expandable={{ expandedRowRender: (command) => <CommandTimeline command={command} profile={profile} /> }}
    />
  );
}
