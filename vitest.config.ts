import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/helpers/set-up.ts',
    reporters: ['default', './test/helpers/count.ts'],
    // Two cores: more workers only wait for each other.
    maxWorkers: 2,
    // A browser that is starved on a shared machine gets a second chance, and the output says which.
    retry: 1,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
