import { useMutation } from '@tanstack/react-query';
import { getRouteApi, useRouter } from '@tanstack/react-router';
import { Alert, Button, Form, Input } from 'antd';
import { useEffect } from 'react';
import type { Session } from '../../http/schemas/people.ts';
import { ApiError, post } from '../api.ts';
import { type T, useLanguage } from '../i18n.ts';
import { problemTitle } from '../parts/problem.ts';
import { PublicPage } from '../parts/public-page.tsx';
import { session, useToken } from '../session.ts';

type Credentials = { username: string; password: string };

const route = getRouteApi('/login');

function whatWentWrong(t: T, error: Error): string {
  if (error instanceof ApiError && error.status === 401) return t('login.wrong');
  if (error instanceof ApiError && error.status === 429) return t('login.tooMany');
  return problemTitle(t, error);
}

function LoginForm() {
  const { t } = useLanguage();
  const login = useMutation({
    mutationFn: (credentials: Credentials) => post<Session>('/sessions', credentials),
    onSuccess: ({ token }) => session.begin(token),
  });
  return (
    <Form<Credentials> layout="vertical" requiredMark={false} onFinish={(credentials) => login.mutate(credentials)}>
      <Form.Item
        name="username"
        label={t('login.username')}
        rules={[{ required: true, message: t('login.needUsername') }]}
      >
        <Input autoComplete="username" autoCapitalize="none" autoFocus maxLength={64} size="large" />
      </Form.Item>
      <Form.Item
        name="password"
        label={t('login.password')}
        rules={[{ required: true, message: t('login.needPassword') }]}
      >
        <Input.Password autoComplete="current-password" maxLength={200} size="large" />
      </Form.Item>
      {login.error && <Alert className="login-error" type="error" showIcon title={whatWentWrong(t, login.error)} />}
      <Button type="primary" htmlType="submit" size="large" block loading={login.isPending}>
        {t('login.submit')}
      </Button>
    </Form>
  );
}

export function LoginPage() {
  const { t } = useLanguage();
  const { from } = route.useSearch();
  const { history } = useRouter();
  const signedIn = useToken() !== null;
  useEffect(() => {
    if (signedIn) history.replace(from ?? '/');
  }, [signedIn, from, history]);
  if (signedIn) return null;
  return (
    <PublicPage>
      <p className="quiet">{t('login.subtitle')}</p>
      <LoginForm />
    </PublicPage>
  );
}
