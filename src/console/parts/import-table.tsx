import { Link } from '@tanstack/react-router';
import { Table, type TableColumnsType } from 'antd';
import type { FileImport } from '../../http/schemas/provisioning.ts';
import { useLanguage } from '../i18n.ts';
import { useNarrow } from '../use-media.ts';
import { Moment } from './age.tsx';
import { ImportState } from './import-state.tsx';

export function ImportTable({ items }: { items: FileImport[] }) {
  const { t } = useLanguage();
  const narrow = useNarrow();
  const link = ({ id, fileName }: FileImport) => (
    <Link to="/imports" search={{ id }} className="words">
      {fileName || t('import.noName')}
    </Link>
  );
  const counts = ({ kind, rows, created, unchanged, booked, errors, dryRun }: FileImport) =>
    [
      `${t('import.rows')} ${rows}`,
      `${t(dryRun ? 'import.wouldCreate' : 'import.created')} ${created}`,
      `${t('import.unchanged')} ${unchanged}`,
      ...(kind === 'households' ? [`${t('import.booked')} ${booked}`] : []),
      `${t('import.errors')} ${errors}`,
    ].join(' · ');
  const together: TableColumnsType<FileImport> = [
    {
      title: t('import.file'),
      key: 'file',
      render: (_, one) => (
        <>
          <div>
            {link(one)} <ImportState of={one} />
          </div>
          <div>{counts(one)}</div>
          <div className="quiet">
            <Moment time={one.createdAt} /> {one.requestedBy}
          </div>
        </>
      ),
    },
  ];
  const wide: TableColumnsType<FileImport> = [
    { title: t('import.time'), key: 'time', render: (_, { createdAt }) => <Moment time={createdAt} /> },
    { title: t('import.file'), key: 'file', render: (_, one) => link(one) },
    { title: t('import.by'), key: 'by', render: (_, { requestedBy }) => <span className="words">{requestedBy}</span> },
    { title: t('import.state'), key: 'state', render: (_, one) => <ImportState of={one} /> },
    { title: t('import.counts'), key: 'counts', render: (_, one) => counts(one) },
  ];
  return (
    <Table<FileImport>
      size="small"
      rowKey="id"
      aria-label={t('import.list')}
      columns={narrow ? together : wide}
      dataSource={items}
      pagination={false}
    />
  );
}
