import { onTestFinished } from 'vitest';
import type { Values } from '../../device-sim/measure.ts';
import { startModbusLine } from '../../device-sim/modbus-server.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import { startBridge } from '../../src/lines/bridge.ts';
import { modbusUnits } from '../../src/modbus/terminals.ts';
import { NO_CREDENTIALS } from '../../src/terminals/credentials.ts';
import type { RegisterFrame } from '../../src/terminals/decode.ts';
import type { Terminal } from '../../src/terminals/registry.ts';
import { type ModbusProfile, simulate } from './devices.ts';

/** One simulated unit, number 1, behind a real socket, and a bridge with one terminal for it. */
export async function startTerminal(profile: ModbusProfile, values: Values, unit = 1) {
  const stack = new AsyncDisposableStack();
  onTestFinished(() => stack.disposeAsync());
  const devices = simulate([{ unit: 1, profile, values: () => values }]);
  stack.defer(devices.stop);
  const server = stack.use(await startModbusLine({ host: '127.0.0.1', port: 0, framing: 'rtu' }, devices.parts));
  const line = { host: '127.0.0.1', port: server.port, framing: 'rtu' as const };
  const place = { householdId: null, areaCode: null, companyId: null, householdName: null, householdSince: null };
  const terminal: Terminal = {
    id: 't',
    profile,
    connection: { type: 'modbus', line, unit },
    ...NO_CREDENTIALS,
    installedAt: null,
    createdAt: 0,
    ...place,
  };
  const frames: RegisterFrame[] = [];
  const bridge = stack.use(
    startBridge({
      registry: { find: () => terminal, all: () => [terminal].values() },
      kinds: [modbusUnits({ receiveRegisters: async (_terminal, frame) => void frames.push(frame) })],
      clock,
      log: createLog('silent'),
      settings: { listenHost: '127.0.0.1', connections: 1, registrationS: 1 },
    }),
  );
  /** What was asked with these functions, the newest first, without its checksum. */
  const asked = (functions: RegExp) =>
    (bridge.lines()[0]?.frames() ?? []).flatMap(({ sent }) => (functions.test(sent) ? [sent.slice(0, -6)] : []));
  return {
    devices,
    bridge,
    frames,
    give: (name: string, value: string | number, begin = async () => true) =>
      bridge.carrier.give(terminal, { command: name, value, expiresAt: Date.now() + 60_000 }, begin),
    asked,
    /** What was written. */
    writes: () => asked(/^01 (05|06|0f|10)/),
  };
}
