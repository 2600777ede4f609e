import type { Command } from '../commands/commands.ts';
import type { Carrier } from '../downlink.ts';
import type { Clock } from '../lib/clock.ts';
import type { Line as LineAddress } from '../terminals/lines.ts';
import type { Terminal } from '../terminals/registry.ts';
import type { createBreaker } from './breaker.ts';
import type { Line } from './line.ts';
import type { UnitKey } from './question.ts';
import type { createUnitFigures } from './unit-figures.ts';

/** A device on a line, whatever it speaks: what the bridge needs to know of it. */

export interface DeviceParts {
  line: Line;
  clock: Clock;
  /** Milliseconds between polls. */
  periodMs: number;
  /** Devices of the line that do not answer now. */
  silentUnits: () => number;
  /** The device answers again, which it had not since then. Ticks. */
  onBack: (since: number) => void;
  /** Told once of everything that the device refuses to say. */
  onRefused: (what: string, error: Error) => void;
}

export interface Device {
  unit: UnitKey;
  line: Line;
  breaker: ReturnType<typeof createBreaker>;
  figures: ReturnType<typeof createUnitFigures>;
  /** Ticks. */
  answeredAt(): number;
  leftOut(): string[];
  /** What it says of itself in letters, by the profile's names. */
  texts?(): Record<string, string>;
  /** Reads all that the profile names. `take` gives what came to the uplink; `error` says why it had to end early. */
  poll(): Promise<{ take?: ((terminal: Terminal) => Promise<void>) | undefined; error?: unknown }>;
  /** See `Carrier`. A command that it refuses may be thrown as a `Refusal`. */
  give(
    command: Pick<Command, 'command' | 'value' | 'expiresAt'>,
    begin: () => Promise<boolean>,
  ): ReturnType<Carrier['give']>;
  /** While a command waits for what shows it, the device is read this often. Milliseconds. */
  watchMs?(): number | undefined;
}

/** One way of speaking to devices on lines. */
export interface Kind {
  /** Where a terminal of this kind is; undefined for one of another. */
  placeOf(terminal: Terminal): { line: LineAddress; unit: UnitKey; everyS: number } | undefined;
  open(terminal: Terminal, parts: DeviceParts): Device;
}
