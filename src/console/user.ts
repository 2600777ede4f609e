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

export type Section =
  | 'terminals'
  | 'households'
  | 'billing'
  | 'arrears'
  | 'deposits'
  | 'reconciliation'
  | 'alarms'
  | 'held'
  | 'lines'
  | 'quarantine'
  | 'security'
  | 'audit'
  | 'imports'
  | 'claim';

/** What a role's menu holds. The gateway decides what may be seen and done; this only leaves out what it would refuse. */
export const SECTIONS: Record<Role, readonly Section[]> = {
  admin: [
    'terminals',
    'households',
    'billing',
    'arrears',
    'deposits',
    'reconciliation',
    'alarms',
    'held',
    'lines',
    'quarantine',
    'security',
    'audit',
    'imports',
    'claim',
  ],
  operator: ['terminals', 'households', 'arrears', 'deposits', 'alarms', 'lines', 'quarantine'],
  company: [
    'terminals',
    'households',
    'billing',
    'arrears',
    'deposits',
    'reconciliation',
    'alarms',
    'held',
    'lines',
    'quarantine',
    'security',
    'audit',
    'imports',
    'claim',
  ],
  resident: [],
};

const isClerk = (user: Me): boolean => user.role === 'admin' || user.role === 'company';
export const maySwitch = (user: Me): boolean => isClerk(user);
export const mayTakePayments = (user: Me): boolean => isClerk(user);
export const mayBill = (user: Me): boolean => isClerk(user);
export const mayPay = (user: Me): boolean => isClerk(user) || user.role === 'resident';
export const mayProvision = (user: Me): boolean => isClerk(user);
export const mayAcknowledge = (user: Me): boolean => user.role === 'admin' || user.role === 'operator';

export const mayRequeue = (user: Me): boolean => user.role === 'admin';

const RESIDENTS_PATHS = ['/households/', '/terminals/', '/receipts/', '/bills/'];
const ONLY_CLERKS = ['/held', '/billing', '/audit', '/imports', '/claim', '/reconciliation'];

/** A resident has no lists. Of another's household or terminal the gateway says that it is not there. */
export const mayVisit = (user: Me, path: string): boolean => {
  if (user.role === 'resident') return RESIDENTS_PATHS.some((own) => path.startsWith(own));
  return isClerk(user) || !ONLY_CLERKS.includes(path);
};
