import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, every } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { knownUntil, type Policy, parsePolicy } from './policy-file.ts';

/**
 * The policies of a folder, read anew within seconds of a change. Of those that have begun, the newest is in force. While one file is
 * broken none is, since it might be the one that counts.
 */

const LOOK_MS = 2_000;

const HOLD_WITHOUT_POLICY_S = 900;
const DAY_MS = 86_400_000;

/** What is in force, or why nothing is: the log has what is wrong with a file. */
export interface PolicyState {
  trouble: 'unreadable' | 'none_begun' | undefined;
  version?: string;
  /** For how many whole days ahead holidays are written down; undefined where the policy has none. */
  holidayDays?: number | undefined;
}

const inForceAt = (policies: Policy[], now: number): Policy | undefined =>
  policies.find(({ effectiveFrom }) => effectiveFrom <= now);

/** Of policies, the newest first; undefined where they cannot be read. */
export function policyState(policies: Policy[] | undefined, now: number): PolicyState {
  const policy = policies && inForceAt(policies, now);
  if (!policy) return { trouble: policies ? 'none_begun' : 'unreadable' };
  const until = policy.holidays && knownUntil(policy.holidays);
  const holidayDays = until === undefined ? undefined : Math.max(0, Math.floor((until - now) / DAY_MS));
  return { trouble: undefined, version: policy.version, holidayDays };
}

const filesOf = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) => join(folder, name));

/** What can be seen of a folder without reading its files. */
function stateOf(folder: string): string {
  try {
    return filesOf(folder)
      .map((file) => {
        const { mtimeMs, size, ino } = statSync(file);
        return `${file} ${mtimeMs} ${size} ${ino}`;
      })
      .join('\n');
  } catch (error) {
    return String(error);
  }
}

/** Throws when there is none, one is wrong, or two are not told apart. */
export function loadPolicies(folder: string): Policy[] {
  const policies = filesOf(folder).map((file) => parsePolicy(readFileSync(file, 'utf8'), file));
  if (policies.length === 0) throw new Error(`${folder} holds no policy`);
  for (const key of ['version', 'effectiveFrom'] as const) {
    const twice = policies.find((one, i) => policies.findIndex((other) => other[key] === one[key]) !== i);
    if (twice) throw new Error(`${folder}: two policies have the same ${key} (${twice.version})`);
  }
  return policies.sort((a, b) => b.effectiveFrom - a.effectiveFrom);
}

/** Dispose ends the looking. */
export function startPolicies(folder: string, { clock, log }: { clock: Clock; log: Logger }) {
  let seen = '';
  /** The newest first; undefined while they cannot be read. */
  let policies: Policy[] | undefined;

  function look(): void {
    const now = stateOf(folder);
    if (now === seen) return;
    seen = now;
    try {
      policies = loadPolicies(folder);
      log.info({ versions: policies.map(({ version }) => version) }, 'policies: read');
    } catch (error) {
      policies = undefined;
      const reason = error instanceof Error ? error.message : String(error);
      log.error({ reason }, 'policies: cannot be read; nothing is switched off until they can');
    }
  }

  look();
  const looking = every(clock, LOOK_MS, look, (error) => log.error({ err: error }, 'policies: looking failed'));
  return {
    /** Undefined while the files cannot be read, or none has begun. */
    inForce: (): Policy | undefined => policies && inForceAt(policies, clock.now()),
    state: () => policyState(policies, clock.now()),
    /** How long what is held waits for a second person. Seconds. */
    holdS: () => (policies && inForceAt(policies, clock.now()))?.approval.withinS ?? HOLD_WITHOUT_POLICY_S,
    [Symbol.dispose]: () => looking[Symbol.dispose](),
  };
}
export type Policies = ReturnType<typeof startPolicies>;
