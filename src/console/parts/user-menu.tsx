import { Button, Dropdown } from 'antd';
import { remove } from '../api.ts';
import { useLanguage } from '../i18n.ts';
import { session } from '../session.ts';
import { useUser } from '../user.ts';

async function signOut(): Promise<void> {
  // Signed out here even if the gateway cannot be told.
  await remove('/sessions/current').catch(() => undefined);
  session.end();
}

export function UserMenu() {
  const { t } = useLanguage();
  const user = useUser();
  const items = [
    { key: 'role', label: t(`role.${user.role}`), disabled: true },
    { key: 'logout', label: t('action.logout'), onClick: () => void signOut() },
  ];
  return (
    <Dropdown menu={{ items }} trigger={['click']} placement="bottomRight">
      <Button type="text" aria-haspopup="menu">
        <span className="user-name">{user.username}</span>
        <span aria-hidden="true"> ▾</span>
      </Button>
    </Dropdown>
  );
}
