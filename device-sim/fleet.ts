import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Profile } from '../src/terminals/profile.ts';
import { InputError } from './input-error.ts';

const port = z.int().min(1).max(65_535);
const framing = z.enum(['tcp', 'rtu']).optional();
/** A box that listens, a DTU that dials in to the gateway's port, or a serial port of this computer. */
const line = z.union([
  z.strictObject({ host: z.string().min(1), port, framing }),
  z.strictObject({
    listen: port,
    registration: z.string().min(1),
    heartbeat: z.string().min(1).optional(),
    framing,
    /** Where the gateway is. */
    gateway: z.string().min(1).default('127.0.0.1'),
  }),
  z.strictObject({
    serial: z.string().min(1),
    baudRate: z.int().min(300).max(921_600),
    parity: z.enum(['none', 'even', 'odd']).optional(),
  }),
]);
export type Line = z.infer<typeof line>;

export function nameOf(one: Line): string {
  if ('serial' in one) return one.serial;
  return 'listen' in one ? `${one.listen}/${one.registration}` : `${one.host}:${one.port}`;
}

const terminal = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/, 'letters, digits and . _ : - only'),
  profile: z.string().min(1),
  /** MQTT terminals: user name and client id are the terminal's id. */
  secret: z.string().min(1).optional(),
  /** Modbus terminals. */
  line: line.optional(),
  unit: z.int().min(1).max(247).optional(),
  /** Meters, on a line or over MQTT: the printed number. */
  address: z
    .string()
    .regex(/^(\d{12}|\d{14})$/)
    .optional(),
  /** With which a DL/T 645 meter is switched, 123456 unless it says otherwise. */
  password: z
    .string()
    .regex(/^\d{6}$/)
    .optional(),
  /** Terminals of one house share its room, its gas and its electricity. */
  house: z.string().min(1),
});

const fleetSchema = z.strictObject({ seed: z.number(), terminals: z.array(terminal).min(1) });
export type FleetFile = z.infer<typeof fleetSchema>;

export function readFleet(file: string): FleetFile {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new InputError(`fleet file ${file}: ${error instanceof Error ? error.message : error}`);
  }
  const result = fleetSchema.safeParse(content);
  if (!result.success) throw new InputError(`fleet file ${file}:\n${z.prettifyError(result.error)}`);
  return result.data;
}

/** Terminals told apart by how they speak, with all that they need to. */
export interface MqttTerminal {
  readonly id: string;
  readonly profile: Profile;
  readonly secret: string;
  /** Of a meter whose frames come over MQTT. */
  readonly meter?: MeterOf | undefined;
}
interface MeterOf {
  readonly number: string;
  readonly password: string;
}
export interface MeterTerminal {
  readonly id: string;
  readonly profile: Profile;
  readonly line: Line;
  readonly meter: MeterOf;
}
export interface ModbusTerminal {
  readonly id: string;
  readonly profile: Profile;
  readonly line: Line;
  readonly unit: number;
}

const usualPassword = '123456';

/** Sorts a fleet by protocol. Throws with the first thing that does not fit the profiles. */
export function sortFleet(
  fleet: FleetFile,
  profiles: ReadonlyMap<string, Profile>,
): { mqtt: MqttTerminal[]; modbus: ModbusTerminal[]; meters: MeterTerminal[] } {
  const sorted: ReturnType<typeof sortFleet> = { mqtt: [], modbus: [], meters: [] };
  const taken = new Set<string>();
  const take = (what: string): void => {
    if (taken.has(what)) throw new InputError(`${what} stands twice in the fleet`);
    taken.add(what);
  };
  for (const { id, profile: name, secret, line, unit, address, password = usualPassword } of fleet.terminals) {
    const profile = profiles.get(name);
    take(`terminal ${id}`);
    if (!profile) throw new InputError(`terminal ${id}: no profile ${name}, only ${[...profiles.keys()].join(', ')}`);
    if (profile.dlt645 || profile.cjt188) {
      if (!address || unit || !line === !secret)
        throw new InputError(`terminal ${id}: a meter has an address, and either a line or a secret`);
      const meter = { number: address, password };
      if (line) {
        take(`meter ${address} on line ${nameOf(line)}`);
        sorted.meters.push({ id, profile, line, meter });
      } else if (secret) sorted.mqtt.push({ id, profile, secret, meter });
    } else if (profile.protocol === 'mqtt') {
      if (!secret || line || unit)
        throw new InputError(`terminal ${id}: an MQTT terminal has a secret, no line or unit`);
      sorted.mqtt.push({ id, profile, secret });
    } else {
      if (secret || !line || !unit)
        throw new InputError(`terminal ${id}: a Modbus terminal has line and unit, no secret`);
      take(`unit ${unit} on line ${nameOf(line)}`);
      sorted.modbus.push({ id, profile, line, unit });
    }
  }
  return sorted;
}
