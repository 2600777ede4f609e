import type { MeterDevice, MeterDeviceParts } from './meter-645.ts';
import { decimal, digits, type MeterRequest, write188 } from './meter-codec.ts';

/** A water, gas or heat meter of CJ/T 188: its current reading, and its valve, which takes its time. */

const valveOperations: Record<number, number> = { 85: 1, 153: 0 };
const units: Record<string, number> = { settled: 0x05, heat: 0x05, power: 0x17, flow: 0x35, volume: 0x2c };

/** `knows` lists the orders of identifier bytes that it takes, as they stand on the wire. */
export function createMeter188(parts: MeterDeviceParts & { readonly knows?: readonly string[] }): MeterDevice {
  const { profile, number, values, knows = ['1F90', '901F', 'A017', '17A0'] } = parts;
  const type = Number.parseInt(profile.cjt188?.type ?? '10', 16);

  const numberOf = (field: string): number | undefined => {
    const found = Object.entries(profile.metrics).find(
      ([, { meter }]) => meter && 'field' in meter && meter.field === field,
    );
    const value = found && values()[found[0]];
    return value === undefined ? undefined : Number(value);
  };

  const part = (field: string, bytes: number, decimals: number): Buffer => {
    const value = numberOf(field);
    return value === undefined ? Buffer.alloc(bytes, 0xff) : decimal(value, decimals, bytes);
  };
  const withUnit = (field: string, unit: number, decimals = 2): Buffer =>
    Buffer.concat([part(field, 4, decimals), Buffer.of(unit)]);

  /** Its own clock, second first. */
  function clock(): Buffer {
    const local = new Date(parts.now() + 8 * 3_600_000).toISOString().replace(/\D/g, '').slice(0, 14);
    return Buffer.from(local, 'hex').reverse();
  }

  function status(): Buffer {
    const valve = numberOf('valve_fault') === 1 ? 3 : numberOf('valve') === 0 ? 1 : 0;
    return Buffer.of(valve + (numberOf('battery_low') === 1 ? 4 : 0), 0);
  }

  function reading(): Buffer {
    if (profile.cjt188?.layout !== 'heat') {
      return Buffer.concat([withUnit('total', 0x2c), withUnit('settled', 0x2c), clock(), status()]);
    }
    const flowDecimals = profile.cjt188.flowFormat === 'XXXX.XXXX' ? 4 : 2;
    const named = ['settled', 'heat', 'power', 'flow', 'volume'].map((field) =>
      withUnit(field, units[field] ?? 0, field === 'flow' ? flowDecimals : 2),
    );
    const temperatures = [part('supply', 3, 2), part('return', 3, 2), part('hours', 3, 0)];
    return Buffer.concat([...named, ...temperatures, clock(), status()]);
  }

  const refusal = ({ control, data }: MeterRequest, code: number): Buffer =>
    write188(type, number, control | 0xc0, Buffer.of(data[2] ?? 0, code, 0));

  return {
    answer(request) {
      if (request.protocol !== 'cjt188' || request.number !== number || request.data.length < 3) return undefined;
      const { control, data } = request;
      const order = digits(Buffer.from(data.subarray(0, 2)).reverse());
      const head = data.subarray(0, 3);
      if (control !== 0x01 && control !== 0x04) return undefined;
      if (!knows.includes(order)) return refusal(request, 0xff);
      if (control === 0x01) return write188(type, number, 0x81, Buffer.concat([head, reading()]));
      const value = valveOperations[data[3] ?? 0];
      if (!/A017|17A0/.test(order) || value === undefined || parts.refuses()) return refusal(request, 1);
      const answer = write188(type, number, 0x84, Buffer.concat([head, status()]));
      parts.obey({ command: 'valve', value });
      return answer;
    },
    refusal,
    report: () => [write188(type, number, 0x81, Buffer.concat([Buffer.of(0x1f, 0x90, 0), reading()]))],
  };
}
