import { expect, test } from 'vitest';
import { nextState, type OrderEvent } from '../../src/billing/order-states.ts';
import { ORDER_STATES } from '../../src/db/schema-orders.ts';

/** What may become of an order, as a table that a bookkeeper can read. `-`: it changes nothing. */

const TABLE = `
            pay    hold   close    refund     back_none   back_part   back_all
open        paid   held   closed   -          -           -           -
closed      paid   held   -        -          -           -           -
held        paid   -      -        -          -           -           -
paid        -      -      -        refunding  -           paid        refunded
refunding   -      -      -        refunding  paid        paid        refunded
refunded    -      -      -        -          -           -           -
`;

test('an order goes from state to state as the table says, and in no other way', () => {
  const [head = '', ...rows] = TABLE.trim().split('\n');
  const events = head.trim().split(/\s+/) as OrderEvent[];
  expect(rows).toHaveLength(ORDER_STATES.length);
  const found = ORDER_STATES.map((state) => [state, ...events.map((event) => nextState(state, event) ?? '-')]);
  const wanted = rows.map((row) => row.trim().split(/\s+/));
  expect(found.sort()).toEqual(wanted.sort());
});
