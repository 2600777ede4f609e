import type { Ask } from '../lines/line.ts';
import type { Question } from '../lines/question.ts';
import type { CommandDefinition } from '../terminals/profile.ts';

/** How meters of one protocol are read and switched; the line, the breaker and the clock are the unit's. */

/** A command in the meter's own words. */
export interface Order {
  definition: CommandDefinition;
  value: string | number;
  /** Epoch ms. */
  expiresAt: number;
}

export interface Talk {
  /** Reads all that the profile names into `data`. Throws what ends the poll early. */
  read(ask: Ask, data: Map<string, Buffer>): Promise<void>;
  /** Why a command cannot be sent at all. */
  unfit?(order: Order): string | undefined;
  /** Sends a command. Throws `Refusal`. False when the profile does not know it. */
  send(ask: Ask, order: Order): Promise<boolean>;
  /** Questions whose answers are not taken for those of others, the best first. */
  probes(): Question<unknown>[];
  /** What the meter does not have, as it said itself. */
  leftOut(): string[];
  /** The meter gave no answer. */
  silent(): void;
}
