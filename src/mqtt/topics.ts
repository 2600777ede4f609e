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

export const commandTopic = (terminalId: string): string => `terminals/${terminalId}/commands`;
