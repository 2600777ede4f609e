import { useMutation } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { Alert, App, Button, Form, Input } from 'antd';
import type { User } from '../../http/schemas/people.ts';
import { ApiError, post } from '../api.ts';
import { useLanguage } from '../i18n.ts';
import { Failure } from '../parts/failure.tsx';
import { PublicPage } from '../parts/public-page.tsx';

type Fields = { username: string; password: string; repeated: string };

/** As the gateway's own schema has them: what it would refuse is told before it is sent. */
const USERNAME = /^[A-Za-z0-9._-]{1,64}$/;
const SHORTEST_PASSWORD = 8;
const LONGEST_PASSWORD = 200;

const route = getRouteApi('/setup');

function useSetUp(token: string) {
  const { t } = useLanguage();
  const { message } = App.useApp();
  const navigate = route.useNavigate();
  return useMutation({
    mutationFn: ({ username, password }: Fields) => post<User>('/setup', { token, username, password }),
    onSuccess: ({ username }) => {
      void message.success(t('setup.done', { username }));
      // Replaced, so that “back” does not lead to a link that no longer works.
      void navigate({ to: '/login', replace: true });
    },
  });
}

function UsedLink() {
  const { t } = useLanguage();
  return (
    <>
      <Alert className="before" type="warning" showIcon title={t('setup.used')} description={t('setup.usedHint')} />
      <Link to="/login">{t('setup.toLogin')}</Link>
    </>
  );
}

function Inputs() {
  const { t } = useLanguage();
  return (
    <>
      <Form.Item
        name="username"
        label={t('login.username')}
        initialValue="admin"
        rules={[{ required: true, pattern: USERNAME, message: t('setup.usernameWrong') }]}
      >
        <Input autoComplete="username" autoCapitalize="none" maxLength={64} size="large" />
      </Form.Item>
      <Form.Item
        name="password"
        label={t('login.password')}
        rules={[{ required: true, min: SHORTEST_PASSWORD, message: t('setup.passwordShort') }]}
      >
        <Input.Password autoComplete="new-password" autoFocus maxLength={LONGEST_PASSWORD} size="large" />
      </Form.Item>
      <Form.Item
        name="repeated"
        label={t('setup.repeat')}
        dependencies={['password']}
        rules={[
          ({ getFieldValue }) => ({
            required: true,
            validator: (_, repeated: unknown) =>
              repeated === getFieldValue('password')
                ? Promise.resolve()
                : Promise.reject(new Error(t('setup.different'))),
          }),
        ]}
      >
        <Input.Password autoComplete="new-password" maxLength={LONGEST_PASSWORD} size="large" />
      </Form.Item>
    </>
  );
}

function SetupForm({ token }: { token: string }) {
  const { t } = useLanguage();
  const setUp = useSetUp(token);
  if (setUp.error instanceof ApiError && setUp.error.status === 404) return <UsedLink />;
  return (
    <>
      <p className="quiet">{t('setup.hint')}</p>
      <Form<Fields> layout="vertical" requiredMark={false} onFinish={(fields) => setUp.mutate(fields)}>
        <Inputs />
        {setUp.error && (
          <div className="before">
            <Failure error={setUp.error} />
          </div>
        )}
        <Button type="primary" htmlType="submit" size="large" block loading={setUp.isPending}>
          {t('setup.submit')}
        </Button>
      </Form>
    </>
  );
}

/** Makes the first administrator, once: the link comes from the gateway's first start. */
export function SetupPage() {
  const { t } = useLanguage();
  const { token } = route.useSearch();
  return (
    <PublicPage>
      <h2 className="setup-title">{t('setup.title')}</h2>
      {token === undefined ? <UsedLink /> : <SetupForm token={token} />}
    </PublicPage>
  );
}
