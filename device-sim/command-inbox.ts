import { z } from 'zod';
import type { Profile } from '../src/terminals/profile.ts';
import { type Order, understand } from './obedience.ts';
import type { Random } from './random.ts';

const commandSchema = z.object({
  id: z.string().min(1),
  command: z.string(),
  value: z.union([z.string(), z.number(), z.boolean()]),
  expiresAt: z.union([z.number(), z.iso.datetime({ offset: true }).transform((text) => Date.parse(text))]),
});
type Command = z.infer<typeof commandSchema>;

const longestMemory = 500;

export interface Verdict {
  readonly id: string;
  readonly result: 'accepted' | 'rejected';
  readonly reason?: string;
}

/** What the terminal answers, and what it will do: nothing when it refuses or has done it before. */
export interface Decision {
  readonly verdict: Verdict;
  readonly order?: Order;
}

/** How a terminal takes commands: each id once, none expired, some refused. Undefined where there is no id to answer to. */
export function createCommandInbox(profile: Profile, refuse: number, random: Random) {
  const verdicts = new Map<string, Verdict>();

  const judge = ({ id, command, value, expiresAt }: Command, nowMs: number): Decision => {
    const rejected = (reason: string): Decision => ({ verdict: { id, result: 'rejected', reason } });
    if (nowMs > expiresAt) return rejected('expired');
    const definition = Object.hasOwn(profile.commands, command) ? profile.commands[command] : undefined;
    if (!definition) return rejected('unknown_command');
    const number = understand(definition, value);
    if (number === undefined) return rejected('bad_value');
    if (random.chance(refuse)) return rejected('busy');
    return { verdict: { id, result: 'accepted' }, order: { command, value: number } };
  };

  return (text: string, nowMs: number): Decision | undefined => {
    const command = parse(text);
    if (!command) return undefined;
    const known = verdicts.get(command.id);
    if (known) return { verdict: known };
    const decision = judge(command, nowMs);
    verdicts.set(command.id, decision.verdict);
    for (const oldest of verdicts.keys()) {
      if (verdicts.size <= longestMemory) break;
      verdicts.delete(oldest);
    }
    return decision;
  };
}

function parse(text: string): Command | undefined {
  try {
    return commandSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
