import type { OrderState } from '../db/schema-orders.ts';

/** What may become of an order. The table of test/billing/order-states.test.ts shows it whole. */

export type OrderEvent =
  /** The money is there, whatever the order was told before. */
  | 'pay'
  /** The provider says something that does not fit. */
  | 'hold'
  | 'close'
  /** A refund begins. */
  | 'refund'
  /** No refund is under way any more, and of the money nothing, a part or all has gone back. */
  | 'back_none'
  | 'back_part'
  | 'back_all';

const NEXT: Record<OrderState, Partial<Record<OrderEvent, OrderState>>> = {
  open: { pay: 'paid', hold: 'held', close: 'closed' },
  closed: { pay: 'paid', hold: 'held' },
  held: { pay: 'paid' },
  paid: { refund: 'refunding', back_part: 'paid', back_all: 'refunded' },
  refunding: { refund: 'refunding', back_none: 'paid', back_part: 'paid', back_all: 'refunded' },
  refunded: {},
};

/** Undefined when the event changes nothing in that state. */
export const nextState = (state: OrderState, event: OrderEvent): OrderState | undefined => NEXT[state][event];

/** Whether its money is or was here. */
export const isPaid = (state: OrderState): boolean => state === 'paid' || state === 'refunding' || state === 'refunded';
