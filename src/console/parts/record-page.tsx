import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query';
import { Table, type TableColumnsType } from 'antd';
import type { ReactNode } from 'react';
import type { Page } from '../api.ts';
import { Paged } from './paged.tsx';

type Props<Item> = {
  title: string;
  hint: string;
  /** What stands there when there is none. */
  none: string;
  rowKey: keyof Item;
  columns: TableColumnsType<Item>;
  query: UseInfiniteQueryResult<InfiniteData<Page<Item>>>;
  /** Filters, and what is to be known before the list. */
  children: ReactNode;
};

/** A page of what was written down, the newest first. */
export function RecordPage<Item extends object>(props: Props<Item>) {
  const { title, hint, none, rowKey, columns, query, children } = props;
  return (
    <>
      <h1 className="title">{title}</h1>
      <p className="quiet">{hint}</p>
      {children}
      <Paged query={query} empty={none}>
        {(items) => (
          <Table<Item>
            size="small"
            rowKey={rowKey}
            aria-label={title}
            columns={columns}
            dataSource={items}
            pagination={false}
          />
        )}
      </Paged>
    </>
  );
}
