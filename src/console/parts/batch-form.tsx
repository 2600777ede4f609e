import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Button, Card, Checkbox, Input, InputNumber, Segmented, Select } from 'antd';
import { useId, useState } from 'react';
import type { Batch, BatchPreview, NewBatch } from '../../http/schemas/batches.ts';
import { post } from '../api.ts';
import { useLanguage, wordFor } from '../i18n.ts';
import { useIntent } from '../intent.ts';
import { useProfiles } from '../profiles.ts';
import { CACHE } from '../queries.ts';
import { AreaSelect } from './area-select.tsx';
import { BatchPreviewPanel } from './batch-preview.tsx';
import { Failure } from './failure.tsx';

type Asked = {
  by: 'area' | 'list';
  areaCode: string | undefined;
  list: string;
  profile: string | undefined;
  online: boolean;
  command: string | undefined;
  value: string | number | undefined;
  reason: string;
};
const NOTHING: Asked = {
  by: 'area',
  areaCode: undefined,
  list: '',
  profile: undefined,
  online: false,
  command: undefined,
  value: undefined,
  reason: '',
};

/** Undefined while something is missing. */
function bodyOf(asked: Asked): NewBatch | undefined {
  const { by, areaCode, list, profile, online, command, value, reason } = asked;
  const terminalIds = list.split(/[\s,;，；]+/).filter((id) => id !== '');
  const isChosen = by === 'area' ? areaCode !== undefined : terminalIds.length > 0;
  if (!isChosen || command === undefined || value === undefined || reason.trim() === '') return undefined;
  return {
    ...(by === 'area' ? { areaCode } : { terminalIds }),
    ...(profile !== undefined && { profile }),
    ...(online && { online }),
    command,
    value,
    reason: reason.trim(),
  };
}

type Part = { asked: Asked; change: (part: Partial<Asked>) => void };

function Which({ asked, change }: Part) {
  const { t, titleOf } = useLanguage();
  const profiles = useProfiles();
  return (
    <>
      <Segmented<Asked['by']>
        aria-label={t('batch.which')}
        value={asked.by}
        options={(['area', 'list'] as const).map((by) => ({ value: by, label: t(`batch.by.${by}`) }))}
        onChange={(by) => change({ by })}
      />
      <div className="filters">
        {asked.by === 'area' ? (
          <AreaSelect value={asked.areaCode} onChange={(areaCode) => change({ areaCode })} />
        ) : (
          <Input.TextArea
            className="wide"
            aria-label={t('batch.list')}
            placeholder={t('batch.list')}
            rows={3}
            value={asked.list}
            onChange={(event) => change({ list: event.target.value })}
          />
        )}
        <Select
          className="filter-profile"
          aria-label={t('filter.profile')}
          placeholder={t('filter.allProfiles')}
          value={asked.profile ?? null}
          options={[...profiles.values()].map(({ profile, title }) => ({ value: profile, label: titleOf(title) }))}
          allowClear
          onChange={(profile) => change({ profile: profile ?? undefined })}
        />
        <Checkbox checked={asked.online} onChange={(event) => change({ online: event.target.checked })}>
          {t('batch.online')}
        </Checkbox>
      </div>
    </>
  );
}

/** No batch opens a valve: that is for a person, one terminal at a time. */
const isForMany = (value: string): boolean => value !== 'arm';

function What({ asked, change }: Part) {
  const { t, titleOf } = useLanguage();
  const words = t('command.word', { returnObjects: true });
  const reason = useId();
  const profiles = [...useProfiles().values()].filter(
    ({ profile }) => asked.profile === undefined || asked.profile === profile,
  );
  const all = profiles.flatMap((profile) => Object.entries(profile.commands));
  const titles = new Map(all.map(([name, { title }]) => [name, titleOf(title)]));
  const views = all.filter(([name]) => name === asked.command).map(([, view]) => view);
  const values = [...new Set(views.flatMap((view) => view.values ?? []))].filter(isForMany);
  return (
    <div className="filters">
      <Select
        className="filter-status"
        aria-label={t('batch.command')}
        placeholder={t('batch.command')}
        value={asked.command ?? null}
        options={[...titles].map(([value, label]) => ({ value, label }))}
        onChange={(command) => change({ command: command ?? undefined, value: undefined })}
      />
      {values.length > 0 || asked.command === undefined ? (
        <Select
          className="filter-status"
          aria-label={t('batch.value')}
          placeholder={t('batch.value')}
          value={typeof asked.value === 'string' ? asked.value : null}
          options={values.map((value) => ({ value, label: wordFor(words, value) }))}
          onChange={(value) => change({ value: value ?? undefined })}
        />
      ) : (
        <InputNumber<number>
          aria-label={t('batch.value')}
          placeholder={t('batch.value')}
          value={typeof asked.value === 'number' ? asked.value : null}
          onChange={(value) => change({ value: value ?? undefined })}
        />
      )}
      <Input
        id={reason}
        className="filter-search"
        aria-label={t('batch.reason')}
        placeholder={t('batch.reason')}
        maxLength={200}
        value={asked.reason}
        onChange={(event) => change({ reason: event.target.value })}
      />
    </div>
  );
}

/** First it is seen what would happen, then it is asked for: of what was seen and nothing else. */
export function BatchForm() {
  const { t } = useLanguage();
  const client = useQueryClient();
  const navigate = useNavigate();
  const intent = useIntent();
  const [asked, setAsked] = useState(NOTHING);
  const body = bodyOf(asked);
  const preview = useMutation({
    mutationFn: (wanted: NewBatch) => {
      const dry = { ...wanted, dryRun: true };
      return post<BatchPreview>('/command-batches', dry, intent.keyFor(dry));
    },
  });
  const start = useMutation({
    mutationFn: (wanted: NewBatch) => post<Batch>('/command-batches', wanted, intent.keyFor(wanted)),
    onSuccess: ({ id }) => {
      intent.done();
      void client.invalidateQueries({ queryKey: [CACHE.batches] });
      void navigate({ to: '/batches/$id', params: { id } });
    },
    onError: intent.failed,
  });
  const change = (part: Partial<Asked>) => {
    setAsked((before) => ({ ...before, ...part }));
    preview.reset();
    start.reset();
  };
  return (
    <Card size="small" title={t('batch.fresh')}>
      <Which asked={asked} change={change} />
      <What asked={asked} change={change} />
      <Button disabled={!body} loading={preview.isPending} onClick={() => body && preview.mutate(body)}>
        {t('batch.dryRun')}
      </Button>
      {preview.error && <Failure error={preview.error} />}
      {preview.data && body && (
        <BatchPreviewPanel
          preview={preview.data}
          wanted={body}
          starting={start.isPending}
          error={start.error}
          onStart={() => start.mutate(body)}
        />
      )}
    </Card>
  );
}
