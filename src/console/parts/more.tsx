import { Button } from 'antd';
import { useLanguage } from '../i18n.ts';

type Pages = { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown };

export function More({ pages, shown }: { pages: Pages; shown: number }) {
  const { t } = useLanguage();
  return (
    <div className="more">
      <span className="quiet">{t('list.count', { n: shown })}</span>
      {pages.hasNextPage ? (
        <Button loading={pages.isFetchingNextPage} onClick={() => pages.fetchNextPage()}>
          {t('action.more')}
        </Button>
      ) : (
        <span className="quiet">{t('list.all')}</span>
      )}
    </div>
  );
}
