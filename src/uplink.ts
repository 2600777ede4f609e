import { z } from 'zod';
import type { Alarms } from './alarms/alarms.ts';
import type { Commands } from './commands/commands.ts';
import type { Clock } from './lib/clock.ts';
import type { Latest } from './readings/latest.ts';
import type { Quarantine } from './readings/quarantine.ts';
import type { Spool } from './readings/spool.ts';
import { type Decoded, decodeMessage, decodeRegisters, type RegisterFrame, type Reject } from './terminals/decode.ts';
import { textOfRegisters } from './terminals/frames.ts';
import type { Presence, Status } from './terminals/presence.ts';
import type { Registry, Terminal } from './terminals/registry.ts';

/** Everything that happens to a frame, in order. Resolving means that what the frame says is on disk. */

/** Who is told what happens, as it happens. */
export interface LiveListener {
  reading(terminal: Terminal, time: number, values: Record<string, number>): void;
  status(terminal: Terminal, status: Status): void;
}

/** Other gateways, who know the newest values and signs of life too. */
export interface Others {
  reading(terminalId: string, time: number, values: Record<string, number>): void;
  status(terminalId: string, online: boolean): void;
}

const statusMessage = z.object({ online: z.boolean() });
const eventMessage = z.object({
  time: z.union([z.string(), z.number()]),
  event: z.string().regex(/^[a-z][a-z0-9_]{0,40}$/),
  data: z.record(z.string(), z.unknown()).optional(),
});
const replyMessage = z.object({
  id: z.string().max(64),
  result: z.enum(['accepted', 'rejected']),
  reason: z.string().max(200).optional(),
});

const SWEPT_AT_ONCE = 5_000;

const TOO_MANY_ALARMS: Reject = { reason: 'too_many_alarms', detail: 'acknowledge some of the open ones first' };

/** Characters of an event's data that are kept with its alarm. */
const MOST_EVENT_DATA = 2_000;
const TOO_MUCH_DATA: Reject = {
  reason: 'too_large',
  detail: `the alarm is open, but without its data: ${MOST_EVENT_DATA} characters are the most`,
};

/** Undefined for data that can be read but is nested too deeply to be written. */
function writtenData(data: Record<string, unknown>): string | undefined {
  try {
    return JSON.stringify(data);
  } catch {
    return undefined;
  }
}

