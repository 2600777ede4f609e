import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  parseSearchWith,
  redirect,
  stringifySearchWith,
} from '@tanstack/react-router';
import { AccountsPage } from './pages/accounts.tsx';
import { AlarmsPage } from './pages/alarms.tsx';
import { ArrearsPage } from './pages/arrears.tsx';
import { AuditPage } from './pages/audit.tsx';
import { BatchPage } from './pages/batch.tsx';
import { BatchesPage } from './pages/batches.tsx';
import { BillPage } from './pages/bill.tsx';
import { BillingPage } from './pages/billing.tsx';
import { ClaimPage } from './pages/claim.tsx';
import { DepositsPage } from './pages/deposits.tsx';
import { HeldPage } from './pages/held.tsx';
import { HomePage } from './pages/home.tsx';
import { HouseholdPage } from './pages/household.tsx';
import { HouseholdsPage } from './pages/households.tsx';
import { ImportsPage } from './pages/imports.tsx';
import { LinePage } from './pages/line.tsx';
import { LinesPage } from './pages/lines.tsx';
import { LoginPage } from './pages/login.tsx';
import { ProposalsPage } from './pages/proposals.tsx';
import { QuarantinePage } from './pages/quarantine.tsx';
import { ReceiptPage } from './pages/receipt.tsx';
import { ReconciliationPage } from './pages/reconciliation.tsx';
import { SchedulesPage } from './pages/schedules.tsx';
import { SecurityPage } from './pages/security.tsx';
import { SetupPage } from './pages/setup.tsx';
import { TakingsPage } from './pages/takings.tsx';
import { TerminalsPage } from './pages/terminals.tsx';
import { NoPage, PageFailure } from './parts/failure.tsx';
import { Shell } from './parts/shell.tsx';
import {
  accountsSearch,
  alarmSearch,
  arrearsSearch,
  auditSearch,
  billingSearch,
  depositSearch,
  householdSearch,
  importSearch,
  lineSearch,
  loginSearch,
  proposalSearch,
  quarantineSearch,
  reconciliationSearch,
  securitySearch,
  setupSearch,
  takingsSearch,
  terminalSearch,
} from './search.ts';
import { session } from './session.ts';

const root = createRootRoute({ notFoundComponent: NoPage });
const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  component: LoginPage,
  validateSearch: loginSearch,
});
const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  component: SetupPage,
  validateSearch: setupSearch,
});
const shell = createRoute({
  getParentRoute: () => root,
  id: 'shell',
  component: Shell,
  beforeLoad: ({ location: { href } }) => {
    if (session.token() === null) throw redirect({ to: '/login', search: { from: href === '/' ? undefined : href } });
  },
});
const home = createRoute({ getParentRoute: () => shell, path: '/', component: HomePage });
const terminals = createRoute({
  getParentRoute: () => shell,
  path: '/terminals',
  component: TerminalsPage,
  validateSearch: terminalSearch,
});
const terminal = createRoute({
  getParentRoute: () => shell,
  path: '/terminals/$id',
  // The charts are half of the program, and only this page has any.
  component: lazyRouteComponent(() => import('./pages/terminal.tsx'), 'TerminalPage'),
});
const households = createRoute({
  getParentRoute: () => shell,
  path: '/households',
  component: HouseholdsPage,
  validateSearch: householdSearch,
});
const household = createRoute({ getParentRoute: () => shell, path: '/households/$id', component: HouseholdPage });
const receipt = createRoute({ getParentRoute: () => shell, path: '/receipts/$id', component: ReceiptPage });
const deposits = createRoute({
  getParentRoute: () => shell,
  path: '/deposits',
  component: DepositsPage,
  validateSearch: depositSearch,
});
const bill = createRoute({ getParentRoute: () => shell, path: '/bills/$id', component: BillPage });
const billing = createRoute({
  getParentRoute: () => shell,
  path: '/billing',
  component: BillingPage,
  validateSearch: billingSearch,
});
const arrears = createRoute({
  getParentRoute: () => shell,
  path: '/arrears',
  component: ArrearsPage,
  validateSearch: arrearsSearch,
});
const takings = createRoute({
  getParentRoute: () => shell,
  path: '/takings',
  component: TakingsPage,
  validateSearch: takingsSearch,
});
const accounts = createRoute({
  getParentRoute: () => shell,
  path: '/accounts',
  component: AccountsPage,
  validateSearch: accountsSearch,
});
const proposals = createRoute({
  getParentRoute: () => shell,
  path: '/proposals',
  component: ProposalsPage,
  validateSearch: proposalSearch,
});
const alarms = createRoute({
  getParentRoute: () => shell,
  path: '/alarms',
  component: AlarmsPage,
  validateSearch: alarmSearch,
});
const batches = createRoute({ getParentRoute: () => shell, path: '/batches', component: BatchesPage });
const batch = createRoute({ getParentRoute: () => shell, path: '/batches/$id', component: BatchPage });
const schedules = createRoute({ getParentRoute: () => shell, path: '/schedules', component: SchedulesPage });
const held = createRoute({ getParentRoute: () => shell, path: '/held', component: HeldPage });
const lines = createRoute({
  getParentRoute: () => shell,
  path: '/lines',
  component: LinesPage,
  validateSearch: lineSearch,
});
const line = createRoute({ getParentRoute: () => shell, path: '/lines/$id', component: LinePage });
const quarantine = createRoute({
  getParentRoute: () => shell,
  path: '/quarantine',
  component: QuarantinePage,
  validateSearch: quarantineSearch,
});
const security = createRoute({
  getParentRoute: () => shell,
  path: '/security',
  component: SecurityPage,
  validateSearch: securitySearch,
});
const audit = createRoute({
  getParentRoute: () => shell,
  path: '/audit',
  component: AuditPage,
  validateSearch: auditSearch,
});
const reconciliation = createRoute({
  getParentRoute: () => shell,
  path: '/reconciliation',
  component: ReconciliationPage,
  validateSearch: reconciliationSearch,
});
const imports = createRoute({
  getParentRoute: () => shell,
  path: '/imports',
  component: ImportsPage,
  validateSearch: importSearch,
});
const claim = createRoute({ getParentRoute: () => shell, path: '/claim', component: ClaimPage });

export const router = createRouter({
  routeTree: root.addChildren([
    login,
    setup,
    shell.addChildren([
      home,
      terminals,
      terminal,
      households,
      household,
      bill,
      billing,
      takings,
      accounts,
      arrears,
      proposals,
      receipt,
      deposits,
      alarms,
      held,
      batches,
      batch,
      schedules,
      lines,
      line,
      quarantine,
      security,
      audit,
      reconciliation,
      imports,
      claim,
    ]),
  ]),
  // Plain `?areaCode=141023`: the default writes strings that look like numbers in quotes.
  parseSearch: parseSearchWith(String),
  stringifySearch: stringifySearchWith(String),
  defaultErrorComponent: PageFailure,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
