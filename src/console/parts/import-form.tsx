import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Card, Checkbox, Segmented, Upload } from 'antd';
import { useState } from 'react';
import type { FileImport } from '../../http/schemas/provisioning.ts';
import { fetchFile, postFile } from '../api.ts';
import { useLanguage } from '../i18n.ts';
import { CACHE } from '../queries.ts';
import { saveFile } from '../save.ts';
import { Failure } from './failure.tsx';

function Template({ kind }: { kind: FileImport['kind'] }) {
  const { t, language } = useLanguage();
  const template = useMutation({
    mutationFn: () => fetchFile('GET', '/imports/template', { kind, lang: language }),
    onSuccess: (file) => saveFile(file, `${kind}.csv`),
  });
  return (
    <>
      <Button type="link" loading={template.isPending} onClick={() => template.mutate()}>
        {t('import.template')}
      </Button>
      {template.error && <Failure error={template.error} />}
    </>
  );
}

const KINDS = ['terminals', 'households'] as const satisfies FileImport['kind'][];

/** The file stays chosen, so that it can be checked first and imported then. */
export function ImportForm({ onBegun }: { onBegun: (begun: FileImport) => void }) {
  const { t } = useLanguage();
  const client = useQueryClient();
  const [kind, setKind] = useState<FileImport['kind']>('terminals');
  const [file, setFile] = useState<File>();
  const [unclaimed, setUnclaimed] = useState(false);
  const begin = useMutation({
    mutationFn: ({ chosen, dryRun }: { chosen: File; dryRun: boolean }) =>
      postFile<FileImport>(
        `/${kind}/import`,
        {
          dryRun: String(dryRun),
          fileName: chosen.name.slice(0, 200),
          ...(kind === 'terminals' && { unclaimed: String(unclaimed) }),
        },
        chosen,
        'text/csv',
      ),
    onSuccess: (begun) => {
      void client.invalidateQueries({ queryKey: [CACHE.imports] });
      onBegun(begun);
    },
  });
  const start = (dryRun: boolean) => file && begin.mutate({ chosen: file, dryRun });
  return (
    <Card size="small">
      <Segmented<FileImport['kind']>
        className="before"
        aria-label={t('import.kind')}
        value={kind}
        options={KINDS.map((value) => ({ value, label: t(`import.kinds.${value}`) }))}
        onChange={(chosen) => {
          setKind(chosen);
          begin.reset();
        }}
      />
      <Upload.Dragger
        accept=".csv,.xlsx,text/csv"
        maxCount={1}
        fileList={file ? [{ uid: 'file', name: file.name, status: 'done' }] : []}
        beforeUpload={(chosen) => {
          setFile(chosen);
          begin.reset();
          return false;
        }}
        onRemove={() => setFile(undefined)}
      >
        <p>{t('import.choose')}</p>
        <p className="quiet">{t('import.chooseHint')}</p>
      </Upload.Dragger>
      {kind === 'terminals' && (
        <Checkbox className="after" checked={unclaimed} onChange={(event) => setUnclaimed(event.target.checked)}>
          {t('import.unclaimed')}
        </Checkbox>
      )}
      {kind === 'households' && <p className="quiet after">{t('import.householdsHint')}</p>}
      {begin.error && (
        <div className="after">
          <Failure error={begin.error} />
        </div>
      )}
      <div className="buttons after">
        <Button disabled={!file} loading={begin.isPending && begin.variables.dryRun} onClick={() => start(true)}>
          {t('import.check')}
        </Button>
        <Button
          type="primary"
          disabled={!file}
          loading={begin.isPending && !begin.variables.dryRun}
          onClick={() => start(false)}
        >
          {t('import.start')}
        </Button>
        <Template kind={kind} />
      </div>
    </Card>
  );
}
