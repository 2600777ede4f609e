import { BlockList, isIP } from 'node:net';

/** Lists of hosts that somebody may let others reach. */

function block(list: BlockList, rule: string): void {
  const [address = '', bits] = rule.split('/');
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  if (bits === undefined) list.addAddress(address, family);
  else list.addSubnet(address, Number(bits), family);
}

/** This computer itself, its neighbours on the wire, groups, and where clouds tell a machine its secrets. */
const NEVER = [
  ...['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', '100.100.100.200', '192.0.0.192'],
  ...['::', '::1', 'fe80::/10', 'ff00::/8', 'fd00:ec2::254'],
];

/** Splits `10.8.0.0/16, dtu.example` at commas; throws for what is neither an address, a range nor a name. */
export function hostRules(text: string): string[] {
  const rules = text
    .split(',')
    .map((rule) => rule.trim().toLowerCase())
    .filter(Boolean);
  for (const rule of rules) {
    const [address = '', bits] = rule.split('/');
    const family = isIP(address);
    const isRange =
      family !== 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)));
    if (!isRange && !/^[a-z0-9-]+(\.[a-z0-9-]+)*\.?$/.test(rule))
      throw new Error(`${rule} is no address, range or name`);
    if (family === 0 && /^[0-9.]*$|^0x/.test(rule)) throw new Error(`${rule} is no address`);
  }
  return rules;
}

/**
 * Whether a host is on the list. Names stand for themselves and are trusted; an address on the never
 * list is refused whatever the ranges say, in any of its spellings.
 */
export function createHostList(text: string): (host: string) => boolean {
  const rules = hostRules(text);
  const names = new Set(
    rules.filter((rule) => isIP(rule.split('/')[0] ?? '') === 0).map((name) => name.replace(/\.$/, '')),
  );
  const [allowed, never] = [new BlockList(), new BlockList()];
  for (const rule of rules) if (!names.has(rule.replace(/\.$/, ''))) block(allowed, rule);
  for (const rule of NEVER) block(never, rule);
  return (host) => {
    const family = isIP(host);
    if (family === 0) return names.has(host);
    const kind = family === 6 ? 'ipv6' : 'ipv4';
    return allowed.check(host, kind) && !never.check(host, kind);
  };
}
