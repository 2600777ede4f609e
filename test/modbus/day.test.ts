import { expect, test } from 'vitest';
import type { FaultKind } from '../../device-sim/faults.ts';
import { attend } from '../../device-sim/modbus-line.ts';
import { createRandom } from '../../device-sim/random.ts';
import type { Timers } from '../../device-sim/timers.ts';
import { createLog } from '../../src/lib/log.ts';
import { startBridge } from '../../src/lines/bridge.ts';
import { createLine } from '../../src/lines/line.ts';
import type { Ways } from '../../src/lines/lines.ts';
import type { OpenPort, PortEvents } from '../../src/lines/port.ts';
import { modbusUnits } from '../../src/modbus/terminals.ts';
import { createUnit, type PollResult } from '../../src/modbus/unit.ts';
import { NO_CREDENTIALS } from '../../src/terminals/credentials.ts';
import { decodeRegisters } from '../../src/terminals/decode.ts';
import type { Line } from '../../src/terminals/lines.ts';
import type { Terminal } from '../../src/terminals/registry.ts';
import { heldClock } from '../helpers/clock.ts';
import { type Device, profileOf, simulate } from './devices.ts';

/** A day of polling in seconds of test time: everything waits for a clock that the test moves, and the wire is two functions. */

const HOUR_MS = 3_600_000;
const UNITS = 10;
/** Every tenth never answers. */
const isDead = (unit: number) => unit % 10 === 0;

const wide = (address: number) =>
  `{ kind: gauge, min: 0, max: 4294967295, from: { holding: ${address}, as: uint32 }, title: { zh: 值, en: Value } }`;
const profile = profileOf(`
profile: wide
title: { zh: 宽, en: Wide }
kind: heat_meter
source: a test
protocol: modbus
offlineAfterS: 300
poll: { everyS: 60, readable: [[0, 1], [100, 101]], timeoutMs: 1000 }
metrics:
  heat_kwh: ${wide(0)}
  energy_kwh: ${wide(100)}
examples: [{ frame: { holding: { 0: 0, 1: 1 } }, values: { heat_kwh: 1 } }]
`);

const FAULTS: [FaultKind, number?][] = [
  ['delay', 1.05],
  ['delay', 2.2],
  ['delay', 0.6],
  ...(['drop', 'unit', 'function', 'truncate', 'lie', 'glue', 'noise', 'echo', 'halfopen'] as const).map(
    (kind): [FaultKind] => [kind],
  ),
  ['exception', 4],
  ['exception', 6],
  ['exception', 11],
];

async function runDay(line: Line, framing: 'tcp' | 'rtu', share: number) {
  const clock = heldClock();
  const random = createRandom(7);
  const from = clock.now();
  const minute = () => Math.floor((clock.now() - from) / 60_000);
  /** Says whose it is, which of its two values, and when it was read. */
  const truth = (unit: number, which: number, when: number) => unit * 10_000_000 + which * 1_000_000 + when;
  const timers: Timers = {
    after: (ms, act) => void clock.after(ms, act),
    every: () => undefined,
    stop: () => undefined,
  };
  const numbers = Array.from({ length: UNITS }, (_, i) => i + 1);
  const living: Device[] = numbers
    .filter((unit) => !isDead(unit))
    .map((unit) => ({
      unit,
      profile,
      values: () => ({ heat_kwh: truth(unit, 1, minute()), energy_kwh: truth(unit, 2, minute()) }),
    }));
  const devices = simulate(living, { timers, now: clock.now });
  let opened = 0;
  /** Whoever is connected gets what comes, also when it was asked over an earlier connection: so do gateways that pass bytes through. */
  let listener: PortEvents | undefined;
  let passesAt = 0;
  const later = (ms: number, bytes: Buffer) => {
    const to = framing === 'tcp' ? listener : undefined;
    passesAt = Math.max(passesAt, clock.ticks() + ms);
    clock.after(passesAt - clock.ticks(), () => {
      if (listener && (to === undefined || to === listener)) listener.heard(Buffer.from(bytes));
    });
  };
  const wire: OpenPort = async (events) => {
    listener = events;
    opened += 1;
    // An answer takes 20 ms, and comes in two pieces.
    const write = (bytes: Buffer) => {
      const cut = random.chance(0.5) ? 0 : Math.floor(bytes.length / 2);
      // A network may hold all bytes back for longer than a poll, and then bring them all at once.
      if (random.chance(share / 50)) passesAt = clock.ticks() + random.between(65_000, 200_000);
      later(10, bytes.subarray(0, cut));
      later(20, bytes.subarray(cut));
    };
    const hear = attend({ write, close: () => undefined }, framing, devices.parts);
    return {
      write(bytes) {
        const unit = bytes[framing === 'tcp' ? 6 : 0] ?? 0;
        // Behind a Modbus TCP gateway a dead unit is silent, too.
        if (isDead(unit)) return;
        const [kind, seconds] = FAULTS[Math.floor(random.between(0, FAULTS.length))] ?? [];
        if (kind && random.chance(share)) devices.faults(unit)?.force(kind, seconds);
        hear(bytes);
      },
      close() {
        listener = undefined;
        events.ended('closed');
      },
    };
  };
  const ways: Ways = { tcp: () => wire, serial: () => wire };
  const place = { householdId: null, areaCode: null, companyId: null };
  const terminals = new Map(
    numbers.map((unit): [string, Terminal] => [
      `t${unit}`,
      {
        ...{ id: `t${unit}`, profile, connection: { type: 'modbus', line, unit }, ...NO_CREDENTIALS },
        ...{ householdName: null, householdSince: null, installedAt: null, createdAt: from, ...place },
      },
    ]),
  );
  const whole = new Map<number, number[]>();
  let wrong = 0;
  const bridge = startBridge({
    registry: { find: (id) => terminals.get(id), all: () => terminals.values() },
    kinds: [
      modbusUnits({
        async receiveRegisters({ id }, frame) {
          const unit = Number(id.slice(1));
          const { readings, rejects } = decodeRegisters(profile, frame, clock.now());
          const values = readings[0]?.values ?? {};
          const names = ['heat_kwh', 'energy_kwh'];
          for (const [name, value] of Object.entries(values)) {
            const age = minute() - (value - truth(unit, names.indexOf(name) + 1, 0));
            if (age !== 0 && age !== 1) wrong += 1;
          }
          wrong += rejects.length;
          if (Object.keys(values).length === 2) whole.set(unit, [...(whole.get(unit) ?? []), minute()]);
        },
      }),
    ],
    clock,
    log: createLog('silent'),
    settings: { listenHost: '127.0.0.1', connections: 1, registrationS: 1 },
    ways,
  });
  await clock.advance(24 * HOUR_MS);
  const states = bridge.lines()[0];
  const stopping = bridge[Symbol.asyncDispose]();
  await clock.advance(10_000);
  await stopping;
  return { whole, wrong, opened, states };
}

