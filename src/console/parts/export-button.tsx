import { Button, Dropdown, Progress } from 'antd';
import type { Query } from '../api.ts';
import { EXPORT_DAYS, useExport } from '../export.ts';
import { useLanguage } from '../i18n.ts';
import { Failure } from './failure.tsx';

/** `what` names the terminals, as `terminalIds` or `areaCode`; `name` is that of the file. */
export function ExportButton({ what, name }: { what: Query; name: string }) {
  const { t } = useLanguage();
  const { progress, error, start, cancel } = useExport(what, name);
  if (progress) {
    const percent = Math.floor(progress.part * 100);
    return (
      <span className="export" role="status">
        <Progress size="small" percent={percent} aria-label={t('export.progress')} />
        <Button onClick={cancel}>{t('export.cancel')}</Button>
      </span>
    );
  }
  return (
    <>
      <Dropdown
        trigger={['click']}
        menu={{
          items: EXPORT_DAYS.map((days) => ({ key: days, label: t('export.days', { n: days }) })),
          onClick: ({ key }) => void start(Number(key)),
        }}
      >
        <Button>{t('export.button')}</Button>
      </Dropdown>
      {error && <Failure error={error} />}
    </>
  );
}
