import { Alert, Button, Modal, Table } from 'antd';
import { useState } from 'react';
import type { BatchPreview, NewBatch } from '../../http/schemas/batches.ts';
import { useAreas } from '../areas.ts';
import { useAnyCommandText } from '../command-text.ts';
import { useLanguage } from '../i18n.ts';
import { Failure } from './failure.tsx';

type Props = {
  preview: BatchPreview;
  wanted: NewBatch;
  starting: boolean;
  error: Error | null;
  onStart: () => void;
};

function Figure({ label, value, worry = false }: { label: string; value: number; worry?: boolean }) {
  return (
    <div className="figure">
      <dt>{label}</dt>
      <dd className={worry ? 'figure-worry' : ''}>{value}</dd>
    </div>
  );
}

/** What a dry run says, and the way on from there. */
export function BatchPreviewPanel({ preview, wanted, starting, error, onStart }: Props) {
  const { t, titleOf } = useLanguage();
  const { nameOf } = useAreas();
  const text = useAnyCommandText();
  const [asking, setAsking] = useState(false);
  const { decision, total, homes, byArea, byReason } = preview;
  const refused = byArea.reduce((sum, area) => sum + area.refused, 0);
  const says = { allowed: t('batch.willRun'), held: t('batch.willBeHeld'), refused: t('batch.nothing') }[decision];
  return (
    <section className="after" aria-label={t('batch.preview')}>
      <Alert type={decision === 'allowed' ? 'info' : 'warning'} showIcon title={says} />
      <dl className="figures after">
        <Figure label={t('batch.total')} value={total} />
        <Figure label={t('batch.refused')} value={refused} />
        <Figure label={t('batch.homes')} value={homes} worry={homes > 0} />
      </dl>
      <Table
        className="after"
        size="small"
        rowKey={({ areaCode }) => areaCode ?? ''}
        pagination={{ pageSize: 10, hideOnSinglePage: true }}
        dataSource={byArea}
        columns={[
          {
            title: t('batch.area'),
            key: 'area',
            render: (_, { areaCode }) => (areaCode === null ? t('batch.noArea') : nameOf(areaCode)),
          },
          { title: t('batch.allowed'), dataIndex: 'allowed', key: 'allowed' },
          { title: t('batch.held'), dataIndex: 'held', key: 'held' },
          { title: t('batch.refused'), dataIndex: 'refused', key: 'refused' },
        ]}
      />
      {byReason.length > 0 && (
        <Table
          className="after"
          size="small"
          rowKey={({ rule, decision: of }) => `${of} ${rule}`}
          pagination={false}
          dataSource={byReason}
          columns={[
            { title: t('batch.rule'), key: 'rule', render: (_, reason) => titleOf(reason) },
            { title: t('command.state'), key: 'decision', render: (_, { decision: of }) => t(`batch.${of}`) },
            { title: t('batch.count'), dataIndex: 'count', key: 'count' },
          ]}
        />
      )}
      <Button
        className="after"
        type="primary"
        danger={homes > 0}
        disabled={decision === 'refused'}
        loading={starting}
        onClick={() => setAsking(true)}
      >
        {t(decision === 'held' ? 'batch.startHeld' : 'batch.start')}
      </Button>
      {error && <Failure error={error} />}
      <Modal
        open={asking}
        title={t('batch.confirmTitle', { n: total - refused })}
        okText={t(decision === 'held' ? 'batch.startHeld' : 'batch.start')}
        okButtonProps={{ danger: homes > 0, autoFocus: false }}
        cancelText={t('action.back')}
        onCancel={() => setAsking(false)}
        onOk={() => {
          setAsking(false);
          onStart();
        }}
      >
        <div className="confirm">
          <p>
            <strong>{text(wanted)}</strong>
          </p>
          <p>{homes > 0 ? t('batch.confirmHomes', { n: homes }) : t('batch.confirmNoHomes')}</p>
          <p className="quiet">{says}</p>
        </div>
      </Modal>
    </section>
  );
}
