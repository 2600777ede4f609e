import { useMutation, useQueryClient } from '@tanstack/react-query';
import { App, Button } from 'antd';
import type { FileImport } from '../../http/schemas/provisioning.ts';
import { fetchFile } from '../api.ts';
import { useLanguage } from '../i18n.ts';
import { CACHE } from '../queries.ts';
import { saveFile } from '../save.ts';
import { dateTime } from '../time.ts';
import { Failure } from './failure.tsx';

/** Asks before, since it happens once. */
export function ImportCredentials({ of: { id, credentialsUntil, credentialsTakenAt } }: { of: FileImport }) {
  const { t, language } = useLanguage();
  const { modal } = App.useApp();
  const client = useQueryClient();
  const take = useMutation({
    mutationFn: () => fetchFile('POST', `/imports/${encodeURIComponent(id)}/credentials`),
    onSuccess: (file) => saveFile(file, `${id}-credentials.csv`),
    onSettled: () => client.invalidateQueries({ queryKey: [CACHE.import, id] }),
  });
  const ask = () =>
    void modal.confirm({
      title: t('import.credentialsTitle'),
      content: t('import.credentialsText'),
      okText: t('import.credentialsOk'),
      cancelText: t('action.cancel'),
      onOk: () => take.mutate(),
    });
  if (credentialsTakenAt !== null) {
    return <p>{t('import.credentialsTaken', { time: dateTime(credentialsTakenAt, language) })}</p>;
  }
  if (credentialsUntil === null) return null;
  return (
    <div className="confirm">
      <p>{t('import.credentialsUntil', { time: dateTime(credentialsUntil, language) })}</p>
      <div className="buttons">
        <Button type="primary" loading={take.isPending} onClick={ask}>
          {t('import.credentials')}
        </Button>
      </div>
      {take.error && <Failure error={take.error} />}
    </div>
  );
}
