import { Card, Descriptions } from 'antd';
import type { ReactNode } from 'react';
import type { Connection, Terminal } from '../../http/schemas/terminals.ts';
import { useAreas } from '../areas.ts';
import { type T, useLanguage } from '../i18n.ts';
import { useProfileTitle } from '../profiles.ts';
import { useUser } from '../user.ts';
import { Moment } from './age.tsx';
import { HouseholdLink } from './household-link.tsx';
import { LineLink } from './line-link.tsx';

type Line = Extract<Connection, { type: 'modbus' | 'meter' }>['line'];

/** What the gateway calls it. */
function lineId(line: Line): string {
  if ('serial' in line) return line.serial;
  if ('listen' in line) return `${line.listen}/${line.registration}`;
  return line.host.includes(':') ? `[${line.host}]:${line.port}` : `${line.host}:${line.port}`;
}

function lineText(line: Line): string {
  if ('serial' in line) return `${lineId(line)} (${line.baudRate})`;
  return `${lineId(line)}${'host' in line && line.framing === 'rtu' ? ' (RTU)' : ''}`;
}

/** `mayLook`: at the line, which residents may not. */
function connectionText(t: T, connection: Connection, mayLook: boolean): ReactNode {
  if (connection.type === 'mqtt') {
    const { via, name, address } = connection;
    const meter = address !== undefined && t('terminal.meter', { address });
    return ['MQTT', name, via !== undefined && t('terminal.via', { via }), meter].filter(Boolean).join(' ');
  }
  const { line } = connection;
  const isMeter = connection.type === 'meter';
  // Meters speak on a line as it is, so there is nothing to say of its frames.
  const text = isMeter && !('serial' in line) ? lineId(line) : lineText(line);
  return (
    <span className="words">
      {isMeter ? t('terminal.meterLine') : 'Modbus'} {mayLook ? <LineLink id={lineId(line)}>{text}</LineLink> : text}{' '}
      {isMeter ? t('terminal.meter', { address: connection.address }) : t('terminal.unit', { unit: connection.unit })}
    </span>
  );
}

export function IdentityCard({ terminal }: { terminal: Terminal }) {
  const { t } = useLanguage();
  const { pathOf } = useAreas();
  const profileTitle = useProfileTitle();
  const mayLook = useUser().role !== 'resident';
  const items = [
    { label: t('terminal.profile'), children: profileTitle(terminal.profile) },
    { label: t('terminal.household'), children: <HouseholdLink terminal={terminal} /> },
    {
      label: t('terminal.area'),
      children: terminal.areaCode === null ? t('value.none') : pathOf(terminal.areaCode),
    },
    {
      label: t('terminal.connection'),
      children: connectionText(t, terminal.connection, mayLook),
    },
    { label: t('terminal.createdAt'), children: <Moment time={terminal.createdAt} /> },
  ];
  return (
    <Card size="small" title={<h2>{t('terminal.identity')}</h2>}>
      <Descriptions size="small" column={1} items={items} />
    </Card>
  );
}
