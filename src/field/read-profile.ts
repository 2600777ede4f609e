import { systemClock } from '../lib/clock.ts';
import { unitOf } from '../lib/units.ts';
import type { Line } from '../lines/line.ts';
import { ModbusException, type ReadRequest } from '../modbus/codec.ts';
import { isModbus } from '../modbus/question.ts';
import { createUnit, type UnitParts } from '../modbus/unit.ts';
import { decodeRegisters, type RegisterFrame, type Reject } from '../terminals/decode.ts';
import { registerAddress, registerCount, registerTable, registerValue } from '../terminals/encode.ts';
import type { Metric, Register } from '../terminals/profile.ts';
import { type Sentence, unitTrouble } from './field-error.ts';

/** Reads a unit once by its profile, as the gateway does, and tells how each value came about. */

export type ModbusProfile = UnitParts['profile'];

export interface AskedRequest {
  table: string;
  address: number;
  count: number;
  tookMs: number;
  /** Null when it was answered. */
  error: Sentence | null;
}

/** What can be wrong with a value that was read by registers. */
const REJECTED_ZH: Partial<Record<Reject['reason'], string>> = {
  out_of_range: '超出该指标的范围',
  wrong_type: '类型不对',
};

type Absence = 'refused' | 'not_read' | 'not_valid' | 'mark' | 'no_number';

export interface MetricRead {
  metric: string;
  register: Register;
  /** As they came; undefined when not all were read. */
  raw: number[] | undefined;
  value: number | undefined;
  unit: string;
  absent: Absence | undefined;
  /** Why the gateway would refuse the value. */
  reject: Sentence | undefined;
}

export interface ProfileRead {
  requests: AskedRequest[];
  metrics: MetricRead[];
  texts: Record<string, string>;
  /** Why reading ended early. */
  error: unknown;
}

/** The line, with every read written down. */
function watched(line: Line, requests: AskedRequest[], refused: Set<string>): Line {
  return {
    ...line,
    async read(unit, question, options) {
      if (!isModbus(question) || 'values' in question.request) return line.read(unit, question, options);
      const { request } = question;
      const from = systemClock.ticks();
      const note = (error: Sentence | null) =>
        void requests.push({ ...request, tookMs: Math.round(systemClock.ticks() - from), error });
      try {
        const words = await line.read(unit, question, options);
        note(null);
        return words;
      } catch (error) {
        note(unitTrouble(error));
        if (error instanceof ModbusException) for (const key of keysOf(request)) refused.add(key);
        throw error;
      }
    },
  };
}

const keyOf = (table: string, address: number): string => `${table} ${address}`;
const keysOf = ({ table, address, count }: ReadRequest): string[] =>
  Array.from({ length: count }, (_, i) => keyOf(table, address + i));

function wordsOf(register: Register, frame: RegisterFrame): number[] | undefined {
  const table = frame[registerTable(register)];
  const words = Array.from({ length: registerCount(register) }, (_, i) => table?.get(registerAddress(register) + i));
  return words.every((word) => word !== undefined) ? words : undefined;
}

/** Why a register that was read, or not, gives no value. */
function absenceOf(register: Register, frame: RegisterFrame, refused: Set<string>): Absence {
  const { validWhen, ...always } = register;
  if (!wordsOf(register, frame)) {
    return refused.has(keyOf(registerTable(register), registerAddress(register))) ? 'refused' : 'not_read';
  }
  if (registerValue(always, frame) !== undefined) return 'not_valid';
  return registerValue({ ...always, absent: [] }, frame) === undefined ? 'no_number' : 'mark';
}

function metricRead(
  [metric, register]: readonly [string, Register],
  frame: RegisterFrame,
  { refused, rejects }: { refused: Set<string>; rejects: Map<string | undefined, Sentence> },
): MetricRead {
  const value = registerValue(register, frame);
  return {
    metric,
    register,
    raw: wordsOf(register, frame),
    value,
    unit: unitOf(metric) ?? '',
    absent: value === undefined ? absenceOf(register, frame, refused) : undefined,
    reject: rejects.get(metric),
  };
}

const registersOf = (metrics: Record<string, Metric>): [string, Register][] =>
  Object.entries(metrics).flatMap(([name, { from }]) => (from ? [[name, from]] : []));

/** Reads only. */
export async function readByProfile(line: Line, unit: number, profile: ModbusProfile): Promise<ProfileRead> {
  const requests: AskedRequest[] = [];
  const refused = new Set<string>();
  const polled = createUnit({
    line: watched(line, requests, refused),
    unit,
    profile,
    clock: systemClock,
    periodMs: 1_000 * profile.poll.everyS,
    silentUnits: () => 1,
    onBack: () => undefined,
    onRefused: () => undefined,
  });
  const { frame, error } = await polled.poll();
  const decoded = decodeRegisters(profile, frame, systemClock.now());
  const rejects = new Map(
    decoded.rejects.map(({ metric, reason, detail }) => [metric, { zh: REJECTED_ZH[reason] ?? detail, en: detail }]),
  );
  const metrics = registersOf(profile.metrics).map((one) => metricRead(one, frame, { refused, rejects }));
  return { requests, metrics, texts: polled.texts(), error };
}

/** `holding 105 int16 ×0.1`. */
export function registerText(register: Register): string {
  const { as, order, bit, byte, scale, offset } = register;
  const parts = [
    `${registerTable(register)} ${registerAddress(register)}${bit === undefined ? '' : `.${bit}`}`,
    ...(bit === undefined && (register.holding ?? register.input) !== undefined ? [as] : []),
    ...(order === undefined ? [] : [order]),
    ...(byte === undefined ? [] : [byte]),
    ...(scale === 1 ? [] : [`×${scale}`]),
    ...(offset === undefined ? [] : [offset < 0 ? `${offset}` : `+${offset}`]),
  ];
  return parts.join(' ');
}
