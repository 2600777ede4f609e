import { useQuery } from '@tanstack/react-query';
import { Card, Empty } from 'antd';
import type { Command } from '../../http/schemas/commands.ts';
import type { ProfileView } from '../../http/schemas/terminals.ts';
import { useLanguage } from '../i18n.ts';
import { commandsQuery } from '../queries.ts';
import { CommandProgress } from './command-progress.tsx';
import { CommandTable } from './command-table.tsx';
import { Loaded } from './loaded.tsx';

const newestFirst = (commands: readonly Command[]): Command[] =>
  commands.toSorted((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt));

export function CommandsCard({ terminalId, profile }: { terminalId: string; profile: ProfileView }) {
  const { t } = useLanguage();
  return (
    <Card size="small" title={<h2>{t('command.recent')}</h2>}>
      <Loaded query={useQuery(commandsQuery(terminalId))}>
        {(page) => {
          const [latest, ...earlier] = newestFirst(page.items);
          if (!latest) return <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('command.none')} />;
          return (
            <>
              <CommandProgress command={latest} profile={profile} />
              {earlier.length > 0 && <CommandTable commands={earlier} profile={profile} />}
            </>
          );
        }}
      </Loaded>
    </Card>
  );
}
