import { useInfiniteQuery } from '@tanstack/react-query';
import { useLanguage } from '../i18n.ts';
import { BatchForm } from '../parts/batch-form.tsx';
import { BatchTable } from '../parts/batch-table.tsx';
import { Paged } from '../parts/paged.tsx';
import { batchesQuery } from '../queries.ts';
import { maySwitch, useUser } from '../user.ts';

export function BatchesPage() {
  const { t } = useLanguage();
  return (
    <>
      <h1 className="title">{t('batch.title')}</h1>
      {maySwitch(useUser()) && <BatchForm />}
      <div className="after">
        <Paged query={useInfiniteQuery(batchesQuery())} empty={t('batch.none')}>
          {(batches) => <BatchTable batches={batches} label={t('batch.title')} />}
        </Paged>
      </div>
    </>
  );
}
