import { join } from 'node:path';
import type { Caller } from '../../src/areas/scope.ts';
import { createAudit } from '../../src/audit/audit.ts';
import { verifyAudit } from '../../src/audit/verify.ts';
import { type Command, type Commands, openCommands } from '../../src/commands/commands.ts';
import type { Judgement } from '../../src/commands/judge.ts';
import { openDatabase } from '../../src/db/database.ts';
import { type Carrier, type Downlink, startDownlink } from '../../src/downlink.ts';
import { createLog } from '../../src/lib/log.ts';
import { createLatest } from '../../src/readings/latest.ts';
import { loadProfiles } from '../../src/terminals/profile.ts';
import { openRegistry } from '../../src/terminals/registry.ts';
import { openSealedSecrets } from '../../src/terminals/sealed-secrets.ts';
import { heldClock } from '../helpers/clock.ts';
import { tempFolder } from '../helpers/temp.ts';
import { createPlayed, createWire, type Fate, type Manner, payloadOf, type Sample } from './model-wire.ts';

/** Plays one evening of a terminal and its gateway, and says what must not have happened in it. */

export type Give = 'given' | 'taken' | 'not listening' | 'throws' | 'dies before' | 'dies after' | 'slow';
export type Act =
  | { act: 'ask'; command: 'power' | 'setpoint'; value: 'on' | 'off' | 19 | 21; expiresInS: number; held: boolean }
  | { act: 'wait' | 'set the clock'; ms: number }
  | { act: 'restart' | 'away' | 'back' | 'read' | 'approve' | 'cancel' }
  | { act: 'turn'; value: 'on' | 'off' };

export interface Evening {
  acts: Act[];
  fates: Fate[];
  manners: Manner[];
  /** What comes of giving a command to the wire, one after another. */
  gives: Give[];
}

/** What is known of a command outside the gateway. All times are true ones. */
interface Fact {
  askedAt: number;
  /** By how much the gateway's clock was wrong. */
  wrongAt: number;
  lifeMs: number;
  wanted: [metric: string, value: number];
  queued: boolean;
  given: number;
  sent: { at: number; wrong: number; boot: number } | undefined;
  command: Command;
  since: number;
}

const ALLOWED: Judgement = { decision: 'allowed', rules: [], policyVersion: null };
const judge = async () => ALLOWED;
const ADMIN: Caller = { id: 'a', name: 'admin', role: 'admin', companyId: null, areaCode: null, householdId: null };
const START = Date.UTC(2026, 10, 24, 18);
const TIMEOUT_MS = 20_000;
const SLACK_MS = 10_000;
const MAX_FUTURE_MS = 300_000;
/** The longest life, the time-out, the slowest message, and the slack. */
const END_MS = 30_000 + TIMEOUT_MS + 40_000 + SLACK_MS;
const DEAD_MS = 500;
const STALL_MS = 4_000;
const NEVER = new Promise<never>(() => undefined);
const FINAL = new Set(['confirmed', 'rejected', 'refused', 'timed_out', 'expired', 'cancelled']);
const NOT_SENT = new Set(['refused', 'expired', 'cancelled']);

const wantedOf = (command: string, value: string | number): [string, number] =>
  command === 'power' ? ['power_on', value === 'on' ? 1 : 0] : ['setpoint_c', Number(value)];

