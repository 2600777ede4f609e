import { DAY_MS, type KeptDays, type Place, type Retentions, wanted } from './server.ts';

/** What an operator may want to know of an InfluxDB server before the gateway starts. Only reads. */

/** One thing that an operator can look after; `remedy` says what to do when it is not `ok`. */
export interface Finding {
  what: string;
  ok: boolean;
  remedy: string;
}

const shown = (ms: number | undefined): string =>
  ms === undefined ? 'missing' : ms === Number.POSITIVE_INFINITY ? 'for ever' : `${ms / DAY_MS} days`;

/** How the places are and how the configuration wants them. */
function retentionFindings(have: Retentions, kept: KeptDays): Finding[] {
  const want = wanted(kept);
  const finding = (place: Place, ms: number): Finding => ({
    what: `${place} data: kept ${shown(have[place])}, configured ${shown(ms)}`,
    ok: have[place] === ms,
    remedy:
      have[place] === ms
        ? ''
        : 'start the gateway with a user or token that may change it; shortening waits for roll-ups',
  });
  const rollup = kept.keepRawDays > 0 || have.rollup !== undefined ? [finding('rollup', want.rollup)] : [];
  return [finding('raw', want.raw), ...rollup, finding('state', Number.POSITIVE_INFINITY)];
}

/** A server of either line, and what its settings are called. */
export interface Inspected {
  url: string;
  kind: 'influx1' | 'influx2';
  home: string;
  access: string;
  version(): Promise<string>;
  retentions(): Promise<Retentions>;
  mayWrite(): Promise<void>;
  close(): void;
}

export async function inspectServer(kept: KeptDays, server: Inspected): Promise<Finding[]> {
  const { url, kind, home, access } = server;
  const found: Finding[] = [];
  const tell = (what: string, ok: boolean, remedy: string): boolean => {
    found.push({ what, ok, remedy: ok ? '' : remedy });
    return ok;
  };
  /** Undefined after telling that it failed. */
  async function tried<T>(what: string, task: () => Promise<T>, remedy: string): Promise<T | undefined> {
    try {
      return await task();
    } catch (error) {
      tell(`${what}: ${error instanceof Error ? error.message : error}`, false, remedy);
      return undefined;
    }
  }

  try {
    const version = await tried(url, server.version, `start InfluxDB, or correct timeseries.url and timeseries.kind`);
    if (version === undefined) return found;
    const other = kind === 'influx1' ? 'influx2' : 'influx1';
    const isKind = version.replace(/^v/, '').startsWith(kind === 'influx1' ? '1.' : '2.');
    if (!tell(`InfluxDB ${version} answers at ${url}`, isKind, `set timeseries.kind to ${other}`)) return found;
    const have = await tried(home, server.retentions, `correct ${access}`);
    if (!have) return found;
    const isThere = have.raw !== undefined;
    if (!tell(`${home}${isThere ? '' : ' is missing'}`, isThere, 'it is made when the gateway starts')) return found;
    found.push(...retentionFindings(have, kept));
    const writing = 'writing is allowed';
    const allowed = () => server.mayWrite().then(() => writing);
    if (await tried('writing', allowed, `correct ${access}`)) tell(writing, true, '');
    return found;
  } finally {
    server.close();
  }
}
