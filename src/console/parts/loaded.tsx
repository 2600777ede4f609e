import { Spin } from 'antd';
import type { ReactNode } from 'react';
import { useLanguage } from '../i18n.ts';
import { Failure } from './failure.tsx';

type Query<T> = { data: T | undefined; error: Error | null; refetch: () => unknown };

export function Loading() {
  const { t } = useLanguage();
  return (
    <div className="loading" role="status" aria-label={t('list.loading')}>
      <Spin />
    </div>
  );
}

/** A query's answer, with its error above what is known from before, or the wait for it. */
export function Loaded<D>({ query, children }: { query: Query<D>; children: (data: D) => ReactNode }) {
  const failure = query.error && <Failure error={query.error} onRetry={() => query.refetch()} />;
  if (query.data === undefined) return failure ?? <Loading />;
  return (
    <>
      {failure}
      {children(query.data)}
    </>
  );
}
