import type { Config } from '../config.ts';
import type { Gateways } from '../db/gateways.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { RecordSecurity } from '../security/security-events.ts';
import type { Presence } from '../terminals/presence.ts';
import type { Registry } from '../terminals/registry.ts';
import type { SealedSecrets } from '../terminals/sealed-secrets.ts';
import type { Uplink } from '../uplink.ts';
import { startBroker } from './broker.ts';
import type { createDigests } from './external/digest.ts';
import { startExternal } from './external/external.ts';
import { createInbox, type InboxParts } from './inbox.ts';

/** MQTT by the embedded broker, or by one of another maker where the settings name it. */
export function startMqtt(parts: {
  config: Config['mqtt'];
  clientId: string;
  registry: Registry;
  uplink: Uplink;
  frames: InboxParts['frames'];
  /** Resolves when the store has what was taken before. */
  stored: () => Promise<void>;
  presence: Presence;
  digests: ReturnType<typeof createDigests>;
  gateways: Gateways;
  sealedSecrets: SealedSecrets;
  record: RecordSecurity;
  clock: Clock;
  log: Logger;
}) {
  const { config, registry, uplink, frames, clock } = parts;
  const settled = config.acknowledgeAfter === 'store' ? parts.stored : undefined;
  const inbox = createInbox({ registry, uplink, frames, clock, maxPacketBytes: config.maxPacketBytes, settled });
  return config.external.url === '' ? startBroker({ ...parts, inbox }) : startExternal({ ...parts, inbox });
}
