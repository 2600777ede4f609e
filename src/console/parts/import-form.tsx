import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Card, Checkbox, Upload } from 'antd';
import { useState } from 'react';
import type { FileImport } from '../../http/schemas/provisioning.ts';
import { fetchFile, postFile } from '../api.ts';
import { useLanguage } from '../i18n.ts';
import { CACHE } from '../queries.ts';
import { saveFile } from '../save.ts';
import { Failure } from './failure.tsx';

function Template() {
  const { t, language } = useLanguage();
  const template = useMutation({
    mutationFn: () => fetchFile('GET', '/imports/template', { lang: language }),
    onSuccess: (file) => saveFile(file, 'terminals.csv'),
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

/** The file stays chosen, so that it can be checked first and imported then. */
export function ImportForm({ onBegun }: { onBegun: (begun: FileImport) => void }) {
  const { t } = useLanguage();
  const client = useQueryClient();
  const [file, setFile] = useState<File>();
  const [unclaimed, setUnclaimed] = useState(false);
  const begin = useMutation({
    mutationFn: ({ chosen, dryRun }: { chosen: File; dryRun: boolean }) =>
      postFile<FileImport>(
        '/terminals/import',
        { dryRun: String(dryRun), unclaimed: String(unclaimed), fileName: chosen.name.slice(0, 200) },
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
      <Upload.Dragger
        accept=".csv,text/csv"
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
      <Checkbox className="after" checked={unclaimed} onChange={(event) => setUnclaimed(event.target.checked)}>
        {t('import.unclaimed')}
      </Checkbox>
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
        <Template />
      </div>
    </Card>
  );
}
