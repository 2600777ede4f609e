import { useEffect, useState } from 'react';
import { remove } from '../console/api.ts';
import { session, useToken } from '../console/session.ts';
import type { Household, User } from '../http/schemas/people.ts';
import { useWords } from './language.tsx';
import { useLoad } from './load.ts';
import { BillsPage } from './parts/bills-page.tsx';
import { HomePage } from './parts/home-page.tsx';
import { Part } from './parts/part.tsx';
import { PayPage } from './parts/pay-page.tsx';
import { SignIn } from './parts/sign-in.tsx';
import { UsePage } from './parts/use-page.tsx';

const TABS = ['home', 'use', 'bills', 'pay'] as const;
type Tab = (typeof TABS)[number];
const PAGES = { home: HomePage, use: UsePage, bills: BillsPage, pay: PayPage };

const tabOf = (hash: string): Tab => TABS.find((tab) => `#${tab}` === hash) ?? 'home';

function useTab(): Tab {
  const [tab, setTab] = useState(() => tabOf(window.location.hash));
  useEffect(() => {
    const follow = () => {
      setTab(tabOf(window.location.hash));
      window.scrollTo(0, 0);
    };
    window.addEventListener('hashchange', follow);
    return () => window.removeEventListener('hashchange', follow);
  }, []);
  return tab;
}

function Home({ householdId }: { householdId: string }) {
  const { texts } = useWords();
  const tab = useTab();
  const household = useLoad<Household>(`/households/${householdId}`);
  const Page = PAGES[tab];
  return (
    <>
      <main>
        <Part loaded={household}>
          {({ name, accountNo, address }) => (
            <div className="who">
              <h1>{name}</h1>
              <p className="quiet">
                {accountNo}
                {address === null ? '' : ` · ${address}`}
              </p>
            </div>
          )}
        </Part>
        <Page householdId={householdId} />
      </main>
      <nav aria-label={texts.tabsLabel}>
        {TABS.map((each) => (
          <a key={each} href={`#${each}`} aria-current={each === tab ? 'page' : undefined}>
            {texts.tabs[each]}
          </a>
        ))}
      </nav>
    </>
  );
}

function SignedIn() {
  const { texts } = useWords();
  const me = useLoad<Pick<User, 'role' | 'householdId'>>('/me');
  return (
    <Part loaded={me}>
      {({ householdId }) =>
        householdId === null ? (
          <main>
            <p className="card">{texts.signIn.notResident}</p>
            <a className="button" href="/">
              {texts.signIn.toConsole}
            </a>
          </main>
        ) : (
          <Home householdId={householdId} />
        )
      }
    </Part>
  );
}

export function App() {
  const { texts, language, change } = useWords();
  const token = useToken();
  const other = language === 'zh' ? 'en' : 'zh';
  // The session ends here even where the gateway cannot be told.
  const signOut = () => {
    remove('/sessions/current').catch(() => undefined);
    session.end();
  };
  return (
    <>
      <header>
        <span>{texts.title}</span>
        <button type="button" lang={other === 'zh' ? 'zh-CN' : 'en'} onClick={() => change(other)}>
          {texts.other}
        </button>
        {token !== null && (
          <button type="button" onClick={signOut}>
            {texts.signOut}
          </button>
        )}
      </header>
      {token === null ? <SignIn /> : <SignedIn key={token} />}
    </>
  );
}
