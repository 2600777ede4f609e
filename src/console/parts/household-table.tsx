import { Link } from '@tanstack/react-router';
import { Table, type TableColumnsType, Tag } from 'antd';
import type { Household } from '../../http/schemas/people.ts';
import { useAreas } from '../areas.ts';
import { useLanguage } from '../i18n.ts';

export function HouseholdTable({ households }: { households: Household[] }) {
  const { t } = useLanguage();
  const { pathOf } = useAreas();
  const columns: TableColumnsType<Household> = [
    {
      title: t('household.accountNo'),
      key: 'accountNo',
      render: (_, { id, accountNo }) => (
        <Link to="/households/$id" params={{ id }}>
          {accountNo}
        </Link>
      ),
    },
    {
      title: t('household.name'),
      key: 'name',
      render: (_, { name, vulnerable }) => (
        <>
          {name} {vulnerable && <Tag color="orange">{t('household.vulnerable')}</Tag>}
        </>
      ),
    },
    {
      title: t('household.area'),
      key: 'area',
      responsive: ['sm'],
      render: (_, { areaCode }) => pathOf(areaCode),
    },
    { title: t('household.address'), key: 'address', dataIndex: 'address', responsive: ['md'] },
    { title: t('household.phone'), key: 'phone', dataIndex: 'phone' },
  ];
  return (
    <Table<Household>
      size="small"
      rowKey="id"
      aria-label={t('household.listTitle')}
      columns={columns}
      dataSource={households}
      pagination={false}
    />
  );
}
