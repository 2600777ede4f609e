import type { Reporter, TestModule } from 'vitest/node';

/** Prints the reason of every skipped test, and a plain count as the last line. */
export default class Count implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    for (const module of modules) {
      // A file that does not load has no tests to fail.
      if (module.errors().length > 0) counts.failed += 1;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'pending') continue;
        counts[result.state] += 1;
        if ((test.diagnostic()?.retryCount ?? 0) > 0) console.log(`RETRIED ${test.fullName}`);
        if (result.state === 'skipped') console.log(`SKIPPED ${test.fullName}: ${result.note ?? 'no reason given'}`);
      }
    }
    process.on('exit', () => {
      console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
    });
  }
}
