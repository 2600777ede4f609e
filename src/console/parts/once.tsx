import { Alert, Descriptions, Typography } from 'antd';
import { useLanguage } from '../i18n.ts';

/** Secrets that are shown this once, each with a button that copies it. */
export function Once({ items }: { items: { label: string; secret: string }[] }) {
  const { t } = useLanguage();
  return (
    <div role="status">
      <Alert
        type="warning"
        title={t('credentials.once')}
        description={
          <Descriptions
            size="small"
            column={1}
            items={items.map(({ label, secret }) => ({
              key: label,
              label,
              children: (
                <Typography.Text code copyable className="words">
                  {secret}
                </Typography.Text>
              ),
            }))}
          />
        }
      />
    </div>
  );
}
