import { createBeat } from './beat.ts';
import { createCommandInbox } from './command-inbox.ts';
import { createFaults, type Fault, type Faults } from './faults.ts';
import type { MqttTerminal } from './fleet.ts';
import { createMqttLink } from './mqtt-link.ts';
import type { Order } from './obedience.ts';
import type { Pace } from './pace.ts';
import type { Random } from './random.ts';
import type { Timers } from './timers.ts';
import type { Village } from './village.ts';

/** What all MQTT terminals of a fleet have in common. */
export interface MqttSurroundings {
  readonly url: string;
  readonly everyS: number;
  readonly village: Village;
  readonly faults: readonly Fault[];
  readonly refuse: number;
  readonly pace: Pace;
  readonly timers: Timers;
  readonly turn: () => number;
  readonly now: () => number;
  readonly onDelivered: (readings: number) => void;
  readonly onObeyed: () => void;
  readonly onTrouble: (terminal: string, cause: string) => void;
}

export interface MqttTerminalRun {
  readonly faults: Faults;
  connected(): boolean;
  /** A reading now, whatever the beat. */
  report(): void;
  close(): Promise<void>;
}

export function startMqttTerminal(terminal: MqttTerminal, around: MqttSurroundings, random: Random): MqttTerminalRun {
  const { id } = terminal;
  const { pace, timers, village } = around;
  const faults = createFaults(around.faults, random.fork('faults'));
  const decide = createCommandInbox(terminal.profile, around.refuse, random.fork('refusals'));
  const clockMs = (): number => around.now() + faults.clockOffsetMs();
  const clock = (): string => new Date(clockMs()).toISOString();

  const report = (): void => {
    const reading = JSON.stringify({ time: clock(), values: village.values(id) });
    const lateS = faults.strikes('delay');
    if (faults.strikes('drop') === undefined) {
      const copies = faults.strikes('duplicate') === undefined ? 1 : 2;
      for (let copy = 0; copy < copies; copy += 1) {
        if (lateS === undefined) link.post(reading);
        else timers.after(lateS * 1_000, () => link.post(reading));
      }
    }
    const outS = faults.strikes('reboot');
    if (outS !== undefined) link.cut(outS);
  };

  const beat = createBeat(report, around.everyS, { timers, random });

  const perform = (order: Order): void => {
    village.obey(id, order, random.between(...pace.keyS));
    around.onObeyed();
    report();
  };

  const command = (payload: Buffer): void => {
    const decision = decide(payload.toString(), clockMs());
    if (!decision) {
      around.onTrouble(id, 'a command that is none');
      return;
    }
    const { verdict, order } = decision;
    timers.after(random.between(...pace.replyMs), () => {
      link.say('replies', JSON.stringify({ ...verdict, time: clock() }));
    });
    if (order) timers.after(random.between(...pace.obeyMs), () => perform(order));
  };

  const link = createMqttLink({
    terminal,
    url: around.url,
    pace,
    random: random.fork('link'),
    timers,
    turn: around.turn,
    listensTo: 'commands',
    onOpen: beat,
    onCommand: command,
    onDelivered: around.onDelivered,
    onTrouble: (cause) => around.onTrouble(id, cause),
  });
  for (const { time, values } of village.past(id))
    link.post(JSON.stringify({ time: new Date(time).toISOString(), values }));
  link.open();
  return { faults, connected: link.connected, report, close: link.close };
}
