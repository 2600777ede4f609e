import { InputError } from './input-error.ts';
import type { Random } from './random.ts';

/**
 * Troubles that can be asked for. MQTT: drop, duplicate, delay, reboot for each reading, clock once for each terminal.
 * Modbus, for each request: drop, delay, reboot (silent for a while), exception (its code instead of seconds), halfopen (the connection
 * stays and says nothing any more), and damaged answers: unit, function, truncate, lie (its byte count), glue (another follows), noise
 * (before it), echo (of the request, before it).
 */
const defaultSeconds = {
  ...{ drop: 0, duplicate: 0, delay: 10, reboot: 10, clock: 3_600, exception: 4 },
  ...{ halfopen: 0, unit: 0, function: 0, truncate: 0, lie: 0, glue: 0, noise: 0, echo: 0 },
};
export type FaultKind = keyof typeof defaultSeconds;

export interface Fault {
  readonly kind: FaultKind;
  readonly probability: number;
  readonly seconds: number;
}

function isFaultKind(name: string): name is FaultKind {
  return Object.hasOwn(defaultSeconds, name);
}

/** `drop=0.01` or `delay=0.01:20`, the seconds last. */
export function parseFault(text: string): Fault {
  const [, kind = '', chance, length] = /^([a-z]+)=([0-9.]+)(?::(-?[0-9.]+))?$/.exec(text) ?? [];
  if (!isFaultKind(kind)) {
    throw new InputError(
      `fault “${text}”: write KIND=PROBABILITY[:SECONDS], KIND one of ${Object.keys(defaultSeconds).join(', ')}`,
    );
  }
  const probability = Number(chance);
  const seconds = length === undefined ? defaultSeconds[kind] : Number(length);
  if (!(probability >= 0 && probability <= 1)) throw new InputError(`fault “${text}”: a probability lies from 0 to 1`);
  if (!Number.isFinite(seconds) || (seconds < 0 && kind !== 'clock'))
    throw new InputError(`fault “${text}”: bad seconds`);
  return { kind, probability, seconds };
}

/** The troubles of one terminal. */
export interface Faults {
  /** The fault's seconds if it happens this time. */
  strikes(kind: FaultKind): number | undefined;
  /** Makes it happen the next time. */
  force(kind: FaultKind, seconds?: number): void;
  /** How wrong the terminal's clock is. */
  clockOffsetMs(): number;
}

export function createFaults(faults: readonly Fault[], random: Random): Faults {
  const forced: Fault[] = [];
  const byChance = (kind: FaultKind): number | undefined =>
    faults.find((fault) => fault.kind === kind && random.chance(fault.probability))?.seconds;
  let offsetMs = (byChance('clock') ?? 0) * 1_000;
  return {
    strikes(kind) {
      const index = forced.findIndex((fault) => fault.kind === kind);
      if (index >= 0) return forced.splice(index, 1)[0]?.seconds;
      return byChance(kind);
    },
    force(kind, seconds = defaultSeconds[kind]) {
      if (kind === 'clock') offsetMs = seconds * 1_000;
      else forced.push({ kind, probability: 1, seconds });
    },
    clockOffsetMs: () => offsetMs,
  };
}
