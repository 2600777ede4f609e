import type { Clock } from '../../src/lib/clock.ts';
import { commandMessage } from '../../src/mqtt/topics.ts';

/** A terminal that is played by the contract, and a wire that loses, doubles, delays and so re-orders what is put on it. */

/** What becomes of one message: how long each of its copies takes. None: it is lost. Milliseconds. */
export type Fate = readonly number[];

interface Payload {
  id: string;
  command: string;
  value: string | number;
  expiresAt: string;
  sequence: number;
}

export type Manner = 'does' | 'does and is silent' | 'says and does not' | 'rejects' | 'ignores';

/** `after` of the clock is true time, which nobody sets. */
export function createWire(clock: Clock, fates: readonly Fate[]) {
  let used = 0;
  return function put(deliver: () => void): void {
    const fate = fates.length > 0 ? (fates[used++ % fates.length] ?? []) : [0];
    for (const ms of fate) clock.after(ms, deliver);
  };
}

interface Done {
  id: string;
  at: number;
}

export interface Sample {
  /** True time. */
  at: number;
  values: Record<string, number>;
}

/** True time is the terminal's time. */
export function createPlayed(parts: {
  now: () => number;
  manner: () => Manner;
  send: (message: { reply: { id: string; accepted: boolean } } | { sample: Sample }) => void;
}) {
  const { now, manner, send } = parts;
  const state = { power_on: 0, setpoint_c: 20 };
  const seen = new Set<string>();
  const done: Done[] = [];
  let newest = 0;

  const sample = () => send({ sample: { at: now(), values: { ...state } } });

  function set(command: string, value: string | number): void {
    if (command === 'power') state.power_on = value === 'on' ? 1 : 0;
    else state.setpoint_c = Number(value);
  }

  return {
    done,
    sample,
    /** Somebody at the device. */
    turn(value: 'on' | 'off'): void {
      set('power', value);
    },
    take(text: string): void {
      const { id, command, value, expiresAt, sequence }: Payload = JSON.parse(text);
      if (seen.has(id)) return;
      seen.add(id);
      const how = manner();
      const isLate = now() >= Date.parse(expiresAt);
      if (isLate || sequence <= newest || how === 'rejects') {
        send({ reply: { id, accepted: false } });
        return;
      }
      if (how === 'ignores') return;
      newest = sequence;
      if (how !== 'does and is silent') send({ reply: { id, accepted: true } });
      if (how === 'says and does not') return;
      set(command, value);
      done.push({ id, at: now() });
      sample();
    },
  };
}

export const payloadOf = (terminalId: string, command: Parameters<typeof commandMessage>[1], now: number): string =>
  commandMessage(terminalId, command, now).payload;
