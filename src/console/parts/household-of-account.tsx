import { useQuery } from '@tanstack/react-query';
import type { Household } from '../../http/schemas/people.ts';
import { get, type Page } from '../api.ts';
import { useAreas } from '../areas.ts';
import { useLanguage } from '../i18n.ts';

const ENOUGH = 50;

/** Whose account number it is, so that a slip of the finger shows before it is too late. */
export function HouseholdOfAccount({ accountNo }: { accountNo: string }) {
  const { t } = useLanguage();
  const { nameOf } = useAreas();
  const { data } = useQuery({
    queryKey: ['household-of-account', accountNo],
    queryFn: ({ signal }) => get<Page<Household>>('/households', { search: accountNo, limit: ENOUGH }, signal),
    enabled: accountNo !== '',
  });
  if (accountNo === '' || !data) return null;
  const household = data.items.find((one) => one.accountNo === accountNo);
  if (!household) return data.nextCursor === null ? <span role="alert">{t('claim.noHousehold')}</span> : null;
  const { name, address, areaCode } = household;
  return (
    <span role="status" className="words">
      <strong>{name}</strong> {nameOf(areaCode)} {address ?? ''}
    </span>
  );
}
