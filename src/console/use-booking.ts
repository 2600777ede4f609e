import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRef } from 'react';
import { post } from './api.ts';
import { useIntent } from './intent.ts';
import { CACHE } from './queries.ts';

/** Sends what moves a household's money, once for each intent, and has everything that shows the money read again. */
export function useBooking<Body, Answer>(
  householdId: string,
  pathOf: (body: Body) => string,
  bodyOf: (body: Body) => unknown,
) {
  const client = useQueryClient();
  const intent = useIntent();
  const underWay = useRef(false);
  const booking = useMutation({
    mutationFn: (body: Body) =>
      post<Answer>(`/households/${encodeURIComponent(householdId)}${pathOf(body)}`, bodyOf(body), intent.keyFor(body)),
    onSuccess: () => {
      intent.done();
      for (const part of [CACHE.account, CACHE.payments, CACHE.ledger]) {
        void client.invalidateQueries({ queryKey: [part, householdId] });
      }
    },
    onError: intent.failed,
    onSettled: () => {
      underWay.current = false;
    },
  });
  /** The button is disabled only once React has drawn it so; a second click can be faster than that. */
  const once = (body: Body) => {
    if (underWay.current || booking.isSuccess) return;
    underWay.current = true;
    booking.mutate(body);
  };
  return { ...booking, once };
}
