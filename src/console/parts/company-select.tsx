import { useQuery } from '@tanstack/react-query';
import { Select } from 'antd';
import { useLanguage } from '../i18n.ts';
import { companiesQuery } from '../queries.ts';

type Props = { value: string | undefined; onChange: (id: string | undefined) => void };

/** For those who see more than one. */
export function CompanySelect({ value, onChange }: Props) {
  const { t } = useLanguage();
  const companies = useQuery(companiesQuery());
  return (
    <Select<string | null>
      className="filter-area"
      aria-label={t('deposit.company')}
      placeholder={t('takings.allCompanies')}
      value={value ?? null}
      loading={companies.isPending}
      options={companies.data?.items.map(({ id, name }) => ({ value: id, label: name })) ?? []}
      allowClear
      onChange={(id) => onChange(id ?? undefined)}
    />
  );
}
