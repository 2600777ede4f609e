import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Caller } from '../areas/scope.ts';
import type { BatchRow } from '../db/schema-batches.ts';
import type { Effect, Purpose } from '../db/schema-commands.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Profile } from '../terminals/profile.ts';
import { longestExpiryS } from '../terminals/profile-commands.ts';
import type { Registry, Terminal } from '../terminals/registry.ts';
import { effectOf, isArm } from './effect.ts';
import type { Judge, Judgement } from './judge.ts';
import { checkAllowed } from './policy.ts';
import { refusedBy } from './requests.ts';
import { type Reason, words } from './rules.ts';

/** What a batch would do: which terminals, and what the policy says of each. Nothing is written. */

/** An area and all below it, or a list; the rest narrows it down. */
export interface BatchSelection {
  areaCode?: string | undefined;
  terminalIds?: string[] | undefined;
  profile?: string | undefined;
  kind?: Profile['kind'] | undefined;
  online?: boolean | undefined;
}

export interface BatchRequest extends BatchSelection {
  command: string;
  value: string | number;
  reason: string;
  purpose?: Purpose | undefined;
  expiresInS: number;
  perCellPerMinute?: number | undefined;
  inFlight?: number | undefined;
}

export interface PlannedItem {
  terminal: Terminal;
  effect: Effect | undefined;
  decision: Judgement['decision'];
  rules: Reason[];
}

export interface BatchPlan {
  items: PlannedItem[];
  decision: Judgement['decision'];
  /** Households that lose their heat, as far as nothing refuses it. */
  homes: number;
  policyVersion: string | null;
  listHash: string;
}

export interface PlanSummary {
  byArea: { areaCode: string | null; allowed: number; held: number; refused: number }[];
  byReason: (Reason & { decision: 'held' | 'refused'; count: number })[];
}

/** Judging holds the thread; after so many others get their turn. */
const AT_ONCE = 50;

/** What a second person is shown, as one value: the command, and each terminal with what holds or refuses it. */
export function hashOfList(
  { command, value }: { command: string; value: string },
  items: { terminalId: string; refused: boolean; rules: string }[],
): string {
  const hash = createHash('sha256').update(JSON.stringify([command, value]));
  for (const { terminalId, refused, rules } of items) hash.update(`\n${JSON.stringify([terminalId, refused, rules])}`);
  return hash.digest('hex');
}

/** Cells in turn, so that no cell waits for another's last. */
function inTurns(items: PlannedItem[]): PlannedItem[] {
  const cells = Map.groupBy(items, ({ terminal }) => terminal.areaCode);
  const placed = [...cells.values()].flatMap((cell) => cell.map((item, turn) => ({ item, turn })));
  return placed.sort((a, b) => a.turn - b.turn).map(({ item }) => item);
}

function decisionOf(items: PlannedItem[]): Judgement['decision'] {
  if (items.some(({ decision }) => decision === 'held')) return 'held';
  return items.some(({ decision }) => decision === 'allowed') ? 'allowed' : 'refused';
}

/** Counts by area, and by rule; of rules with figures, the first one's words stand for all. */
export function summaryOf(items: PlannedItem[]): PlanSummary {
  const areas = new Map<string | null, PlanSummary['byArea'][number]>();
  const reasons = new Map<string, PlanSummary['byReason'][number]>();
  for (const { terminal, decision, rules } of items) {
    const { areaCode } = terminal;
    const area = areas.get(areaCode) ?? { areaCode, allowed: 0, held: 0, refused: 0 };
    area[decision] += 1;
    areas.set(areaCode, area);
    if (decision === 'allowed') continue;
    for (const rule of rules) {
      const key = `${decision} ${rule.rule}`;
      const known = reasons.get(key) ?? { ...rule, decision, count: 0 };
      known.count += 1;
      reasons.set(key, known);
    }
  }
  return {
    byArea: [...areas.values()].sort((a, b) => (a.areaCode ?? '').localeCompare(b.areaCode ?? '')),
    byReason: [...reasons.values()].sort((a, b) => b.count - a.count),
  };
}

