import { useInfiniteQuery } from '@tanstack/react-query';
import { useLanguage } from '../i18n.ts';
import { BatchTable } from '../parts/batch-table.tsx';
import { HeldTable } from '../parts/held-table.tsx';
import { Paged } from '../parts/paged.tsx';
import { batchesQuery, heldQuery } from '../queries.ts';

/** A batch is decided over as a whole, on its own page. */
function HeldBatches() {
  const { t } = useLanguage();
  const { data } = useInfiniteQuery(batchesQuery('held'));
  const batches = data?.pages.flatMap(({ items }) => items) ?? [];
  return batches.length === 0 ? null : <BatchTable batches={batches} label={t('batch.heldTitle')} />;
}

export function HeldPage() {
  const { t } = useLanguage();
  return (
    <>
      <h1 className="title">{t('held.title')}</h1>
      <HeldBatches />
      <Paged query={useInfiniteQuery(heldQuery())} empty={t('held.none')}>
        {(commands) => <HeldTable commands={commands} />}
      </Paged>
    </>
  );
}
