import { useInfiniteQuery } from '@tanstack/react-query';
import { useLanguage } from '../i18n.ts';
import { HeldTable } from '../parts/held-table.tsx';
import { Paged } from '../parts/paged.tsx';
import { heldQuery } from '../queries.ts';

export function HeldPage() {
  const { t } = useLanguage();
  return (
    <>
      <h1 className="title">{t('held.title')}</h1>
      <Paged query={useInfiniteQuery(heldQuery())} empty={t('held.none')}>
        {(commands) => <HeldTable commands={commands} />}
      </Paged>
    </>
  );
}
