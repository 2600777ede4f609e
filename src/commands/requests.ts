import type { Transaction } from 'kysely';
import { type Caller, personOf } from '../areas/scope.ts';
import type { Tables } from '../db/schema.ts';
import type { CommandState } from '../db/schema-commands.ts';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Registry, Terminal } from '../terminals/registry.ts';
import type { Command, Commands } from './commands.ts';
import { isArm } from './effect.ts';
import type { Judge, JudgeContext, Judgement, JudgeRequest } from './judge.ts';
import type { Policies } from './policies.ts';
import { checkAllowed } from './policy.ts';
import { codesOf } from './rules.ts';
import type { JudgedRequest } from './writing.ts';

/** Who may have a command, and who must allow it: the way from a request to the outbox. */

export interface CommandRequest extends JudgeRequest {
  expiresInS: number;
}

/** What a second person saw when they decided; of another command than that they have decided nothing. */
export interface Approval {
  reason?: string | undefined;
  policyVersion?: string | null | undefined;
  sequence?: number | undefined;
}

/** Without a policy nothing that takes heat away is sent, but a valve can be armed. */
const ARM_WITHOUT_POLICY_S = 30;

const UNKNOWN_PERSON = { zh: '不知道这个接口密钥是谁创建的', en: 'Nobody knows who made this API key' };

/** Who decides is a person, and another than who asked. */
export function mustBeSecond(caller: Caller, { requestedById }: { requestedById: string | null }): void {
  if (caller.personId === null) throw new GatewayError('own_request', UNKNOWN_PERSON);
  if (requestedById === personOf(caller)) throw new GatewayError('own_request');
}

const isNow = (state: CommandState): GatewayError =>
  new GatewayError('wrong_state', { zh: '指令的状态已变，请刷新后再看', en: `The command is ${state}` });

/** The refusal of a judgement, with its rules. */
export const refusedBy = ({ rules }: Pick<Judgement, 'rules'>): GatewayError =>
  new GatewayError('refused_by_policy', rules.map(({ rule, en }) => `${rule}: ${en}`).join(' '), rules);

/** What is left of what a second person has allowed, at every later judging. */
export const contextOf = (command: Command): JudgeContext => ({
  via: command.via,
  again: true,
  ...(command.approvedBy !== null && { approved: command.rules.map(({ rule }) => rule) }),
});

export function createRequests(parts: {
  commands: Commands;
  registry: Registry;
  policies: Policies;
  judge: Judge;
  clock: Clock;
}) {
  const { commands, registry, policies, judge, clock } = parts;

  /** A command that waits for a second person, whom this caller may be. */
  async function waiting(caller: Caller, id: string): Promise<{ command: Command; terminal: Terminal }> {
    const command = await commands.get(caller, id);
    if (command.state !== 'held') throw isNow(command.state);
    mustBeSecond(caller, command);
    return { command, terminal: registry.get(caller, command.terminalId) };
  }

  const signed = (caller: Caller, reason: string | undefined): string =>
    reason?.trim() ? `${caller.name}: ${reason.trim()}` : caller.name;

  function mustBeSeen(command: Command, { policyVersion, sequence }: Approval): void {
    const isOther =
      (policyVersion !== undefined && policyVersion !== command.policyVersion) ||
      (sequence !== undefined && sequence !== command.sequence);
    if (isOther)
      throw new GatewayError('wrong_state', {
        zh: '所显示的内容已变，请刷新后再看',
        en: 'What was shown has changed; look again',
      });
  }

  async function decided(step: Promise<Command | undefined>, id: string, caller: Caller): Promise<Command> {
    const next = await step;
    if (next) return next;
    const { state } = await commands.get(caller, id);
    throw isNow(state);
  }

  /** Writes what was judged into the outbox: queued, held, or refused, which stays on record. `announce` it when the transaction is through. */
  async function issue(
    transaction: Transaction<Tables>,
    terminal: Terminal,
    caller: Caller,
    request: CommandRequest & Omit<JudgedRequest, 'ttlMs' | 'holdMs'>,
  ): Promise<Command> {
    const policy = policies.inForce();
    const most = isArm(request.value) ? (policy?.arm.expiresInS ?? ARM_WITHOUT_POLICY_S) : Number.POSITIVE_INFINITY;
    return commands.create(transaction, terminal, caller, {
      ...request,
      ttlMs: Math.min(request.expiresInS, most) * 1_000,
      holdMs: policies.holdS() * 1_000,
    });
  }

  return {
    issue,

    /** Judges a request and writes it into the outbox; tell the caller of a refusal by `refusedBy`. */
    async request(
      transaction: Transaction<Tables>,
      terminal: Terminal,
      caller: Caller,
      request: CommandRequest,
    ): Promise<Command> {
      checkAllowed(terminal, request.command, request.value);
      const via = 'request';
      const judgement = await judge(terminal, request, { via }, transaction);
      return issue(transaction, terminal, caller, { ...request, via, judgement });
    },

    /** What would become of a request now. */
    async preview(terminal: Terminal, request: JudgeRequest): Promise<Judgement> {
      checkAllowed(terminal, request.command, request.value);
      return judge(terminal, request, { via: 'request' });
    },

    /** A second person allows what they were shown. It is judged once more, and its time to be sent begins. */
    async approve(caller: Caller, id: string, approval: Approval): Promise<Command> {
      const { command, terminal } = await waiting(caller, id);
      mustBeSeen(command, approval);
      const approved = command.rules.map(({ rule }) => rule);
      const judgement = await judge(terminal, command, { ...contextOf(command), approved });
      if (judgement.decision === 'refused') {
        const { rules, policyVersion } = judgement;
        await commands.step(command, 'refuse', 'policy', codesOf(rules), {
          by: caller.name,
          also: { rules, policyVersion },
        });
        throw refusedBy(judgement);
      }
      if (judgement.decision === 'held') {
        const mass = command.rules.filter(({ rule }) => rule === 'mass_off');
        await commands.holdFor(command, { ...judgement, rules: [...judgement.rules, ...mass] });
        throw new GatewayError('wrong_state', {
          zh: '现在又有别的规则要求审批，请刷新后再看',
          en: 'Another rule holds it now; look again',
        });
      }
      const now = clock.now();
      const also = { approvedBy: caller.name, approvedAt: now, expiresAt: now + command.ttlMs };
      const deed = { by: caller.name, also };
      return decided(commands.step(command, 'approve', 'approved', signed(caller, approval.reason), deed), id, caller);
    },

    async refuse(caller: Caller, id: string, approval: Approval): Promise<Command> {
      const { command } = await waiting(caller, id);
      const by = caller.name;
      return decided(
        commands.step(command, 'refuse', 'not_allowed', signed(caller, approval.reason), { by }),
        id,
        caller,
      );
    },

    /** The household has paid: what waits to cut it off for arrears is over. */
    async paid(householdId: string): Promise<void> {
      for (const command of await commands.forArrears(householdId)) await commands.step(command, 'cancel', 'paid');
    },
  };
}
