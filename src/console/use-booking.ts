import { useQueryClient } from '@tanstack/react-query';
import { post } from './api.ts';
import { CACHE } from './queries.ts';
import { useOnce } from './use-once.ts';

/** Sends what moves a household's money, once for each intent, and has everything that shows the money read again. */
export function useBooking<Body, Answer>(
  householdId: string,
  pathOf: (body: Body) => string,
  bodyOf: (body: Body) => unknown,
) {
  const client = useQueryClient();
  return useOnce<Body, Answer>(
    (body, key) => post(`/households/${encodeURIComponent(householdId)}${pathOf(body)}`, bodyOf(body), key),
    () => {
      for (const part of [CACHE.account, CACHE.payments, CACHE.ledger]) {
        void client.invalidateQueries({ queryKey: [part, householdId] });
      }
    },
  );
}
