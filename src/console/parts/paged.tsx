import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query';
import { Empty } from 'antd';
import type { ReactNode } from 'react';
import type { Page } from '../api.ts';
import { Loaded } from './loaded.tsx';
import { More } from './more.tsx';

type Props<T> = {
  query: UseInfiniteQueryResult<InfiniteData<Page<T>>>;
  empty: string;
  children: (items: T[]) => ReactNode;
};

/** A list that is loaded page by page: of a hundred thousand households never all. */
export function Paged<T>({ query, empty, children }: Props<T>) {
  return (
    <Loaded query={query}>
      {(data) => {
        const items = data.pages.flatMap((page) => page.items);
        if (items.length === 0) return <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={empty} />;
        return (
          <>
            {children(items)}
            <More pages={query} shown={items.length} />
          </>
        );
      }}
    </Loaded>
  );
}
