import { Tag } from 'antd';
import type { FileImport } from '../../http/schemas/provisioning.ts';
import { useLanguage } from '../i18n.ts';

const COLOURS: Partial<Record<FileImport['state'], string>> = { done: 'green', refused: 'red', failed: 'red' };

export function ImportState({ of: { kind, state, dryRun, unclaimed } }: { of: FileImport }) {
  const { t } = useLanguage();
  return (
    <span className="nowrap">
      <Tag>{t(`import.kinds.${kind}`)}</Tag>{' '}
      <Tag color={COLOURS[state] ?? 'default'}>{t(`import.states.${state}`)}</Tag>{' '}
      {dryRun && <Tag>{t('import.dryRun')}</Tag>} {unclaimed && <Tag color="gold">{t('import.waits')}</Tag>}
    </span>
  );
}
