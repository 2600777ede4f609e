import type { Command } from '../commands/commands.ts';
import { rfc3339 } from '../lib/calendar.ts';

/** The topics of the contract: `terminals/{id}/{what}`. Meters' frames and the requests to them are bytes, or digits. */

export const UP_TOPICS = ['readings', 'status', 'events', 'replies', 'frames'] as const;
/** What a terminal listens to. */
export const DOWN_TOPICS = ['commands', 'frames/requests'] as const;
export type UpTopic = (typeof UP_TOPICS)[number];

const PATTERN = /^terminals\/([A-Za-z0-9_-]{1,64})\/([a-z]+(?:\/[a-z]+)?)$/;

/** What a terminal publishes; undefined for every other topic. */
export function parseUpTopic(topic: string): { terminalId: string; what: UpTopic } | undefined {
  const [, terminalId, word] = PATTERN.exec(topic) ?? [];
  const what = UP_TOPICS.find((one) => one === word);
  return terminalId && what ? { terminalId, what } : undefined;
}

/** The terminal that this topic tells something. */
export function parseDownTopic(topic: string): string | undefined {
  const [, terminalId, word] = PATTERN.exec(topic) ?? [];
  return DOWN_TOPICS.some((what) => what === word) ? terminalId : undefined;
}

export const requestTopic = (terminalId: string): string => `terminals/${terminalId}/frames/requests`;

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
