import type { Command } from '../commands/commands.ts';
import { rfc3339 } from '../lib/calendar.ts';

/** The topics of the contract: `terminals/{id}/{what}`. */

export const UP_TOPICS = ['readings', 'status', 'events', 'replies'] as const;
export type UpTopic = (typeof UP_TOPICS)[number];

const PATTERN = /^terminals\/([A-Za-z0-9_-]{1,64})\/([a-z]+)$/;

/** What a terminal publishes; undefined for every other topic. */
export function parseUpTopic(topic: string): { terminalId: string; what: UpTopic } | undefined {
  const [, terminalId, word] = PATTERN.exec(topic) ?? [];
  const what = UP_TOPICS.find((one) => one === word);
  return terminalId && what ? { terminalId, what } : undefined;
}

/** The terminal whose commands this topic carries. */
export function parseCommandTopic(topic: string): string | undefined {
  const [, terminalId, word] = PATTERN.exec(topic) ?? [];
  return word === 'commands' ? terminalId : undefined;
}

/** A command as the contract says it; `now` is when it is sent, epoch ms. */
export const commandMessage = (terminalId: string, command: Command, now: number) => ({
  topic: `terminals/${terminalId}/commands`,
  payload: JSON.stringify({
    id: command.id,
    command: command.command,
    value: command.value,
    issuedAt: rfc3339(now),
    expiresAt: rfc3339(command.expiresAt),
    sequence: command.sequence,
  }),
});
