import { expect, test } from 'vitest';
import { type BatchEvent, isFailing, nextBatchState } from '../../src/commands/batch-life.ts';
import { BATCH_STATES, type BatchState } from '../../src/db/schema-batches.ts';

const TABLE = `
           approve  refuse   expire     pause   resume   stop     finish  cancel
held       running  refused  cancelled  -       -        -        -       cancelled
running    -        -        -          paused  -        stopped  done    cancelled
paused     -        -        -          -       running  -        -       cancelled
stopped    -        -        -          -       running  -        -       cancelled
done       -        -        -          -       -        -        -       -
refused    -        -        -          -       -        -        -       -
cancelled  -        -        -          -       -        -        -       -
`;

test('a batch moves only as this table says', () => {
  const [header = '', ...rows] = TABLE.trim().split('\n');
  const events = header.trim().split(/\s+/) as BatchEvent[];
  expect(rows).toHaveLength(BATCH_STATES.length);
  for (const row of rows) {
    const [state, ...next] = row.trim().split(/\s+/) as [BatchState, ...string[]];
    for (const [index, event] of events.entries()) {
      expect(`${state} ${event}: ${nextBatchState(state, event) ?? '-'}`).toBe(`${state} ${event}: ${next[index]}`);
    }
  }
});

const FAILURES = `
confirmed  rejected  timed_out  expired  refused  cancelled  waiting  fails
0          0         0          0        0        0          100      no
0          4         0          0        0        0          100      no
0          5         0          0        0        0          100      yes
45         5         0          0        0        0          0        yes
46         5         0          0        0        0          0        no
40         1         1          1        2        0          0        yes
10         1         1          1        1        0          0        no
30         2         3          0        0        20         0        no
`;

test('a batch fails when 10 % of what has ended failed, but not before 5 have', () => {
  const [header = '', ...rows] = FAILURES.trim().split('\n');
  const states = header.trim().split(/\s+/).slice(0, -1);
  for (const row of rows) {
    const cells = row.trim().split(/\s+/);
    const counts = Object.fromEntries(states.map((state, index) => [state, Number(cells[index])]));
    expect(`${row.trim()} → ${isFailing(counts, { percent: 10, atLeast: 5 }) ? 'yes' : 'no'}`).toBe(
      `${row.trim()} → ${cells.at(-1)}`,
    );
  }
});
