import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { Button, Card, Table, type TableColumnsType } from 'antd';
import type { ImportError } from '../../http/schemas/provisioning.ts';
import { fetchFile } from '../api.ts';
import { useLanguage } from '../i18n.ts';
import { importErrorsQuery } from '../queries.ts';
import { saveFile } from '../save.ts';
import { useNarrow } from '../use-media.ts';
import { Failure } from './failure.tsx';
import { Paged } from './paged.tsx';

function ErrorTable({ items }: { items: ImportError[] }) {
  const { t, titleOf } = useLanguage();
  const narrow = useNarrow();
  const nameOf = ({ title }: ImportError) => (title === null ? t('value.none') : titleOf(title));
  const value = (text: string) => <code className="words">{text === '' ? t('value.none') : text}</code>;
  const wide: TableColumnsType<ImportError> = [
    { title: t('import.column'), key: 'column', render: (_, error) => nameOf(error) },
    { title: t('import.value'), key: 'value', render: (_, error) => value(error.value) },
    { title: t('import.message'), key: 'message', render: (_, { message }) => titleOf(message) },
  ];
  const together: TableColumnsType<ImportError> = [
    {
      title: t('import.message'),
      key: 'message',
      render: (_, error) => (
        <>
          <div>{titleOf(error.message)}</div>
          <div className="quiet">
            {nameOf(error)} {value(error.value)}
          </div>
        </>
      ),
    },
  ];
  return (
    <Table<ImportError>
      size="small"
      rowKey={({ row, column, code }) => `${row} ${column} ${code}`}
      aria-label={t('import.errorList')}
      columns={[
        { title: t('import.row'), key: 'row', className: 'nowrap', render: (_, { row }) => row },
        ...(narrow ? together : wide),
      ]}
      dataSource={items}
      pagination={false}
    />
  );
}

/** Every error by row and column, and all that were kept as a file. */
export function ImportErrors({ id }: { id: string }) {
  const { t } = useLanguage();
  const save = useMutation({
    mutationFn: () => fetchFile('GET', `/imports/${encodeURIComponent(id)}/errors.csv`),
    onSuccess: (file) => saveFile(file, `${id}-errors.csv`),
  });
  const button = (
    <Button size="small" loading={save.isPending} onClick={() => save.mutate()}>
      {t('import.saveErrors')}
    </Button>
  );
  return (
    <Card size="small" title={<h2>{t('import.errorList')}</h2>} extra={button}>
      {save.error && <Failure error={save.error} />}
      <Paged query={useInfiniteQuery(importErrorsQuery(id))} empty={t('import.noErrors')}>
        {(items) => <ErrorTable items={items} />}
      </Paged>
    </Card>
  );
}
