import type { Alarms } from './alarms/alarms.ts';
import type { Commands } from './commands/commands.ts';
import { type Followed, followChanges } from './db/changes.ts';
import type { Downlink } from './downlink.ts';
import type { Clock } from './lib/clock.ts';
import type { Logger } from './lib/log.ts';
import type { Registry } from './terminals/registry.ts';
import type { Uplink } from './uplink.ts';

/** Everything that happens here when another gateway has changed a row, in order. Dispose ends it. */
export function startSidelink(parts: {
  url: string;
  registry: Registry;
  /** Ids of the terminals of an import, some at a time. */
  importedIds: (importId: string) => AsyncIterable<string[]>;
  alarms: Alarms;
  commands: Commands;
  uplink: Uplink;
  downlink: Downlink;
  clock: Clock;
  log: Logger;
}): AsyncDisposable {
  const { url, registry, importedIds, alarms, commands, uplink, downlink, clock, log } = parts;

  async function followCommands(ids: string[] | undefined): Promise<void> {
    for (const { terminalId, state } of await commands.follow(ids)) {
      const terminal = registry.find(terminalId);
      if (!terminal) continue;
      // The reading that shows it may have come here before word of the command.
      await uplink.recheck(terminal);
      // Only one gateway polls a Modbus line, and it may be this one; a broker is asked by the gateway that wrote the row.
      if (state === 'queued' && terminal.connection.type !== 'mqtt') downlink.kick(terminalId);
    }
  }

  /** What an import brought counts all at once. */
  async function followImports(ids: string[]): Promise<void> {
    for (const id of ids) for await (const some of importedIds(id)) await registry.follow(some);
  }

  async function changed(table: Followed, ids: string[] | undefined): Promise<void> {
    switch (table) {
      case 'terminals':
        return registry.follow(ids);
      case 'imports':
        return followImports(ids ?? []);
      case 'commands':
        return followCommands(ids);
      case 'alarms':
        return alarms.follow(ids);
    }
  }

  return followChanges(url, { clock, log, changed });
}