export async function openModel() {
  await using stack = new AsyncDisposableStack();
  const log = createLog('silent');
  const folder = stack.use(await tempFolder());
  const db = stack.use(await openDatabase(':memory:', log));
  const profiles = loadProfiles('config/profiles');
  const sealedSecrets = await openSealedSecrets(join(folder.path, 'secrets.key'), { db, log });
  const registry = await openRegistry({
    db,
    clock: heldClock(),
    profiles,
    audit: createAudit({ db, clock: heldClock() }),
    sealedSecrets,
    onChange: () => undefined,
  });
  const connection = { type: 'mqtt' } as const;
  const made = await registry.create(ADMIN, { id: 'A', profile: 'gas-boiler', connection });
  const { power, setpoint } = made.terminal.profile.commands;
  if (!power || !setpoint) throw new Error('the boiler takes other commands');
  const timeoutS = TIMEOUT_MS / 1_000;
  const commandsOf = { power: { ...power, timeoutS }, setpoint: { ...setpoint, timeoutS } };
  const terminal = { ...made.terminal, profile: { ...made.terminal.profile, commands: commandsOf } };

  async function play({ acts, fates, manners, gives }: Evening): Promise<string[]> {
    const wrongs: string[] = [];
    const facts = new Map<string, Fact>();
    const held = heldClock(START);
    let stalled = 0;
    const clock = { ...held, now: () => held.now() + stalled, ticks: () => held.ticks() + stalled };
    const trueNow = () => START + clock.ticks();
    const wrongBy = () => clock.now() - trueNow();
    const latest = createLatest();
    let gateway: { commands: Commands; downlink: Downlink } | undefined;
    let boot = 0;
    let bootedAt = 0;
    let connected = true;
    let gave = 0;
    let met = 0;
    let stallNext = false;
    let shown: Sample | undefined;

    const recorder = createAudit({ db, clock });
    const audit: typeof recorder = {
      ...recorder,
      async record(transaction, ...entries) {
        await recorder.record(transaction, ...entries);
        // The database stands still for a while in the middle of a step, and everything in the process with it.
        if (stallNext && entries[0]?.action === 'command_sent') stalled += STALL_MS;
      },
    };

    function note(command: Command): void {
      const fact = facts.get(command.id);
      if (!fact) return;
      const before = fact.command;
      if (before.state !== command.state) fact.since = trueNow();
      fact.command = command;
      if (FINAL.has(before.state) && before.state !== 'timed_out' && before.state !== command.state)
        wrongs.push(`${before.state} became ${command.state}`);
      if (command.state === 'confirmed' && before.state !== 'confirmed') checkConfirmed(fact);
    }

    /** Across a restart there is the clock alone, so one that was set meanwhile may be believed. */
    function checkConfirmed({ sent, wanted: [metric, value] }: Fact): void {
      if (sent && sent.boot !== boot && sent.wrong !== wrongBy()) return;
      const isShown = sent && shown && shown.at > sent.at && shown.values[metric] === value;
      if (!isShown) wrongs.push(`confirmed ${metric} = ${value} by ${JSON.stringify(shown)}, sent ${sent?.at}`);
    }

    const put = createWire(clock, fates);
    const played = createPlayed({
      now: trueNow,
      manner: () => manners[met++ % manners.length] ?? 'does',
      send: (message) => put(() => void ('reply' in message ? hearReply(message.reply) : hear(message.sample))),
    });

    async function hearReply({ id, accepted }: { id: string; accepted: boolean }): Promise<void> {
      const to = gateway;
      if (to && (await to.commands.answer('A', id, accepted, undefined))) to.downlink.kick('A');
    }

    async function hear(sample: Sample): Promise<void> {
      const to = gateway;
      if (!to || sample.at > clock.now() + MAX_FUTURE_MS) return;
      shown = sample;
      const newest = latest.update('A', sample.at, sample.values);
      if ((await to.commands.confirm(terminal, sample.at, newest)).length > 0) to.downlink.kick('A');
    }

    const carrier: Carrier = {
      async give(_terminal, command, begin) {
        if (!connected) return { result: 'not_given' };
        const way = gives.length > 0 ? (gives[gave++ % gives.length] ?? 'given') : 'given';
        stallNext = way === 'slow';
        const at = trueNow();
        const begun = await begin();
        stallNext = false;
        if (!begun) return { result: 'not_given' };
        const fact = facts.get(command.id);
        if (fact) checkGiven(fact, command, at);
        if (way === 'not listening') {
          if (fact) fact.given -= 1;
          return { result: 'not_listening' };
        }
        if (way === 'dies before') return die();
        const text = payloadOf('A', command, clock.now());
        if (way === 'taken') {
          played.take(text);
          return { result: 'taken' };
        }
        put(() => connected && played.take(text));
        if (way === 'dies after') return die();
        if (way === 'throws') throw new Error('the connection broke');
        return { result: 'given' };
      },
    };

    function checkGiven(fact: Fact, command: Command, begunAt: number): void {
      const at = trueNow();
      fact.given += 1;
      fact.sent = { at: begunAt, wrong: wrongBy(), boot };
      if (fact.given > 1) wrongs.push(`${command.sequence} was given twice`);
      if (at >= fact.askedAt + fact.lifeMs) wrongs.push(`${command.sequence} was sent ${at - fact.askedAt} ms after`);
      for (const { command: other, queued, given } of facts.values()) {
        if (other.sequence <= command.sequence) continue;
        if (given > 0) wrongs.push(`${command.sequence} was sent after ${other.sequence}`);
        if (queued && other.command === command.command)
          wrongs.push(`${command.sequence} was sent, and ${other.sequence} is newer`);
      }
    }

    async function start(): Promise<void> {
      boot += 1;
      bootedAt = trueNow();
      const commands = await openCommands({ db, clock, audit, gateway: 'G', onChange: note });
      const carriers = { mqtt: carrier, modbus: carrier, meter: carrier };
      gateway = {
        commands,
        downlink: startDownlink({
          control: { commands, judge },
          registry: { find: () => terminal },
          carriers,
          clock,
          log,
        }),
      };
      gateway.downlink.kick('A');
    }

    /** Whatever it was doing is never gone on with. */
    function die(): Promise<never> {
      void gateway?.downlink[Symbol.asyncDispose]();
      gateway = undefined;
      clock.after(DEAD_MS, () => void start());
      return NEVER;
    }

    async function askFor(request: Extract<Act, { act: 'ask' }>): Promise<void> {
      const to = gateway;
      if (!to) return;
      const { command, value, expiresInS, held: isHeld } = request;
      const asked = await db.transaction().execute((transaction) =>
        to.commands.create(transaction, terminal, ADMIN, {
          via: 'request',
          ...{ command, value, ttlMs: expiresInS * 1_000, holdMs: expiresInS * 1_000 },
          judgement: { ...ALLOWED, decision: isHeld ? 'held' : 'allowed' },
        }),
      );
      facts.set(asked.id, {
        askedAt: trueNow(),
        wrongAt: wrongBy(),
        lifeMs: 1_000 * expiresInS,
        wanted: wantedOf(command, value),
        queued: !isHeld,
        given: 0,
        sent: undefined,
        command: asked,
        since: trueNow(),
      });
      await to.commands.announce(asked);
      to.downlink.kick('A');
    }

    async function decide(what: 'approve' | 'cancel'): Promise<void> {
      const to = gateway;
      const state = what === 'approve' ? 'held' : 'queued';
      const fact = [...facts.values()].find(({ command }) => command.state === state);
      if (!to || !fact) return;
      const taken = await to.commands.step(fact.command, what, what === 'approve' ? 'requested' : 'cancelled');
      if (taken?.state === 'queued') fact.queued = true;
      to.downlink.kick('A');
    }

    async function happen(one: Act): Promise<void> {
      if (one.act === 'ask') return askFor(one);
      if (one.act === 'wait') return held.advance(one.ms);
      if (one.act === 'set the clock') return held.set(held.now() + one.ms);
      if (one.act === 'turn') return played.turn(one.value);
      if (one.act === 'read') return played.sample();
      if (one.act === 'approve' || one.act === 'cancel') return decide(one.act);
      if (one.act === 'restart') return gateway && void die();
      connected = one.act === 'back';
      if (connected) gateway?.downlink.kick('A');
    }

    function checkEnds(): void {
      const now = trueNow();
      for (const { command, askedAt, lifeMs, sent, since } of facts.values()) {
        if (FINAL.has(command.state)) continue;
        const isSent = command.state === 'sent' || command.state === 'acknowledged';
        const end = isSent ? Math.max(sent?.at ?? 0, bootedAt) + TIMEOUT_MS : askedAt + lifeMs;
        if (now > Math.max(end, since) + SLACK_MS) wrongs.push(`${command.sequence} is ${command.state} after its end`);
      }
    }

    function checkDone(): void {
      for (const { id, at } of played.done) {
        const fact = facts.get(id);
        if (!fact) continue;
        const { command, askedAt, lifeMs, wrongAt } = fact;
        if (played.done.filter((other) => other.id === id).length > 1)
          wrongs.push(`${command.sequence} was done twice`);
        if (wrongAt === 0 && at >= askedAt + lifeMs) wrongs.push(`${command.sequence} was done after it had expired`);
        if (NOT_SENT.has(command.state)) wrongs.push(`${command.sequence} is ${command.state}, and was done`);
      }
    }

    await start();
    for (const one of acts) {
      await happen(one);
      await held.advance(0);
      checkEnds();
    }
    await held.advance(END_MS);
    checkEnds();
    checkDone();
    const left = [...facts.values()].filter(({ command }) => !FINAL.has(command.state));
    for (const { command } of left) wrongs.push(`${command.sequence} is ${command.state} for ever`);
    const rows = await db.selectFrom('commands').select(['id', 'state']).execute();
    for (const { id, state } of rows) {
      if (facts.get(id)?.command.state !== state) wrongs.push(`${id} is ${state}, and nobody was told`);
    }
    await gateway?.downlink[Symbol.asyncDispose]();
    await db.deleteFrom('commandSteps').execute();
    await db.deleteFrom('commands').execute();
    return wrongs;
  }

  const opened = stack.move();
  return { play, verify: () => verifyAudit(db, []), [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
