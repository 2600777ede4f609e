import { Card } from 'antd';
import type { ReactNode } from 'react';
import { useLanguage } from '../i18n.ts';
import { LanguageSwitch } from './language-switch.tsx';

/** What is there before anyone has signed in. */
export function PublicPage({ children }: { children: ReactNode }) {
  const { t } = useLanguage();
  return (
    <main className="login">
      <Card className="login-card">
        <div className="login-head">
          <h1>{t('product')}</h1>
          <LanguageSwitch />
        </div>
        {children}
      </Card>
    </main>
  );
}
