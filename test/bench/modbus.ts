import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createFaults } from '../../device-sim/faults.ts';
import type { LineUnit } from '../../device-sim/modbus-line.ts';
import { startModbusLine } from '../../device-sim/modbus-server.ts';
import { createModbusUnit } from '../../device-sim/modbus-unit.ts';
import { createRandom } from '../../device-sim/random.ts';
import { createTimers } from '../../device-sim/timers.ts';
import { projectRoot } from '../../src/config.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import { startBridge } from '../../src/lines/bridge.ts';
import { modbusUnits } from '../../src/modbus/terminals.ts';
import { NO_CREDENTIALS } from '../../src/terminals/credentials.ts';
import { loadProfiles } from '../../src/terminals/profile.ts';
import type { Terminal } from '../../src/terminals/registry.ts';

/**
 * The Modbus bridge alone against simulated Modbus TCP lines in another process: registers a second flat out over 1, 50 and 500 lines and
 * what they cost, what neighbours of dead units lose, and the memory of 2,000 units. CPU is that of this process only.
 */

const UNITS = 4;
const WARM_MS = 2_000;
const MEASURE_MS = 8_000;
const PUMP = loadProfiles(join(projectRoot, 'config/profiles')).get('midea-m-thermal');

/** The other process: listens on as many ports as it is told, and says which. */
async function serve(lines: number, dead: number): Promise<void> {
  if (!PUMP) throw new Error('no profile');
  const profile = PUMP;
  const random = createRandom(1);
  const answer = createModbusUnit({
    profile,
    values: () => ({ supply_c: 40 }),
    refuses: () => false,
    obey: () => undefined,
  });
  const units = new Map<number, LineUnit>();
  for (let unit = 1; unit <= 32; unit += 1) {
    const silent = [{ kind: 'drop', probability: 1, seconds: 0 }] as const;
    units.set(unit, { answer, faults: createFaults(unit <= dead ? silent : [], random) });
  }
  const parts = { units, timers: createTimers(), now: Date.now, onAnswered: () => undefined };
  const ports: number[] = [];
  for (let i = 0; i < lines; i += 1) ports.push((await startModbusLine({ host: '127.0.0.1', port: 0 }, parts)).port);
  process.send?.(ports);
  process.once('disconnect', () => process.exit(0));
}

async function startLines(lines: number, dead = 0) {
  const child = fork(import.meta.filename, ['serve', String(lines), String(dead)]);
  const [ports] = await once(child, 'message');
  return {
    ports: Array.isArray(ports) ? ports.map(Number) : [],
    async [Symbol.asyncDispose]() {
      child.disconnect();
      await once(child, 'exit');
    },
  };
}

function terminalsOn(ports: number[], units: number, timeoutMs: number): Map<string, Terminal> {
  if (!PUMP?.poll) throw new Error('no profile');
  const profile = { ...PUMP, poll: { ...PUMP.poll, timeoutMs } };
  const place = { householdId: null, areaCode: null, companyId: null, householdName: null, householdSince: null };
  const terminals = new Map<string, Terminal>();
  for (const port of ports) {
    for (let unit = 1; unit <= units; unit += 1) {
      const id = `${port}-${unit}`;
      const connection = { type: 'modbus' as const, line: { host: '127.0.0.1', port }, unit };
      terminals.set(id, { id, profile, connection, ...NO_CREDENTIALS, installedAt: null, createdAt: 0, ...place });
    }
  }
  return terminals;
}

function poll(terminals: Map<string, Terminal>, everyS: number) {
  const counted = { registers: 0, readings: new Map<string, number>() };
  const bridge = startBridge({
    registry: { find: (id) => terminals.get(id), all: () => terminals.values() },
    kinds: [
      modbusUnits({
        async receiveRegisters({ id }, frame) {
          counted.registers += frame.holding.size;
          counted.readings.set(id, (counted.readings.get(id) ?? 0) + 1);
        },
      }),
    ],
    clock,
    log: createLog('silent'),
    settings: { pollEveryS: everyS, listenHost: '127.0.0.1', connections: 1, registrationS: 1 },
  });
  return { bridge, counted };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function throughput(lines: number): Promise<void> {
  await using served = await startLines(lines);
  const { bridge, counted } = poll(terminalsOn(served.ports, UNITS, 2_000), 0.001);
  await pause(WARM_MS);
  const [from, cpu, before] = [performance.now(), process.cpuUsage(), counted.registers];
  await pause(MEASURE_MS);
  const seconds = (performance.now() - from) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const registers = counted.registers - before;
  await bridge[Symbol.asyncDispose]();
  const perThousand = (user + system) / 1_000 / (registers / 1_000);
  console.log(
    `${String(lines).padStart(4)} lines × ${UNITS} units  ${Math.round(registers / seconds).toLocaleString('en')} registers/s  ` +
      `${perThousand.toFixed(2)} ms CPU per 1,000 registers`,
  );
}

async function neighbours(): Promise<void> {
  const [units, dead, everyS, forS] = [20, 2, 2, 60];
  await using served = await startLines(1, dead);
  const terminals = terminalsOn(served.ports, units, 200);
  const { bridge, counted } = poll(terminals, everyS);
  await pause(forS * 1_000);
  await bridge[Symbol.asyncDispose]();
  const polls = [...terminals.values()]
    .filter(({ connection }) => connection.type === 'modbus' && connection.unit > dead)
    .map(({ id }) => counted.readings.get(id) ?? 0);
  const share = polls.reduce((a, b) => a + b, 0) / polls.length / (forS / everyS);
  console.log(
    `${dead} of ${units} units dead, every ${everyS} s: a neighbour gets ${(100 * share).toFixed(1)} % of its polls`,
  );
}

async function memory(): Promise<void> {
  const [lines, units] = [200, 10];
  await using served = await startLines(lines);
  const terminals = terminalsOn(served.ports, units, 2_000);
  globalThis.gc?.();
  const before = process.memoryUsage();
  const { bridge } = poll(terminals, 5);
  await pause(15_000);
  globalThis.gc?.();
  const after = process.memoryUsage();
  const bytes = after.heapUsed + after.external - before.heapUsed - before.external;
  console.log(
    `${lines * units} units on ${lines} lines: ${(bytes / 1_048_576).toFixed(1)} MiB, ${Math.round(bytes / lines / units)} bytes a unit`,
  );
  await bridge[Symbol.asyncDispose]();
}

const [role, lines, dead] = process.argv.slice(2);
if (role === 'serve') await serve(Number(lines), Number(dead));
else {
  for (const count of [1, 50, 500]) await throughput(count);
  await neighbours();
  await memory();
}
