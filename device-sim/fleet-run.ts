import { renameSync, writeFileSync } from 'node:fs';
import type { Profile } from '../src/terminals/profile.ts';
import type { Fault, FaultKind } from './faults.ts';
import { type FleetFile, sortFleet } from './fleet.ts';
import type { House } from './house.ts';
import type { Values } from './measure.ts';
import { startLineTerminals } from './modbus-terminals.ts';
import { startMqttMeter } from './mqtt-meters.ts';
import { type MqttTerminalRun, startMqttTerminal } from './mqtt-terminals.ts';
import { lifelike, type Pace } from './pace.ts';
import { createRandom } from './random.ts';
import { createStateFile, readState } from './state-file.ts';
import { createGate, createTimers, type Timers } from './timers.ts';
import { createVillage, type Village } from './village.ts';

export interface FleetOptions {
  readonly fleet: FleetFile;
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly mqttUrl: string;
  readonly everyS: number;
  /** Where the houses are kept between runs. */
  readonly statePath?: string | undefined;
  /** For so many days the counters of new houses have counted already, and MQTT terminals send what they showed. */
  readonly pastDays?: number;
  /** Where a gateway reads the weather. */
  readonly weatherPath?: string | undefined;
  readonly faults?: readonly Fault[];
  /** Share of commands that terminals refuse. */
  readonly refuse?: number;
  readonly log?: (text: string) => void;
  readonly pace?: Partial<Pace>;
  readonly now?: () => number;
}

interface FleetCounts {
  readonly connected: number;
  readonly mqttTerminals: number;
  /** Readings that the broker acknowledged. */
  readonly readings: number;
  /** Modbus requests answered. */
  readonly answers: number;
  /** Commands obeyed. */
  readonly commands: number;
}

export interface Fleet extends AsyncDisposable {
  counts(): FleetCounts;
  /** A house as it truly is. */
  house(id: string): House | undefined;
  /** What a terminal shows now. */
  values(terminal: string): Values;
  /** Makes a fault happen to a terminal the next time it can. */
  fault(terminal: string, kind: FaultKind, seconds?: number): void;
  /** Makes an MQTT terminal send a reading now. */
  report(terminal: string): void;
  save(): Promise<void>;
}

/** Starts every terminal of a fleet. Resolves when the Modbus lines listen; MQTT terminals connect in turn after that. */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const {
    fleet,
    profiles,
    statePath,
    faults = [],
    refuse = 0,
    pastDays = 0,
    log = () => undefined,
    now = Date.now,
  } = options;
  const pace: Pace = { ...lifelike, ...options.pace };
  const sorted = sortFleet(fleet, profiles);
  const random = createRandom(fleet.seed);
  const saved = statePath === undefined ? [] : readState(statePath);
  const village = createVillage({ fleet, profiles, saved, atMs: now(), pastDays, random });
  const state = statePath === undefined ? undefined : createStateFile(statePath, village.houses);
  const counted = { readings: 0, answers: 0, commands: 0 };
  const count = (what: keyof typeof counted, more = 1): void => {
    counted[what] += more;
  };
  const timers = createTimers();
  if (options.weatherPath !== undefined) playWeather(options.weatherPath, village, timers, now, log);
  const shared = { village, faults, refuse, pace, timers, now, onObeyed: () => count('commands') };
  const modbus = await startLineTerminals(
    [...sorted.modbus, ...sorted.meters],
    { ...shared, onAnswered: () => count('answers') },
    random.fork('modbus'),
  );
  const around = {
    ...shared,
    url: options.mqttUrl,
    everyS: options.everyS,
    turn: createGate(pace.connectsPerSecond, now),
    onDelivered: (readings: number) => count('readings', readings),
    onTrouble: (terminal: string, cause: string) => log(`${terminal}: ${cause}`),
  };
  const mqtt = new Map<string, MqttTerminalRun>(
    sorted.mqtt.map(({ meter, ...terminal }) => {
      const its = random.fork(terminal.id);
      const run = meter
        ? startMqttMeter({ ...terminal, meter }, around, its)
        : startMqttTerminal(terminal, around, its);
      return [terminal.id, run];
    }),
  );
  startTime(village, timers, pace, now, (terminal) => mqtt.get(terminal)?.report());
  if (state) {
    timers.every(pace.saveMs, () => {
      state.save().catch((error: unknown) => log(`state was not saved: ${error}`));
    });
  }

  return {
    counts: () => ({
      ...counted,
      connected: [...mqtt.values()].filter((terminal) => terminal.connected()).length,
      mqttTerminals: mqtt.size,
    }),
    house: village.house,
    values: village.values,
    fault(terminal, kind, seconds) {
      (mqtt.get(terminal)?.faults ?? modbus.faultsOf(terminal))?.force(kind, seconds);
    },
    report: (terminal) => mqtt.get(terminal)?.report(),
    save: async () => state?.save(),
    async [Symbol.asyncDispose]() {
      timers.stop();
      const goodbyes = [...mqtt.values()].map((terminal) => terminal.close());
      await Promise.all([...goodbyes, modbus[Symbol.asyncDispose]()]);
      await state?.save();
    },
  };
}

const weatherMs = 60_000;
const hourMs = 3_600_000;

/** Tells a gateway the weather of the village: now, and hour by hour for a day. */
function playWeather(
  path: string,
  village: Village,
  timers: Timers,
  now: () => number,
  log: (text: string) => void,
): void {
  const at = (ms: number) => ({ time: new Date(ms).toISOString(), outdoorC: Number(village.outdoorC(ms).toFixed(1)) });
  const write = (): void => {
    const nowMs = now();
    const forecast = Array.from({ length: 24 }, (_, hour) => at(nowMs + (hour + 1) * hourMs));
    try {
      writeFileSync(`${path}.tmp`, JSON.stringify({ ...at(nowMs), forecast }));
      renameSync(`${path}.tmp`, path);
    } catch (error) {
      log(`weather was not written: ${error}`);
    }
  };
  write();
  timers.every(weatherMs, write);
}

const longestCatchUpS = 60;

/** One beat for all houses, in whole seconds of the clock. After a long sleep the missed time is left out. */
function startTime(
  village: Village,
  timers: Timers,
  { tickMs }: Pace,
  now: () => number,
  onOpened: (terminal: string) => void,
): void {
  let reachedMs = now();
  timers.every(tickMs, () => {
    const nowMs = now();
    reachedMs = Math.max(reachedMs, nowMs - longestCatchUpS * 1_000);
    while (nowMs - reachedMs >= 1_000) {
      reachedMs += 1_000;
      for (const terminal of village.pass(1, reachedMs)) onOpened(terminal);
    }
  });
}
