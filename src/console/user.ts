import { createContext, useContext } from 'react';
import type { Role } from '../http/schemas/people.ts';
import type { Me } from './queries.ts';

const UserContext = createContext<Me | null>(null);
export const UserProvider = UserContext.Provider;

export function useUser(): Me {
  const user = useContext(UserContext);
  if (user === null) throw new Error('useUser is for pages that need a signed-in user');
  return user;
}

const STAFF: readonly Role[] = ['admin', 'operator', 'company'];
const CLERKS: readonly Role[] = ['admin', 'company'];

export type Group = 'watch' | 'switch' | 'money' | 'manage';
export type Section =
  | ('terminals' | 'alarms' | 'lines')
  | ('batches' | 'schedules' | 'held')
  | ('households' | 'billing' | 'takings' | 'arrears' | 'proposals' | 'deposits' | 'reconciliation' | 'accounts')
  | ('imports' | 'claim' | 'quarantine' | 'security' | 'audit');

/** The menu, in groups, with who has what. The gateway decides what may be seen and done; this only leaves out what it would refuse. */
const MENU: readonly [Group, readonly [Section, readonly Role[]][]][] = [
  [
    'watch',
    [
      ['terminals', STAFF],
      ['alarms', STAFF],
      ['lines', STAFF],
    ],
  ],
  [
    'switch',
    [
      ['batches', STAFF],
      ['schedules', CLERKS],
      ['held', CLERKS],
    ],
  ],
  [
    'money',
    [
      ['households', STAFF],
      ['billing', CLERKS],
      ['takings', STAFF],
      ['arrears', STAFF],
      ['proposals', STAFF],
      ['deposits', STAFF],
      ['reconciliation', CLERKS],
      ['accounts', CLERKS],
    ],
  ],
  [
    'manage',
    [
      ['imports', CLERKS],
      ['claim', CLERKS],
      ['quarantine', STAFF],
      ['security', CLERKS],
      ['audit', CLERKS],
    ],
  ],
];

/** What a role's menu holds; a resident has none. */
export const menuOf = (role: Role): { group: Group; sections: Section[] }[] =>
  MENU.map(([group, sections]) => ({
    group,
    sections: sections.filter(([, roles]) => roles.includes(role)).map(([section]) => section),
  })).filter(({ sections }) => sections.length > 0);

const isClerk = (user: Me): boolean => user.role === 'admin' || user.role === 'company';
export const maySwitch = (user: Me): boolean => isClerk(user);
export const mayTakePayments = (user: Me): boolean => isClerk(user);
export const mayBill = (user: Me): boolean => isClerk(user);
export const mayPay = (user: Me): boolean => isClerk(user) || user.role === 'resident';
export const mayProvision = (user: Me): boolean => isClerk(user);
export const mayAcknowledge = (user: Me): boolean => user.role === 'admin' || user.role === 'operator';

export const mayTrustClock = (user: Me): boolean => user.role === 'admin';
export const mayRequeue = (user: Me): boolean => user.role === 'admin';

const RESIDENTS_PATHS = ['/households/', '/terminals/', '/receipts/', '/bills/'];
const ONLY_CLERKS = ['/held', '/schedules', '/billing', '/audit', '/imports', '/claim', '/reconciliation'];

/** A resident has no lists. Of another's household or terminal the gateway says that it is not there. */
export const mayVisit = (user: Me, path: string): boolean => {
  if (user.role === 'resident') return RESIDENTS_PATHS.some((own) => path.startsWith(own));
  return isClerk(user) || !ONLY_CLERKS.includes(path);
};
