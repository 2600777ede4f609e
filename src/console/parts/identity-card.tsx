import { Card, Descriptions } from 'antd';
import type { Connection, Terminal } from '../../http/schemas/terminals.ts';
import { useAreas } from '../areas.ts';
import { type T, useLanguage } from '../i18n.ts';
import { useProfileTitle } from '../profiles.ts';
import { Moment } from './age.tsx';
import { HouseholdLink } from './household-link.tsx';

function lineText(line: Extract<Connection, { type: 'modbus' }>['line']): string {
  if ('serial' in line) return `${line.serial} (${line.baudRate})`;
  if ('listen' in line) return `${line.listen}/${line.registration}`;
  return `${line.host}:${line.port}${line.framing === 'rtu' ? ' (RTU)' : ''}`;
}

function connectionText(t: T, connection: Connection): string {
  if (connection.type === 'mqtt') {
    const { via, name } = connection;
    return ['MQTT', name, via !== undefined && t('terminal.via', { via })].filter(Boolean).join(' ');
  }
  const { line, unit } = connection;
  return `Modbus ${lineText(line)} ${t('terminal.unit', { unit })}`;
}

export function IdentityCard({ terminal }: { terminal: Terminal }) {
  const { t } = useLanguage();
  const { pathOf } = useAreas();
  const profileTitle = useProfileTitle();
  const items = [
    { label: t('terminal.profile'), children: profileTitle(terminal.profile) },
    { label: t('terminal.household'), children: <HouseholdLink terminal={terminal} /> },
    {
      label: t('terminal.area'),
      children: terminal.areaCode === null ? t('value.none') : pathOf(terminal.areaCode),
    },
    { label: t('terminal.connection'), children: connectionText(t, terminal.connection) },
    { label: t('terminal.createdAt'), children: <Moment time={terminal.createdAt} /> },
  ];
  return (
    <Card size="small" title={<h2>{t('terminal.identity')}</h2>}>
      <Descriptions size="small" column={1} items={items} />
    </Card>
  );
}
