import { chunksOf } from '../lib/chunks.ts';
import { lateStore } from './late-store.ts';
import type { Quarantine } from './quarantine.ts';
import type { ReadingStore, Refusal, StoreParts } from './store.ts';
import { openEmbeddedStore } from './store-embedded.ts';
import { openInflux1Store } from './store-influx1.ts';
import { openInflux2Store } from './store-influx2.ts';

/** Which store keeps the readings, and where what it refuses goes. */

type Influx = Parameters<typeof openInflux1Store>[0] & Parameters<typeof openInflux2Store>[0];
export type StoreSettings = Influx & {
  kind: 'embedded' | 'influx1' | 'influx2';
  keepRawDays: number;
  keepRollupDays: number;
};

const REFUSED_AT_ONCE = 1_000;

/** All at once, since they share commits; a part at a time, since the quarantine lets only so many wait. */
async function refuse(quarantine: Quarantine, refusals: Refusal[]): Promise<void> {
  for (const some of chunksOf(refusals, REFUSED_AT_ONCE)) {
    await Promise.all(
      some.map(({ terminalId, reason, detail, time, values }) =>
        quarantine.add(terminalId, [{ reason, detail }], JSON.stringify({ time, values })),
      ),
    );
  }
}

/** `folder` is the embedded store's. An InfluxDB server may be away for now. */
export function openStore(
  settings: StoreSettings,
  {
    quarantine,
    folder,
    ...parts
  }: Pick<StoreParts, 'clock' | 'log' | 'spoolId'> & { quarantine: Quarantine; folder: string },
): Promise<ReadingStore> | ReadingStore {
  const { kind, keepRawDays, keepRollupDays } = settings;
  const all: StoreParts = { ...parts, refuse: (refusals) => refuse(quarantine, refusals), keepRawDays, keepRollupDays };
  switch (kind) {
    case 'embedded':
      return openEmbeddedStore(folder, all);
    case 'influx1':
      return lateStore(() => openInflux1Store(settings, all));
    case 'influx2':
      return lateStore(() => openInflux2Store(settings, all));
  }
}
