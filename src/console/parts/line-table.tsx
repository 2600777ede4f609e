import { Table, type TableColumnsType } from 'antd';
import type { LineView } from '../../http/schemas/modbus.ts';
import { useLanguage } from '../i18n.ts';
import { useNarrow } from '../use-media.ts';
import { Age } from './age.tsx';
import { LineLink } from './line-link.tsx';
import { answerText, LineState, shareText, Trouble } from './line-text.tsx';

function Units({ units: { count, silent } }: LineView) {
  const { t } = useLanguage();
  return (
    <>
      <span className="nowrap">{t('line.unitCount', { n: count })}</span>
      {silent > 0 && <div className="worry nowrap">{t('line.silentCount', { n: silent })}</div>}
    </>
  );
}

function LastError({ trouble, units: { lastError } }: LineView) {
  return (
    <>
      <Trouble text={trouble} />
      {lastError && (
        <>
          <Age time={lastError.time} />
          <Trouble text={lastError.text} />
        </>
      )}
    </>
  );
}

export function LineTable({ items }: { items: LineView[] }) {
  const { t } = useLanguage();
  const narrow = useNarrow();
  const leftOut = ({ units }: LineView) => (units.leftOut > 0 ? t('line.leftOutCount', { n: units.leftOut }) : '');
  const together: TableColumnsType<LineView> = [
    {
      title: t('line.line'),
      key: 'line',
      render: (_, line) => (
        <>
          <div>
            <LineLink id={line.id} /> <LineState isUp={line.isUp} />
          </div>
          <Units {...line} />
          <div>
            {t('line.answerTime')} {answerText(t, line.units.answerMs)} · {t('line.failed')}{' '}
            {shareText(line.units.failedShare)} · {t('line.waiting')} {line.waiting}
          </div>
          {leftOut(line)}
          <LastError {...line} />
        </>
      ),
    },
  ];
  const wide: TableColumnsType<LineView> = [
    { title: t('line.line'), key: 'line', render: (_, { id }) => <LineLink id={id} /> },
    { title: t('line.state'), key: 'state', render: (_, { isUp }) => <LineState isUp={isUp} /> },
    { title: t('line.units'), key: 'units', render: (_, line) => <Units {...line} /> },
    {
      title: <span title={t('line.answerHint')}>{t('line.answerTime')}</span>,
      key: 'answer',
      align: 'right',
      className: 'nowrap',
      render: (_, { units }) => answerText(t, units.answerMs),
    },
    {
      title: <span title={t('line.failedHint')}>{t('line.failed')}</span>,
      key: 'failed',
      align: 'right',
      className: 'nowrap',
      render: (_, { units }) => shareText(units.failedShare),
    },
    { title: t('line.waiting'), key: 'waiting', align: 'right', render: (_, { waiting }) => waiting },
    {
      title: t('line.leftOut'),
      key: 'leftOut',
      align: 'right',
      render: (_, { units }) => units.leftOut,
    },
    { title: t('line.lastError'), key: 'error', render: (_, line) => <LastError {...line} /> },
  ];
  return (
    <Table<LineView>
      size="small"
      rowKey="id"
      aria-label={t('line.title')}
      columns={narrow ? together : wide}
      dataSource={items}
      pagination={false}
    />
  );
}
