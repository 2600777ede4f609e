import { Table, type TableColumnsType } from 'antd';
import type { LineDetail } from '../../http/schemas/modbus.ts';
import { useLanguage } from '../i18n.ts';
import { useNarrow } from '../use-media.ts';
import { Age } from './age.tsx';
import { answerText, BreakerState, shareText, Trouble } from './line-text.tsx';
import { TerminalLink } from './terminal-link.tsx';

type Unit = LineDetail['units'][number];

/** A line may have 247 units, and more terminals. */
const PAGE_SIZE = 50;

function LeftOut({ leftOut }: Unit) {
  return (
    <>
      {leftOut.map((read) => (
        <div key={read} className="nowrap">
          <code>{read}</code>
        </div>
      ))}
    </>
  );
}

function Texts({ texts }: Unit) {
  return (
    <>
      {Object.entries(texts).map(([name, text]) => (
        <div key={name} className="quiet">
          {name}: <code>{text}</code>
        </div>
      ))}
    </>
  );
}

function LastError({ lastError }: Unit) {
  if (!lastError) return null;
  return (
    <>
      <Age time={lastError.time} />
      <Trouble text={lastError.text} />
    </>
  );
}

export function UnitTable({ units }: { units: Unit[] }) {
  const { t } = useLanguage();
  const narrow = useNarrow();
  const failed = ({ failedShare, failed: count, requests }: Unit) => (
    <span title={`${count} / ${requests}`}>{shareText(failedShare)}</span>
  );
  const together: TableColumnsType<Unit> = [
    {
      title: t('line.unit'),
      key: 'unit',
      render: (_, one) => (
        <>
          <div>
            <strong>{one.unit}</strong> <TerminalLink id={one.terminalId} /> <BreakerState {...one} />
          </div>
          <Texts {...one} />
          <div>
            {t('line.answerTime')} {answerText(t, one.answerMs)} · {t('line.failed')} {failed(one)} ·{' '}
            {t('line.lastAnswer')} <Age time={one.lastAnswerAt} />
          </div>
          {one.leftOut.length > 0 && <div>{t('line.leftOut')}</div>}
          <LeftOut {...one} />
          <LastError {...one} />
        </>
      ),
    },
  ];
  const wide: TableColumnsType<Unit> = [
    { title: t('line.unit'), key: 'unit', align: 'right', render: (_, { unit }) => unit },
    {
      title: t('terminal.id'),
      key: 'terminal',
      render: (_, one) => (
        <>
          <TerminalLink id={one.terminalId} />
          <Texts {...one} />
        </>
      ),
    },
    { title: t('line.state'), key: 'state', render: (_, one) => <BreakerState {...one} /> },
    {
      title: <span title={t('line.answerHint')}>{t('line.answerTime')}</span>,
      key: 'answer',
      align: 'right',
      className: 'nowrap',
      render: (_, { answerMs }) => answerText(t, answerMs),
    },
    {
      title: <span title={t('line.failedHint')}>{t('line.failed')}</span>,
      key: 'failed',
      align: 'right',
      className: 'nowrap',
      render: (_, one) => failed(one),
    },
    { title: t('line.lastAnswer'), key: 'last', render: (_, { lastAnswerAt }) => <Age time={lastAnswerAt} /> },
    { title: t('line.leftOut'), key: 'leftOut', render: (_, one) => <LeftOut {...one} /> },
    { title: t('line.lastError'), key: 'error', render: (_, one) => <LastError {...one} /> },
  ];
  return (
    <Table<Unit>
      size="small"
      rowKey="terminalId"
      aria-label={t('line.units')}
      columns={narrow ? together : wide}
      dataSource={units}
      pagination={{ pageSize: PAGE_SIZE, hideOnSinglePage: true, showSizeChanger: false }}
    />
  );
}
