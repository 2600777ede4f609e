import { GatewayError } from '../lib/errors.ts';
import type { ReadingStore } from './store.ts';

/**
 * A store on another machine that may be away when the gateway starts: it is opened at the first use that succeeds,
 * and until then every use says that it is away.
 */
export function lateStore(open: () => Promise<ReadingStore>): ReadingStore {
  let store: ReadingStore | undefined;
  let opening: Promise<ReadingStore> | undefined;

  async function ready(): Promise<ReadingStore> {
    if (store) return store;
    opening ??= open().finally(() => {
      opening = undefined;
    });
    try {
      store = await opening;
      return store;
    } catch (error) {
      throw new GatewayError(
        'degraded',
        `The time series store is away: ${error instanceof Error ? error.message : error}`,
      );
    }
  }

  return {
    position: async () => (await ready()).position(),
    write: async (records) => (await ready()).write(records),
    writeAhead: async (records) => (await ready()).writeAhead(records),
    points: async (series, limit) => (await ready()).points(series, limit),
    windows: async (series, everyMs) => (await ready()).windows(series, everyMs),
    windowsOfEach: async (group, everyMs) => (await ready()).windowsOfEach(group, everyMs),
    together: async (group, everyMs, aggregate) => (await ready()).together(group, everyMs, aggregate),
    rows: async (range, limit) => (await ready()).rows(range, limit),
    newest: async () => (await ready()).newest(),
    tend: async () => (await ready()).tend(),
    ping: async () => (await ready()).ping(),
    [Symbol.asyncDispose]: async () => store?.[Symbol.asyncDispose](),
  };
}
