import { configDefaults, defineConfig } from 'vitest/config';

/** What rows promise, they promise on both databases. */
const ON_POSTGRES = [
  'test/billing/*.test.ts',
  'test/audit/audit.test.ts',
  'test/commands/*.test.ts',
  'test/e2e/commands.test.ts',
  'test/http/{access,arrears,bills,deposits,households,ledger,moved,paging,payments,problems,quarantine,registry,removal}.test.ts',
];

/** Ten thousand runs, each with rows of its own. */
const IN_MEMORY = [...configDefaults.exclude, 'test/commands/model.test.ts'];

export default defineConfig({
  test: {
    globalSetup: 'test/helpers/set-up.ts',
    reporters: ['default', './test/helpers/count.ts'],
    // Two cores: more workers only wait for each other.
    maxWorkers: 2,
    // A browser that is starved on a shared machine gets a second chance, and the output says which.
    retry: 1,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: 'SQLite', include: ['test/**/*.test.ts'] } },
      {
        extends: true,
        test: { name: 'PostgreSQL', include: ON_POSTGRES, exclude: IN_MEMORY, env: { TEST_DATABASE: 'postgres' } },
      },
    ],
  },
});
