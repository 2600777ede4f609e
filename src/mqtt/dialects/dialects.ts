import type { Command } from '../../commands/commands.ts';
import { type DialectName, LOGINS } from '../../terminals/dialects.ts';
import { filled, valueFor } from '../../terminals/mapping.ts';
import type { Profile } from '../../terminals/profile.ts';
import type { Registry, Terminal } from '../../terminals/registry.ts';
import type { SealedSecrets } from '../../terminals/sealed-secrets.ts';
import { nameOf } from '../../terminals/wire-names.ts';
import { alink } from './alink.ts';
import type { Dialect, Message, Speaker } from './dialect.ts';
import { iotda } from './iotda.ts';
import { json } from './json.ts';
import type { Login } from './login.ts';
import { shelly, shellyRpc } from './shelly.ts';
import { tasmota } from './tasmota.ts';
import { thingsboard } from './thingsboard.ts';

/** Hearthgate's own is the broker's business. */
const FOREIGN: Partial<Record<DialectName, Dialect>> = {
  thingsboard,
  alink,
  iotda,
  tasmota,
  shelly,
  shelly_rpc: shellyRpc,
  json,
};

/** The dialect of a profile, when it is another than Hearthgate's own. */
export const dialectOf = (profile: Profile): Dialect | undefined => FOREIGN[profile.dialect];

export const speaker = (registry: Registry, terminal: Terminal): Speaker => ({
  terminal,
  behind: (name) => registry.behind(terminal, name),
});

/** A command as `dialect`, the terminal's, puts it; undefined when its profile has no such command any longer. */
export function messageFor(dialect: Dialect, terminal: Terminal, command: Command, hub: Terminal): Message | undefined {
  const definition = terminal.profile.commands[command.command];
  const send = definition?.send;
  if (!send) return undefined;
  const value = valueFor(definition, command.value);
  const payload = filled(send.payload, { value, id: nameOf(terminal), request: command.sequence });
  return dialect.tell(terminal, { request: command.sequence, send, payload }, hub);
}

/**
 * The terminal of another dialect that a client is; undefined when it is none, or does not prove it. What a client shows is read in each
 * way in which a terminal is registered for it: a name alone decides nothing, and the profile says which proof counts.
 */
export function whoIs(
  login: Login,
  { registry, sealedSecrets, now }: { registry: Registry; sealedSecrets: SealedSecrets; now: number },
): Terminal | undefined {
  const own = registry.find(login.username);
  const dialect = own?.profile.dialect ?? 'hearthgate';
  const isPassword = dialect !== 'hearthgate' && LOGINS[dialect] === 'password';
  if (own && isPassword && registry.secretFits(own.id, login.password)) return own;
  for (const name of ['alink', 'iotda'] as const) {
    const claim = FOREIGN[name]?.login?.(login, now);
    const id = claim && registry.named(name, claim.name);
    const secret = id === undefined ? undefined : sealedSecrets.secretOf(id);
    // Also for a name that nobody has, so that the time that it takes tells nothing.
    const proven = claim?.proves(secret ?? '') === true && secret !== undefined;
    if (proven && id !== undefined && registry.secretFits(id, secret)) return registry.find(id);
  }
  const byToken = login.username === '' ? undefined : registry.withToken(login.username);
  return byToken === undefined ? undefined : registry.find(byToken);
}
