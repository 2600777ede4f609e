import { Link } from '@tanstack/react-router';
import type { Terminal } from '../../http/schemas/terminals.ts';
import { useLanguage } from '../i18n.ts';

type Props = { terminal: Pick<Terminal, 'householdId' | 'householdName'> };

export function HouseholdLink({ terminal: { householdId, householdName } }: Props) {
  const { t } = useLanguage();
  if (householdId === null) return <span className="quiet">{t('terminal.noHousehold')}</span>;
  return (
    <Link to="/households/$id" params={{ id: householdId }}>
      {householdName ?? householdId}
    </Link>
  );
}
