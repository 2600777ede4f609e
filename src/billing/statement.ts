import type { DifferenceRow, PaymentOrderRow, PaymentRefundRow } from '../db/schema-orders.ts';
import { fromFen } from '../lib/money.ts';
import { isPaid } from './order-states.ts';
import type { StatementLine } from './providers/provider.ts';

/** A provider's statement beside what we have, without any clock or database. */

export interface Ours {
  orders: PaymentOrderRow[];
  /** Those of other days too where the statement names them. */
  refunds: PaymentRefundRow[];
  /** The day, epoch ms; `to` is not in it. */
  from: number;
  to: number;
}

export type Difference = Pick<
  DifferenceRow,
  'sameAs' | 'kind' | 'about' | 'orderId' | 'companyId' | 'transactionId' | 'oursFen' | 'theirsFen'
>;

/** A line that is just as we have it; `id` is that of our order or refund. */
export interface Matched {
  line: StatementLine;
  order: PaymentOrderRow;
  id: string;
}

const keyOf = ({ kind, orderId, refundId }: Pick<StatementLine, 'kind' | 'orderId' | 'refundId'>): string =>
  kind === 'payment' ? `payment ${orderId}` : `refund ${refundId}`;

/** What we have for a line, in its words. */
function counterpartOf(line: StatementLine, order: PaymentOrderRow | undefined, refund: PaymentRefundRow | undefined) {
  if (line.kind === 'payment') {
    return order && { id: order.id, amountFen: order.amountFen, isDone: isPaid(order.state) };
  }
  return refund && { id: refund.id, amountFen: refund.amountFen, isDone: refund.state === 'done' };
}

export function compare(lines: StatementLine[], { orders, refunds, from, to }: Ours) {
  const orderOf = new Map(orders.map((order) => [order.id, order]));
  const refundOf = new Map(refunds.map((refund) => [refund.refundNo, refund]));
  const matched: Matched[] = [];
  const differences = new Map<string, Difference>();
  const seen = new Set<string>();

  function differ(
    kind: Difference['kind'],
    about: Difference['about'],
    rest: Omit<Difference, 'kind' | 'about' | 'sameAs'>,
    key: string,
  ) {
    const sameAs = `${kind} ${key}`;
    differences.set(sameAs, { sameAs, kind, about, ...rest });
  }

  for (const line of lines) {
    const order = orderOf.get(line.orderId);
    const there = counterpartOf(line, order, refundOf.get(line.refundId ?? ''));
    const isDone = line.state === 'done';
    const key = keyOf(line);
    const rest = {
      orderId: line.orderId,
      companyId: order?.companyId ?? null,
      transactionId: line.transactionId,
      oursFen: there?.amountFen ?? null,
      theirsFen: fromFen(line.amountFen),
    };
    if (seen.has(key)) differ('duplicate', line.kind, rest, key);
    else if (!there || !order) {
      // What failed there needs nothing here.
      if (isDone || line.kind === 'payment') differ('missing_here', line.kind, rest, key);
    } else if (rest.theirsFen !== there.amountFen) differ('amount_differs', line.kind, rest, key);
    else if (isDone !== there.isDone || (isDone && order.transactionId !== line.transactionId)) {
      // A refund that is under way on both sides is no difference.
      if (!(line.state === 'pending' && !there.isDone)) differ('state_differs', line.kind, rest, key);
    } else if (isDone) matched.push({ line, order, id: there.id });
    seen.add(key);
  }

  const within = (time: number | null): boolean => time !== null && time >= from && time < to;
  for (const order of orders) {
    const key = `payment ${order.id}`;
    if (!within(order.paidAt) || seen.has(key)) continue;
    const { id: orderId, companyId, transactionId, amountFen: oursFen } = order;
    differ('missing_there', 'payment', { orderId, companyId, transactionId, oursFen, theirsFen: null }, key);
  }
  for (const refund of refunds) {
    const key = `refund ${refund.refundNo}`;
    if (!within(refund.doneAt) || refund.state !== 'done' || seen.has(key)) continue;
    const order = orderOf.get(refund.orderId);
    const { orderId, amountFen: oursFen } = refund;
    const rest = { companyId: order?.companyId ?? null, transactionId: order?.transactionId ?? null };
    differ('missing_there', 'refund', { orderId, ...rest, oursFen, theirsFen: null }, key);
  }
  return { matched, differences: [...differences.values()] };
}
