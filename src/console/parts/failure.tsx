import { type ErrorComponentProps, Link } from '@tanstack/react-router';
import { Alert, Button, Result } from 'antd';
import { ApiError } from '../api.ts';
import { useLanguage } from '../i18n.ts';
import { problemDetail, problemTitle } from './problem.ts';

/** What is not there does not come by asking again. */
function WayOn({ error, onRetry }: { error: Error; onRetry: () => unknown }) {
  const { t } = useLanguage();
  if (error instanceof ApiError && error.status === 404) return <Link to="/">{t('action.back')}</Link>;
  return (
    <Button size="small" onClick={() => onRetry()}>
      {t('action.retry')}
    </Button>
  );
}

export function Failure({ error, onRetry }: { error: Error; onRetry?: () => unknown }) {
  const { t, titleOf, language } = useLanguage();
  const detail = problemDetail(error, language);
  const rules = error instanceof ApiError ? error.rules : undefined;
  return (
    <Alert
      type="error"
      showIcon
      title={problemTitle(t, error)}
      description={
        rules
          ? rules.map((each) => <div key={each.rule}>{titleOf(each)}</div>)
          : detail && <span lang={detail.isEnglish ? 'en' : undefined}>{detail.text}</span>
      }
      action={onRetry && <WayOn error={error} onRetry={onRetry} />}
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
