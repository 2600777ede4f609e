import { z } from 'zod';
import type { Alarms } from './alarms/alarms.ts';
import type { Commands } from './commands/commands.ts';
import type { Clock } from './lib/clock.ts';
import type { Latest } from './readings/latest.ts';
import type { Quarantine } from './readings/quarantine.ts';
import type { Spool } from './readings/spool.ts';
import {
  type Decoded,
  decodeMeter,
  decodeRegisters,
  type Item,
  type Reading,
  type RegisterFrame,
  type Reject,
  type TimeBounds,
} from './terminals/decode.ts';
import { textOfMeter, textOfRegisters } from './terminals/frames.ts';
import { decodePayload, decodeUnwrapped } from './terminals/mapping.ts';
import type { MeterData } from './terminals/meter-values.ts';
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

  function receive(terminal: Terminal, { readings, rejects }: Decoded, frame: () => string): Promise<void> {
    const taken = append(terminal, readings);
    const kept = rejects.length > 0 ? quarantine.add(terminal.id, rejects, frame(), true) : undefined;
    const onDisk: Promise<unknown> = kept ? Promise.all([taken, kept]) : taken;
    return onDisk.then(() => {
      received += readings.length;
      return follow(terminal, readings, 0);
    });
  }

  const boundsOf = ({ installedAt }: Terminal): TimeBounds => ({
    now: clock.now(),
    maxFutureMs: parts.maxFutureMs,
    installedAt,
  });

  function append({ id: terminalId }: Terminal, readings: Reading[]): Promise<void> {
    if (readings.length === 0) return Promise.resolve();
    return spool.append(readings.map(({ time, values }) => ({ terminalId, time, values })));
  }

  /** What readings on disk change, in order. Most change no alarm and no command, and there are many: they wait for nothing. */
  function follow(terminal: Terminal, readings: Reading[], from: number): Promise<void> | undefined {
    for (let index = from; index < readings.length; index += 1) {
      const reading = readings[index];
      const changes = reading && note(terminal, reading);
      if (changes) return changes.then(() => follow(terminal, readings, index + 1));
    }
    tellStatus(terminal);
    return undefined;
  }

  function note(terminal: Terminal, reading: Reading): Promise<unknown> | undefined {
    const newest = latest.update(terminal.id, reading.time, reading.values);
    parts.others?.reading(terminal.id, reading.time, newest);
    return show(terminal, reading, newest);
  }

  /** What a reading means for whoever watches, for alarms and for commands; undefined when neither an alarm nor a command changes. */
  function show(
    terminal: Terminal,
    { time, values }: Reading,
    newest: Record<string, number>,
  ): Promise<unknown> | undefined {
    presence.seen(terminal.id, time);
    live.reading(terminal, time, values);
    // What comes late tells of the past: it neither opens nor closes an alarm, and confirms nothing.
    const changes = alarms.evaluate(terminal, time, newest);
    if (commands.openOf(terminal.id).length === 0) return changes;
    return Promise.resolve(changes).then(() => confirm(terminal, time, newest));
  }

  async function confirm(terminal: Terminal, time: number, values: Record<string, number>): Promise<void> {
    const confirmed = await commands.confirm(terminal, time, values);
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
      const decoded = decodePayload(terminal.profile, payload, boundsOf(terminal));
      return receive(terminal, decoded, () => payload.toString('utf8'));
    },

    /** What another dialect unwrapped; quarantine keeps it in this form, from which it is read again. */
    receiveItems(terminal: Terminal, items: Item[]): Promise<void> {
      const decoded = decodeUnwrapped(terminal.profile, items, boundsOf(terminal));
      return receive(terminal, decoded, () => JSON.stringify(items));
    },

    receiveRegisters(terminal: Terminal, frame: RegisterFrame): Promise<void> {
      const time = clock.now();
      const decoded = decodeRegisters(terminal.profile, frame, time, terminal.installedAt);
      return receive(terminal, decoded, () => textOfRegisters(frame, time));
    },

    /** What a meter said at a time, epoch ms. */
    receiveMeter(terminal: Terminal, data: MeterData, time: number): Promise<void> {
      const decoded = decodeMeter(terminal.profile, data, time, terminal.installedAt);
      return receive(terminal, decoded, () => textOfMeter(data, time));
    },

    /** A message over the limit is kept up to it; `beginning` may be all that there is of its `bytes`. */
    refuseLarge: (terminal: Terminal, beginning: Buffer, bytes: number, limit: number): Promise<void> =>
      quarantine.add(
        terminal.id,
        [{ reason: 'too_large', detail: `${bytes} bytes, and ${limit} are the most` }],
        beginning.toString('utf8', 0, limit),
      ),

    /** What another dialect could not unwrap. */
    refuse: (terminal: Terminal, rejects: Reject[], payload: Buffer): Promise<void> =>
      quarantine.add(terminal.id, rejects, payload.toString('utf8')),

    async receiveStatus(terminal: Terminal, payload: Buffer): Promise<void> {
      const message = await read(terminal, statusMessage, payload);
      if (!message) return;
      parts.others?.status(terminal.id, message.online);
      said(terminal, message.online);
    },

    /** What another gateway took, and has on its disk. */
    async hear(terminal: Terminal, reading: Reading): Promise<void> {
      await show(terminal, reading, latest.update(terminal.id, reading.time, reading.values));
      tellStatus(terminal);
    },

    hearStatus: said,

    /** A command was sent elsewhere, and what shows it may be here already. */
    async recheck(terminal: Terminal): Promise<void> {
      for (const [metric, { time, value }] of latest.of(terminal.id))
        await confirm(terminal, time, { [metric]: value });
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

    /**
     * The answer to a command in another dialect, by its sequence. Where the device says none, it answers the one that was sent and waits:
     * there is never more than one.
     */
    async receiveAnswer(
      terminal: Terminal,
      answer: { request: number | undefined; accepted: boolean; reason?: string | undefined },
    ) {
      const { request, accepted, reason } = answer;
      const command = commands
        .openOf(terminal.id)
        .find(({ sequence, state }) => (request === undefined ? state === 'sent' : sequence === request));
      if (command && (await commands.answer(terminal.id, command.id, accepted, reason))) parts.onSettled(terminal);
    },

    /** Tells which terminals have gone offline by the age of their data, a part of them each time. */
    sweepStatus(): void {
      for (const terminal of registry.slice(SWEPT_AT_ONCE)) tellStatus(terminal);
    },

    received: () => received,
  };
}
export type Uplink = ReturnType<typeof createUplink>;
