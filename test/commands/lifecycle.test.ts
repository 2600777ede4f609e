import { expect, test } from 'vitest';
import { type CommandEvent, nextState } from '../../src/commands/lifecycle.ts';
import { COMMAND_STATES, type CommandState } from '../../src/db/schema-commands.ts';

const TABLE = `
              approve  refuse   send  return  acknowledge   reject    confirm    contradict    time_out   expire   cancel
held          queued   refused  -     -       -             -         -          -             -          expired  cancelled
queued        -        refused  sent  -       -             -         -          -             -          expired  cancelled
sent          -        -        -     queued  acknowledged  rejected  confirmed  sent          timed_out  -        -
acknowledged  -        -        -     -       -             -         confirmed  acknowledged  timed_out  -        -
timed_out     -        -        -     -       acknowledged  rejected  confirmed  timed_out     -          -        -
confirmed     -        -        -     -       -             -         -          -             -          -        -
rejected      -        -        -     -       -             -         -          -             -          -        -
refused       -        -        -     -       -             -         -          -             -          -        -
expired       -        -        -     -       -             -         -          -             -          -        -
cancelled     -        -        -     -       -             -         -          -             -          -        -
`;

test('a command moves only as this table says', () => {
  const [header = '', ...rows] = TABLE.trim().split('\n');
  const events = header.trim().split(/\s+/) as CommandEvent[];
  expect(rows).toHaveLength(COMMAND_STATES.length);
  for (const row of rows) {
    const [state, ...next] = row.trim().split(/\s+/) as [CommandState, ...string[]];
    for (const [index, event] of events.entries()) {
      expect(`${state} ${event}: ${nextState(state, event) ?? '-'}`).toBe(`${state} ${event}: ${next[index]}`);
    }
  }
});
