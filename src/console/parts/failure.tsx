import { type ErrorComponentProps, Link } from '@tanstack/react-router';
import { Alert, Button, Result } from 'antd';
import { useLanguage } from '../i18n.ts';
import { problemDetail, problemTitle } from './problem.ts';

export function Failure({ error, onRetry }: { error: Error; onRetry?: () => void }) {
  const { t } = useLanguage();
  return (
    <Alert
      type="error"
      showIcon
      title={problemTitle(t, error)}
      description={problemDetail(error)}
      action={
        onRetry && (
          <Button size="small" onClick={onRetry}>
            {t('action.retry')}
          </Button>
        )
      }
    />
  );
}

/** A bug of ours, not an answer of the gateway. */
export function PageFailure({ error, reset }: ErrorComponentProps<unknown>) {
  return (
    <div className="page">
      <Failure error={error instanceof Error ? error : new Error(String(error))} onRetry={reset} />
    </div>
  );
}

export function NoPage() {
  const { t } = useLanguage();
  return <Result status="404" title={t('problem.noPage')} extra={<Link to="/">{t('action.back')}</Link>} />;
}
