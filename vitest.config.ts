import { configDefaults, defineConfig } from 'vitest/config';

/** What rows promise, they promise on both databases. */
const ON_POSTGRES = [
  'test/billing/*.test.ts',
  'test/audit/audit.test.ts',
  'test/commands/*.test.ts',
  'test/http/{access,accounts,arrears,audit,bills,deposits,households,import,import-households,ledger,moved*,paging,payments,problems,proposals}.test.ts',
  'test/http/{quarantine,registry,removal,reports*}.test.ts',
];

/** Without rows, or with ten thousand runs that each have rows of their own. */
const WITHOUT_ROWS = [
  ...configDefaults.exclude,
  'test/commands/{batch-life,judge,lifecycle,model}.test.ts',
  'test/billing/{alipay,order-states,wechat-signing}.test.ts',
];

export default defineConfig({
  test: {
    globalSetup: 'test/helpers/set-up.ts',
    reporters: ['default', './test/helpers/count.ts'],
    // Two cores: more workers only wait for each other.
    maxWorkers: 2,
    // A file that loads the gateway anew waits longer for that than for most of its tests. No test replaces a module.
    isolate: false,
    // A browser that is starved on a shared machine gets a second chance, and the output says which.
    retry: 1,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A second, as it is by default, is too little for a page on a busy machine.
    expect: { poll: { timeout: 20_000 } },
    projects: [
      {
        extends: true,
        test: { name: 'SQLite', globalSetup: 'test/helpers/sqlite.ts', include: ['test/**/*.test.ts'] },
      },
      {
        extends: true,
        test: {
          name: 'PostgreSQL',
          globalSetup: 'test/helpers/postgres.ts',
          include: ON_POSTGRES,
          exclude: WITHOUT_ROWS,
          env: { TEST_DATABASE: 'postgres' },
        },
      },
    ],
  },
});