const MINUTES = 24 * 60;
const LINES: [string, Line, 'tcp' | 'rtu'][] = [
  ['Modbus TCP', { host: 'box', port: 1502 }, 'tcp'],
  ['RTU over TCP', { host: 'box', port: 1502, framing: 'rtu' }, 'rtu'],
  ['a serial line', { serial: '/dev/ttyX', baudRate: 9600 }, 'rtu'],
];

test.each(LINES)(
  'a day on %s with dead units: their neighbours lose less than one poll in twenty',
  async (_name, line, framing) => {
    const { whole, wrong, states } = await runDay(line, framing, 0);
    expect(wrong).toBe(0);
    for (let unit = 1; unit <= UNITS; unit += 1) {
      const polls = whole.get(unit)?.length ?? 0;
      if (isDead(unit)) expect(polls).toBe(0);
      else expect(polls).toBeGreaterThan(0.95 * MINUTES);
    }
    const dead = states?.units.filter(({ unit }) => isDead(Number(unit))) ?? [];
    expect(dead.map(({ breaker }) => breaker)).not.toContain('closed');
    // Each costs its line a time-out now and then, not one a minute.
    for (const { requests } of dead) expect(requests).toBeLessThan(200);
  },
);

test.each(LINES)(
  'a day on %s with every fault: no value is ever another’s, and no unit is lost',
  async (_name, line, framing) => {
    const { whole, wrong } = await runDay(line, framing, 0.03);
    expect(wrong).toBe(0);
    for (let unit = 1; unit <= UNITS; unit += 1) {
      if (isDead(unit)) continue;
      const minutes = whole.get(unit) ?? [];
      expect(minutes.length).toBeGreaterThan(0.7 * MINUTES);
      expect(minutes.at(-1)).toBeGreaterThan(MINUTES - 30);
    }
  },
);

test('a network that takes longer and longer, in order, never brings the value of an earlier poll', async () => {
  const clock = heldClock();
  let poll = 0;
  const truth = () => ({ heat_kwh: 1_000_000 + poll, energy_kwh: 2_000_000 + poll });
  const timers: Timers = {
    after: (ms, act) => void clock.after(ms, act),
    every: () => undefined,
    stop: () => undefined,
  };
  const devices = simulate([{ unit: 1, profile, values: truth }], { timers, now: clock.now });
  let lateMs = 0;
  let passesAt = 0;
  const open: OpenPort = async (events) => {
    const write = (bytes: Buffer) => {
      passesAt = Math.max(passesAt, clock.ticks() + lateMs);
      clock.after(passesAt - clock.ticks(), () => events.heard(Buffer.from(bytes)));
    };
    const hear = attend({ write, close: () => undefined }, 'rtu', devices.parts);
    return { write: hear, close: () => events.ended('closed') };
  };
  const line = createLine({ name: 'slow', framing: 'rtu', open, clock, gapMs: 20, byteMs: 0, heartbeats: [] });
  const told = { silentUnits: () => 1, onBack: () => undefined, onRefused: () => undefined };
  const unit = createUnit({ line, unit: 1, profile, clock, periodMs: 6_000, ...told });
  const seen: unknown[] = [];
  for (poll = 0; poll < 600; poll += 1) {
    // Up to 9 s and down again, four times, in steps that let answers fall into every part of a later poll.
    lateMs = Math.abs(((poll * 120) % 18_000) - 9_000);
    let polled: PollResult | undefined;
    void unit.poll().then((what) => {
      polled = what;
    });
    const end = clock.ticks() + 6_000;
    while (!polled || clock.ticks() < end) await clock.advance(500);
    const [reading] = decodeRegisters(profile, polled.frame, clock.now()).readings;
    if (!reading) continue;
    seen.push(reading.values);
    expect(truth()).toMatchObject(reading.values);
  }
  expect(seen.length).toBeGreaterThan(50);
});
