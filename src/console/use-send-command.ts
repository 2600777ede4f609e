import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { Command } from '../http/schemas/commands.ts';
import { post } from './api.ts';
import { useIntent } from './intent.ts';
import { applyCommand } from './live-cache.ts';
import { CACHE } from './queries.ts';

/** Seconds that the gateway keeps a command that it cannot send. */
export const EXPIRES_IN_S = 120;

export type NewCommand = { command: string; value: string | number; reason?: string };

export function useSendCommand(terminalId: string) {
  const client = useQueryClient();
  const intent = useIntent();
  return useMutation({
    mutationFn: (wanted: NewCommand) => {
      const body = { ...wanted, expiresInS: EXPIRES_IN_S };
      return post<Command>(`/terminals/${encodeURIComponent(terminalId)}/commands`, body, intent.keyFor(body));
    },
    onSuccess: (command) => {
      intent.done();
      applyCommand(client, command);
    },
    onError: intent.failed,
    onSettled: () => client.invalidateQueries({ queryKey: [CACHE.commands, terminalId] }),
  });
}

export function useCancelCommand({ id, terminalId }: Command) {
  const client = useQueryClient();
  return useMutation({
    // Cancelled twice is still cancelled: this needs no key.
    mutationFn: () => post<Command>(`/commands/${encodeURIComponent(id)}/cancel`, {}),
    onSuccess: (cancelled) => applyCommand(client, cancelled),
    onSettled: () => client.invalidateQueries({ queryKey: [CACHE.commands, terminalId] }),
  });
}
