import { Table, type TableColumnsType } from 'antd';
import type { Terminal } from '../../http/schemas/terminals.ts';
import { type Areas, useAreas } from '../areas.ts';
import { type T, useLanguage } from '../i18n.ts';
import { countersOf, latestText, type Profiles, useProfiles, useProfileTitle } from '../profiles.ts';
import type { Words } from '../values.ts';
import { Age } from './age.tsx';
import { HouseholdLink } from './household-link.tsx';
import { StatusTag } from './status-tag.tsx';
import { TerminalLink } from './terminal-link.tsx';

type Columns = TableColumnsType<Terminal>;

function identity(t: T, areas: Areas, profileTitle: (name: string) => string): Columns {
  return [
    {
      title: t('terminal.id'),
      key: 'id',
      render: (_, { id }) => <TerminalLink id={id} />,
    },
    {
      title: t('terminal.household'),
      key: 'household',
      render: (_, terminal) => <HouseholdLink terminal={terminal} />,
    },
    { title: t('terminal.profile'), key: 'profile', render: (_, { profile }) => profileTitle(profile) },
    {
      title: t('terminal.area'),
      key: 'area',
      render: (_, { areaCode }) => areaCode && <span title={areas.pathOf(areaCode)}>{areas.nameOf(areaCode)}</span>,
    },
    { title: t('status.label'), key: 'status', render: (_, { status }) => <StatusTag status={status} /> },
    {
      title: t('terminal.age'),
      key: 'age',
      className: 'nowrap',
      render: (_, { lastSeenAt }) => <Age time={lastSeenAt} />,
    },
  ];
}

function values(words: Words, profiles: Profiles): Columns {
  const { t } = words;
  const text = (terminal: Terminal, metric: string) => latestText(words, profiles, terminal, metric);
  /** The first of the metrics that the terminal has. */
  const column = (title: string, ...metrics: string[]): Columns[number] => ({
    title,
    key: title,
    align: 'right',
    className: 'nowrap',
    render: (_, terminal) => metrics.map((metric) => text(terminal, metric)).find(Boolean) ?? t('value.none'),
  });
  return [
    {
      title: t('terminal.supplyReturn'),
      key: 'supply_return',
      align: 'right',
      className: 'nowrap',
      render: (_, terminal) => {
        const both = [text(terminal, 'supply_c'), text(terminal, 'return_c')];
        return both.some((each) => each !== undefined)
          ? both.map((each) => each ?? t('value.none')).join(' / ')
          : t('value.none');
      },
    },
    column(t('terminal.room'), 'room_c'),
    column(t('terminal.setpoint'), 'setpoint_c'),
    column(t('terminal.switch'), 'power_on', 'valve_open'),
    column(t('terminal.power'), 'power_kw'),
    {
      title: t('terminal.counters'),
      key: 'counters',
      align: 'right',
      render: (_, terminal) =>
        countersOf(profiles.get(terminal.profile)).map((metric) => (
          <div key={metric} className="nowrap">
            {text(terminal, metric) ?? t('value.none')}
          </div>
        )),
    },
  ];
}

export function TerminalTable({ terminals }: { terminals: Terminal[] }) {
  const words = useLanguage();
  const { t } = words;
  const areas = useAreas();
  const profiles = useProfiles();
  const profileTitle = useProfileTitle();
  return (
    <Table<Terminal>
      size="small"
      rowKey="id"
      aria-label={t('terminal.listTitle')}
      columns={[...identity(t, areas, profileTitle), ...values(words, profiles)]}
      dataSource={terminals}
      pagination={false}
      scroll={{ x: 1080 }}
    />
  );
}
