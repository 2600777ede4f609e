import { useQuery } from '@tanstack/react-query';
import { Card, Descriptions } from 'antd';
import type { Household } from '../../http/schemas/people.ts';
import { useAreas } from '../areas.ts';
import { useLanguage } from '../i18n.ts';
import { companyQuery } from '../queries.ts';
import { useUser } from '../user.ts';

function CompanyName({ id }: { id: string }) {
  const { data } = useQuery(companyQuery(id));
  return data?.name ?? id;
}

export function HouseholdData({ household }: { household: Household }) {
  const { t } = useLanguage();
  const { pathOf } = useAreas();
  const { role } = useUser();
  const none = t('value.none');
  // Residents may not look companies up.
  const company =
    role === 'resident' ? [] : [{ label: t('household.company'), children: <CompanyName id={household.companyId} /> }];
  const items = [
    { label: t('household.accountNo'), children: household.accountNo },
    { label: t('household.name'), children: household.name },
    { label: t('household.area'), children: pathOf(household.areaCode) },
    { label: t('household.address'), children: household.address ?? none },
    { label: t('household.phone'), children: household.phone ?? none },
    ...company,
    {
      label: t('household.vulnerable'),
      children: household.vulnerable ? t('household.vulnerableYes') : t('household.vulnerableNo'),
    },
  ];
  return (
    <Card size="small" title={<h2>{t('household.data')}</h2>}>
      <Descriptions size="small" column={{ xs: 1, sm: 2 }} items={items} />
    </Card>
  );
}
