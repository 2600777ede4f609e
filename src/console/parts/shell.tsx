import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, Navigate, Outlet, useMatch, useMatches, useSearch } from '@tanstack/react-router';
import { Badge, Layout } from 'antd';
import { useEffect, useRef } from 'react';
import { useLanguage } from '../i18n.ts';
import type { LiveScope } from '../live.ts';
import { heldQuery, meQuery } from '../queries.ts';
import { useToken } from '../session.ts';
import { useLive } from '../use-live.ts';
import { mayVisit, menuOf, UserProvider, useUser } from '../user.ts';
import { ClockNotice } from './clock-notice.tsx';
import { LanguageSwitch } from './language-switch.tsx';
import { LiveSign } from './live-sign.tsx';
import { Loaded } from './loaded.tsx';
import { UserMenu } from './user-menu.tsx';

/** How many commands wait for a second person. */
function HeldCount() {
  const { t } = useLanguage();
  const { data } = useInfiniteQuery(heldQuery());
  const count = data?.pages[0]?.items.length ?? 0;
  return count > 0 ? <Badge count={count} overflowCount={49} title={t('held.waiting', { n: count })} /> : null;
}

function MainMenu({ pathname }: { pathname: string }) {
  const { t } = useLanguage();
  const groups = menuOf(useUser().role);
  const menu = useRef<HTMLElement>(null);
  // On a phone the menu is wider than the screen. The path is what the effect follows.
  useEffect(() => {
    if (pathname !== '/')
      menu.current?.querySelector('.menu-active')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [pathname]);
  if (groups.length === 0) return null;
  return (
    <nav ref={menu} className="menu" aria-label={t('nav.label')}>
      {groups.map(({ group, sections }) => (
        <div key={group} className="menu-group">
          <span className="menu-title">{t(`nav.groups.${group}`)}</span>
          {sections.map((section) => (
            <Link key={section} to={`/${section}`} className="menu-link" activeProps={{ className: 'menu-active' }}>
              {t(`nav.${section}`)} {section === 'held' && <HeldCount />}
            </Link>
          ))}
        </div>
      ))}
    </nav>
  );
}

/** The stream carries what the page shows and no more. */
function useScope(): LiveScope {
  const terminal = useMatch({ from: '/shell/terminals/$id', shouldThrow: false });
  const search = useSearch({ from: '/shell/terminals', shouldThrow: false });
  return terminal ? { terminalId: terminal.params.id } : { areaCode: search?.areaCode };
}

function Frame() {
  const { t } = useLanguage();
  const user = useUser();
  // Of the page that is drawn: the address is a step ahead of it while the router is on its way.
  const pathname = useMatches({ select: (matches) => matches.at(-1)?.pathname ?? '/' });
  const live = useLive(useScope());
  if (pathname !== '/' && !mayVisit(user, pathname)) return <Navigate to="/" replace />;
  return (
    <Layout className="shell">
      <Layout.Header className="header">
        <Link to="/" className="brand">
          {t('product')}
        </Link>
        <div className="header-end">
          <LiveSign state={live} />
          <LanguageSwitch />
          <UserMenu />
        </div>
      </Layout.Header>
      <div className="below">
        <MainMenu pathname={pathname} />
        <Layout.Content className="content">
          <div className="page">
            <ClockNotice />
            <Outlet />
          </div>
        </Layout.Content>
      </div>
    </Layout>
  );
}

function SignedIn({ token }: { token: string }) {
  return (
    <Loaded query={useQuery(meQuery(token))}>
      {(user) => (
        <UserProvider value={user}>
          <Frame />
        </UserProvider>
      )}
    </Loaded>
  );
}

export function Shell() {
  const token = useToken();
  // Signed out: the router is on its way to the sign-in page.
  return token === null ? null : <SignedIn token={token} />;
}
