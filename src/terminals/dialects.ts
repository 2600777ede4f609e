/** The MQTT dialects that a profile may name: Hearthgate's own, and those of other platforms and makers. */
export const DIALECTS = [
  'hearthgate',
  'thingsboard',
  'alink',
  'iotda',
  'tasmota',
  'shelly',
  'shelly_rpc',
  'json',
] as const;
export type DialectName = (typeof DIALECTS)[number];

/** What a terminal shows when it connects: its secret as password or as user name, or a signature made with it. */
export const LOGINS: Record<DialectName, 'password' | 'token' | 'signature'> = {
  hearthgate: 'password',
  thingsboard: 'token',
  alink: 'signature',
  iotda: 'signature',
  tasmota: 'password',
  shelly: 'password',
  shelly_rpc: 'password',
  json: 'password',
};

/** Bytes of a new secret: firmware of other makers takes at most 32 characters. */
export const SECRET_BYTES = 24;

const IN_TOPICS = /^[\x21-\x7e]+$/;
const ALINK = /^[A-Za-z0-9_.:@-]{1,64}&[A-Za-z0-9]{1,40}$/;

/** Why a terminal of this dialect cannot be called so; undefined when it can. */
export function wrongName(dialect: DialectName, name: string): string | undefined {
  if (dialect === 'alink' && !ALINK.test(name)) {
    return 'connection.name of an Alink terminal is deviceName&productKey';
  }
  if (dialect !== 'thingsboard' && !IN_TOPICS.test(name)) return 'connection.name stands in topics: ASCII, no blanks';
  return undefined;
}
