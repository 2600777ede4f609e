import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Button, Card, Checkbox } from 'antd';
import { useState } from 'react';
import type { Batch, BatchPreview, NewBatch } from '../../http/schemas/batches.ts';
import { post } from '../api.ts';
import { useLanguage } from '../i18n.ts';
import { useIntent } from '../intent.ts';
import { CACHE } from '../queries.ts';
import { BatchPreviewPanel } from './batch-preview.tsx';
import { Failure } from './failure.tsx';
import { type Asked, NOTHING, What, Which, wishOf } from './wish-fields.tsx';

/** No batch opens a valve: that is for a person, one terminal at a time. */
const isForMany = (value: string): boolean => value !== 'arm';

/** First it is seen what would happen, then it is asked for: of what was seen and nothing else. */
export function BatchForm() {
  const { t } = useLanguage();
  const client = useQueryClient();
  const navigate = useNavigate();
  const intent = useIntent();
  const [asked, setAsked] = useState(NOTHING);
  const [online, setOnline] = useState(false);
  const wish = wishOf(asked);
  const body = wish && { ...wish, ...(online && { online }) };
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
  const forget = () => {
    preview.reset();
    start.reset();
  };
  const change = (part: Partial<Asked>) => {
    setAsked((before) => ({ ...before, ...part }));
    forget();
  };
  const narrow = (only: boolean) => {
    setOnline(only);
    forget();
  };
  return (
    <Card size="small" title={t('batch.fresh')}>
      <Which asked={asked} change={change}>
        <Checkbox checked={online} onChange={(event) => narrow(event.target.checked)}>
          {t('batch.online')}
        </Checkbox>
      </Which>
      <What asked={asked} change={change} offers={isForMany} />
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
