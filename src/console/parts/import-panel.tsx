import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Card, Progress } from 'antd';
import { useEffect } from 'react';
import type { FileImport } from '../../http/schemas/provisioning.ts';
import { post } from '../api.ts';
import { useLanguage } from '../i18n.ts';
import { CACHE, importQuery } from '../queries.ts';
import { Failure } from './failure.tsx';
import { ImportCredentials } from './import-credentials.tsx';
import { ImportErrors } from './import-errors.tsx';
import { ImportState } from './import-state.tsx';
import { Loaded } from './loaded.tsx';

function Running({ of: { id, state, progress } }: { of: FileImport }) {
  const { t } = useLanguage();
  const cancel = useMutation({ mutationFn: () => post(`/imports/${encodeURIComponent(id)}/cancel`, {}) });
  return (
    <>
      <Progress percent={Math.floor(progress * 100)} status="active" aria-label={t('import.progress')} />
      <div className="between">
        <p className="quiet">{t('import.goesOn')}</p>
        <Button
          loading={cancel.isPending}
          disabled={cancel.isSuccess || state === 'booking'}
          onClick={() => cancel.mutate()}
        >
          {t('import.cancel')}
        </Button>
      </div>
      {cancel.error && <Failure error={cancel.error} />}
    </>
  );
}

function Result({ of: one }: { of: FileImport }) {
  const { t } = useLanguage();
  const { kind, state, dryRun, created, unchanged, booked, errors, detail } = one;
  const counts = { created, unchanged, booked };
  switch (state) {
    case 'done':
      return <Alert type="success" showIcon title={t(`import.${dryRun ? 'checked' : 'done'}.${kind}`, counts)} />;
    case 'refused':
      return <Alert type="error" showIcon title={t('import.refused', { n: errors })} />;
    case 'failed':
      return (
        <Alert type="error" showIcon title={t('import.nothing')} description={<span lang="en">{detail ?? ''}</span>} />
      );
    case 'cancelled':
      return <Alert type="info" showIcon title={t('import.nothing')} />;
    default:
      return <Running of={one} />;
  }
}

function Figures({ of: { kind, rows, created, unchanged, booked, errors, dryRun } }: { of: FileImport }) {
  const { t, language } = useLanguage();
  const figures = [
    [t('import.rows'), rows],
    [t(dryRun ? 'import.wouldCreate' : 'import.created'), created],
    [t('import.unchanged'), unchanged],
    ...(kind === 'households' ? ([[t('import.booked'), booked]] as const) : []),
    [t('import.errors'), errors],
  ] as const;
  return (
    <dl className="figures import-figures">
      {figures.map(([label, figure]) => (
        <div key={label} className="figure">
          <dt>{label}</dt>
          <dd>{figure.toLocaleString(language)}</dd>
        </div>
      ))}
    </dl>
  );
}

function Panel({ of: one }: { of: FileImport }) {
  const { t } = useLanguage();
  const client = useQueryClient();
  const ended = one.finishedAt !== null;
  useEffect(() => {
    if (ended) void client.invalidateQueries({ queryKey: [CACHE.imports] });
  }, [client, ended]);
  const title = (
    <h2 className="words">
      {one.fileName || t('import.noName')} <ImportState of={one} />
    </h2>
  );
  return (
    <>
      <Card size="small" title={title}>
        <div className="stack" role="status">
          <Figures of={one} />
          <Result of={one} />
          <ImportCredentials of={one} />
        </div>
      </Card>
      {ended && one.errors > 0 && <ImportErrors id={one.id} />}
    </>
  );
}

/** How far an import is, and what came of it. */
export function ImportPanel({ id }: { id: string }) {
  return <Loaded query={useQuery(importQuery(id))}>{(one) => <Panel of={one} />}</Loaded>;
}