export function createBatchPlanning(parts: {
  registry: Registry;
  judge: Judge;
  isOnline: (terminal: Terminal) => boolean;
  /** Terminals of a company that other batches have yet to switch off. */
  waitingOff: (companyId: string | null) => Promise<number>;
  /** Most terminals of one batch. */
  most: number;
}) {
  const { registry, judge, isOnline, waitingOff, most } = parts;

  const tooMany = () =>
    new GatewayError('invalid_request', {
      zh: `超过 ${most} 台终端，请分成几个批次`,
      en: `more than ${most} terminals: make several batches`,
    });

  function select(caller: Caller, { areaCode, terminalIds, profile, kind, online }: BatchSelection): Terminal[] {
    if ((areaCode === undefined) === (terminalIds === undefined)) {
      throw new GatewayError('invalid_request', {
        zh: '请选择区域或列出终端，二者取一',
        en: 'give either areaCode or terminalIds',
      });
    }
    const fits = (terminal: Terminal): boolean =>
      (profile === undefined || terminal.profile.profile === profile) &&
      (kind === undefined || terminal.profile.kind === kind) &&
      (online === undefined || isOnline(terminal) === online);
    if (terminalIds) {
      if (terminalIds.length > most) throw tooMany();
      return [...new Set(terminalIds)].map((id) => registry.get(caller, id)).filter(fits);
    }
    const { items, nextCursor } = registry.list(caller, { areaCode, limit: most }, fits);
    if (nextCursor !== null) throw tooMany();
    return items;
  }

  /** Terminals that lose their heat by this, by company. */
  async function offsOf(terminals: Terminal[], { command, value }: BatchRequest): Promise<Map<string | null, number>> {
    const off = terminals.filter(({ profile }) => effectOf(profile, command, value) !== undefined);
    const counts = new Map<string | null, number>();
    for (const [companyId, { length }] of Map.groupBy(off, (terminal) => terminal.companyId)) {
      counts.set(companyId, length + (await waitingOff(companyId)));
    }
    return counts;
  }

  /** What no command of these terminals may wait for. */
  function checkExpiry(terminal: Terminal, { command, value, expiresInS }: BatchRequest): void {
    const longest = longestExpiryS(terminal.profile, command, value);
    if (expiresInS <= longest) return;
    throw new GatewayError('invalid_request', {
      zh: `有效期：${terminal.id} 最多 ${longest} 秒`,
      en: `expiresInS: for ${terminal.id} ${longest} is the most`,
    });
  }

  function knows(terminal: Terminal, { command, value }: BatchRequest): boolean {
    try {
      checkAllowed(terminal, command, value);
      return true;
    } catch (error) {
      if (error instanceof GatewayError) return false;
      throw error;
    }
  }

  return {
    /** Throws `not_found` for a terminal that the caller may not see, and `refused_by_policy` for what no batch may do. */
    async plan(caller: Caller, request: BatchRequest, via: BatchRow['via']): Promise<BatchPlan> {
      if (isArm(request.value))
        throw refusedBy({ rules: [{ rule: 'arm_by_person_only', ...words.arm_by_person_only() }] });
      const terminals = select(caller, request);
      if (terminals.length === 0)
        throw new GatewayError('unknown_reference', { zh: '没有符合条件的终端', en: 'There is no terminal like this' });
      const offs = await offsOf(terminals, request);
      const items: PlannedItem[] = [];
      let policyVersion: string | null = null;
      for (const [index, terminal] of terminals.entries()) {
        if (index % AT_ONCE === AT_ONCE - 1) await nextTurn();
        if (!knows(terminal, request)) {
          const rules: Reason[] = [{ rule: 'no_such_command', ...words.no_such_command(terminal.profile.profile) }];
          items.push({ terminal, effect: undefined, decision: 'refused', rules });
          continue;
        }
        checkExpiry(terminal, request);
        const effect = effectOf(terminal.profile, request.command, request.value);
        const judgement = await judge(terminal, request, { via, together: offs.get(terminal.companyId) ?? 1 });
        policyVersion = judgement.policyVersion;
        items.push({ terminal, effect, decision: judgement.decision, rules: judgement.rules });
      }
      const ordered = inTurns(items);
      const losing = items.filter(({ effect, decision }) => effect !== undefined && decision !== 'refused');
      return {
        items: ordered,
        decision: decisionOf(ordered),
        homes: new Set(losing.map(({ terminal }) => terminal.householdId ?? terminal.id)).size,
        policyVersion,
        listHash: hashOfList(
          { command: request.command, value: JSON.stringify(request.value) },
          ordered.map(({ terminal, decision, rules }) => ({
            terminalId: terminal.id,
            refused: decision === 'refused',
            rules: JSON.stringify(rules),
          })),
        ),
      };
    },
  };
}
export type BatchPlanning = ReturnType<typeof createBatchPlanning>;
