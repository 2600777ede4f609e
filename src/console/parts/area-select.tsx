import { TreeSelect } from 'antd';
import { useAreas } from '../areas.ts';
import { useLanguage } from '../i18n.ts';

type Props = { value: string | undefined; onChange: (code: string | undefined) => void };

export function AreaSelect({ value, onChange }: Props) {
  const { t } = useLanguage();
  const { tree, top } = useAreas();
  return (
    <TreeSelect<string | null>
      className="filter-area"
      aria-label={t('filter.area')}
      placeholder={t('filter.allAreas')}
      value={value ?? null}
      treeData={tree}
      treeDefaultExpandedKeys={top === undefined ? [] : [top]}
      showSearch={{ treeNodeFilterProp: 'title' }}
      allowClear
      onChange={(code) => onChange(code ?? undefined)}
    />
  );
}
