import type { Clock } from '../lib/clock.ts';
import type { Kind } from '../lines/device.ts';
import type { Profile } from '../terminals/profile.ts';
import { meterPace } from '../terminals/profile-meter.ts';
import type { Uplink } from '../uplink.ts';
import type { Talk } from './talk.ts';
import { talk188 } from './talk-cjt188.ts';
import { talk645 } from './talk-dlt645.ts';
import { createMeter } from './unit.ts';

/** Terminals that are meters on a line. */

export interface MeterSettings {
  password: string;
  /** By profile, where it is another. */
  passwords: Record<string, string>;
  passwordLevel: string;
  operator: string;
}

/** How a meter of a profile is spoken to. */
export function talkOf(address: string, profile: Profile, settings: MeterSettings, clock: Clock): Talk {
  if (profile.protocol === 'cjt188') return talk188({ address, profile });
  const { passwords, password: usual, ...rest } = settings;
  const own = Object.hasOwn(passwords, profile.profile) ? passwords[profile.profile] : undefined;
  return talk645({ address, profile, control: { ...rest, password: own ?? usual }, clock });
}

export const meters = (uplink: Pick<Uplink, 'receiveMeter'>, settings: MeterSettings): Kind => ({
  placeOf({ connection, profile }) {
    const pace = meterPace(profile);
    return connection.type === 'meter' && pace
      ? { line: connection.line, unit: connection.address, everyS: pace.everyS }
      : undefined;
  },

  open({ connection, profile }, parts) {
    const pace = meterPace(profile);
    if (connection.type !== 'meter' || !pace) throw new Error(`${profile.profile} is no meter's profile`);
    const { address } = connection;
    const talk = talkOf(address, profile, settings, parts.clock);
    const { timeoutMs } = pace;
    return createMeter({ ...parts, address, profile, timeoutMs, talk, receive: uplink.receiveMeter });
  },
});
