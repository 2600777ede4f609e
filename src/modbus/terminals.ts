import type { Kind } from '../lines/device.ts';
import type { Uplink } from '../uplink.ts';
import { targetOf } from './target.ts';
import { createUnit } from './unit.ts';

/** Terminals that are Modbus units. */

export const modbusUnits = (uplink: Pick<Uplink, 'receiveRegisters'>): Kind => ({
  placeOf({ connection, profile: { poll } }) {
    return connection.type === 'modbus' && poll
      ? { line: connection.line, unit: connection.unit, everyS: poll.everyS }
      : undefined;
  },

  open({ connection, profile }, parts) {
    const { poll } = profile;
    if (connection.type !== 'modbus' || !poll) throw new Error(`${profile.profile} is no Modbus profile`);
    const unit = createUnit({ ...parts, unit: connection.unit, profile: { ...profile, poll } });
    return {
      ...unit,
      async poll() {
        const { frame, values, error } = await unit.poll();
        return { error, take: values > 0 ? (terminal) => uplink.receiveRegisters(terminal, frame) : undefined };
      },
      async give({ command, value }, begin) {
        const target = targetOf(profile.commands[command], value);
        const written = target && (await unit.write(target, begin));
        if (!written) return { result: 'not_given' };
        if (!written.shows) return { result: 'taken' };
        return { result: 'refused', reason: `the device shows ${written.shows.join(' ')} after the write` };
      },
    };
  },
});