export function createUplink(parts: {
  spool: Spool;
  latest: Latest;
  presence: Presence;
  quarantine: Quarantine;
  registry: Registry;
  alarms: Alarms;
  commands: Commands;
  live: LiveListener;
  others?: Others | undefined;
  clock: Clock;
  maxFutureMs: number;
  /** A command of the terminal came to its end, so the next may be sent. */
  onSettled: (terminal: Terminal) => void;
}) {
  const { spool, latest, presence, quarantine, registry, alarms, commands, live, clock } = parts;
  let received = 0;

  async function receive(terminal: Terminal, { readings, rejects }: Decoded, frame: () => string): Promise<void> {
    const records = readings.map(({ time, values }) => ({ terminalId: terminal.id, time, values }));
    const taken = records.length > 0 ? spool.append(records) : undefined;
    if (rejects.length > 0) await Promise.all([taken, quarantine.add(terminal.id, rejects, frame(), true)]);
    else await taken;
    received += readings.length;
    for (const { time, values } of readings) {
      const newest = latest.update(terminal.id, time, values);
      parts.others?.reading(terminal.id, time, newest);
      const changes = follow(terminal, time, values, newest);
      // Most readings change no alarm and no command, and there are many: they wait for nothing.
      if (changes) await changes;
    }
    tellStatus(terminal);
  }

  /** What a reading means for whoever watches, and, if it is not late, for alarms and commands: it may end some. */
  function follow(
    terminal: Terminal,
    time: number,
    values: Record<string, number>,
    newest: Record<string, number>,
  ): Promise<void> | undefined {
    presence.seen(terminal.id, time);
    live.reading(terminal, time, values);
    // What comes late tells of the past: it neither opens nor closes an alarm, and confirms nothing.
    const changes = alarms.evaluate(terminal, time, newest);
    const open = commands.openOf(terminal.id).length > 0;
    return changes || open ? settle(terminal, time, newest, changes) : undefined;
  }

  async function settle(
    terminal: Terminal,
    time: number,
    newest: Record<string, number>,
    changes?: Promise<unknown>,
  ): Promise<void> {
    await changes;
    const confirmed = await commands.confirm(terminal, time, newest);
    if (confirmed.length > 0) parts.onSettled(terminal);
  }

  function tellStatus(terminal: Terminal): void {
    const status = presence.changed(terminal);
    if (status) live.status(terminal, status);
  }

  function said(terminal: Terminal, online: boolean): void {
    if (online) presence.saidOnline(terminal.id);
    else presence.saidOffline(terminal.id);
    tellStatus(terminal);
  }

  /** Reads a small message; a bad one goes to quarantine. */
  async function read<T>(terminal: Terminal, schema: z.ZodType<T>, payload: Buffer): Promise<T | undefined> {
    const text = payload.toString('utf8');
    let reject: Reject;
    try {
      const result = schema.safeParse(JSON.parse(text));
      if (result.success) return result.data;
      reject = { reason: 'bad_payload', detail: z.prettifyError(result.error).slice(0, 200) };
    } catch (error) {
      reject = { reason: 'bad_json', detail: String(error).slice(0, 200) };
    }
    await quarantine.add(terminal.id, [reject], text);
    return undefined;
  }

  return {
    receiveMessage(terminal: Terminal, payload: Buffer): Promise<void> {
      const { profile, installedAt } = terminal;
      const bounds = { now: clock.now(), maxFutureMs: parts.maxFutureMs, installedAt };
      return receive(terminal, decodeMessage(profile, payload, bounds), () => payload.toString('utf8'));
    },

    receiveRegisters(terminal: Terminal, frame: RegisterFrame): Promise<void> {
      const time = clock.now();
      const decoded = decodeRegisters(terminal.profile, frame, time, terminal.installedAt);
      return receive(terminal, decoded, () => textOfRegisters(frame, time));
    },

    /** A message over the limit is kept up to it; `beginning` may be all that there is of its `bytes`. */
    refuseLarge: (terminal: Terminal, beginning: Buffer, bytes: number, limit: number): Promise<void> =>
      quarantine.add(
        terminal.id,
        [{ reason: 'too_large', detail: `${bytes} bytes, and ${limit} are the most` }],
        beginning.toString('utf8', 0, limit),
      ),

    async receiveStatus(terminal: Terminal, payload: Buffer): Promise<void> {
      const message = await read(terminal, statusMessage, payload);
      if (!message) return;
      parts.others?.status(terminal.id, message.online);
      said(terminal, message.online);
    },

    /** What another gateway took, and has on its disk. */
    async hear(terminal: Terminal, time: number, values: Record<string, number>): Promise<void> {
      await follow(terminal, time, values, latest.update(terminal.id, time, values));
      tellStatus(terminal);
    },

    hearStatus(terminal: Terminal, online: boolean): void {
      said(terminal, online);
    },

    /** A command was sent elsewhere, and what shows it may be here already. */
    async recheck(terminal: Terminal): Promise<void> {
      for (const [metric, { time, value }] of latest.of(terminal.id)) await settle(terminal, time, { [metric]: value });
    },

    async receiveEvent(terminal: Terminal, payload: Buffer): Promise<void> {
      const message = await read(terminal, eventMessage, payload);
      if (!message) return;
      presence.saidOnline(terminal.id);
      const data = message.data ? writtenData(message.data) : '{}';
      const fits = data !== undefined && data.length <= MOST_EVENT_DATA;
      const raised = await alarms.raiseEvent(terminal.id, message.event, fits && data !== '{}' ? data : null);
      const rejects = [...(raised ? [] : [TOO_MANY_ALARMS]), ...(fits ? [] : [TOO_MUCH_DATA])];
      if (rejects.length > 0) await quarantine.add(terminal.id, rejects, payload.toString('utf8'));
      tellStatus(terminal);
    },

    async receiveReply(terminal: Terminal, payload: Buffer): Promise<void> {
      const message = await read(terminal, replyMessage, payload);
      if (!message) return;
      const command = await commands.answer(terminal.id, message.id, message.result === 'accepted', message.reason);
      if (command) parts.onSettled(terminal);
    },

    /** Tells which terminals have gone offline by the age of their data, a part of them each time. */
    sweepStatus(): void {
      for (const terminal of registry.slice(SWEPT_AT_ONCE)) tellStatus(terminal);
    },

    received: () => received,
  };
}
export type Uplink = ReturnType<typeof createUplink>;
