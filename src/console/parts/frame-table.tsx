import { Table, type TableColumnsType } from 'antd';
import type { LineDetail } from '../../http/schemas/modbus.ts';
import { useLanguage } from '../i18n.ts';
import { useNarrow } from '../use-media.ts';
import { Moment } from './age.tsx';

type Frame = LineDetail['frames'][number];

/** The last requests in hexadecimal with what came back. */
export function FrameTable({ frames }: { frames: Frame[] }) {
  const { t } = useLanguage();
  const narrow = useNarrow();
  const took = ({ tookMs }: Frame) => (tookMs === null ? t('value.none') : t('line.ms', { ms: String(tookMs) }));
  const bytes = (text: string) =>
    text === '' ? <span className="worry">{t('line.nothingHeard')}</span> : <code className="words">{text}</code>;
  const both = ({ sent, heard }: Frame) => (
    <dl className="frame-bytes">
      <dt>{t('line.sent')}</dt>
      <dd>{bytes(sent)}</dd>
      <dt>{t('line.heard')}</dt>
      <dd>{bytes(heard)}</dd>
    </dl>
  );
  const wide: TableColumnsType<Frame> = [
    { title: t('line.time'), key: 'time', className: 'nowrap', render: (_, { time }) => <Moment time={time} /> },
    { title: t('line.unit'), key: 'unit', align: 'right', render: (_, { unit }) => unit },
    { title: t('line.took'), key: 'took', align: 'right', className: 'nowrap', render: (_, frame) => took(frame) },
    { title: t('line.bytes'), key: 'bytes', render: (_, frame) => both(frame) },
  ];
  const together: TableColumnsType<Frame> = [
    {
      title: t('line.bytes'),
      key: 'bytes',
      render: (_, frame) => (
        <>
          <Moment time={frame.time} /> · {t('line.unit')} {frame.unit} · {took(frame)}
          {both(frame)}
        </>
      ),
    },
  ];
  return (
    <Table<Frame>
      size="small"
      rowKey={({ time, sent }) => `${time} ${sent}`}
      aria-label={t('line.frames')}
      columns={narrow ? together : wide}
      dataSource={frames}
      pagination={false}
      locale={{ emptyText: t('line.noFrames') }}
    />
  );
}
