import { readFileSync } from 'node:fs';
import type { Config } from '../../config.ts';
import type { Gateways } from '../../db/gateways.ts';
import type { Carrier } from '../../downlink.ts';
import { type Clock, pause } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import { NotKept } from '../../readings/disk.ts';
import type { Presence } from '../../terminals/presence.ts';
import type { Registry, Terminal } from '../../terminals/registry.ts';
import type { Uplink } from '../../uplink.ts';
import type { Inbox } from '../inbox.ts';
import { commandMessage, parseUpTopic, requestTopic, UP_TOPICS } from '../topics.ts';
import { accountOf } from './account.ts';
import { type createDigests, hearDigest } from './digest.ts';
import { startHeir } from './heir.ts';
import { type Link, type LinkOptions, NO_MATCHING_SUBSCRIBERS, openLink } from './link.ts';

/**
 * A broker of another maker in place of the embedded one: gateways share what terminals publish through `$share`, and any of them sends
 * commands. Who may publish what, the broker's own rules say: a message of a topic is its terminal's.
 */

const SHARE = '$share/hearthgate';
/** A request to a meter that waits longer finds nobody any more who waits for its answer. */
const REQUEST_S = 5;
const UP = UP_TOPICS.map((what) => `terminals/+/${what}`);
const digestTopic = (id: string): string => `hearthgate/gateways/${id}/digest`;
const DIGESTS = digestTopic('+');

const FIRST_BACK_OFF_MS = 100;
const LONGEST_BACK_OFF_MS = 15_000;
/**
 * A broker that does not listen is asked this often: one that forgot shared subscriptions, as Mosquitto 2.0 does when it restarts, drops what
 * comes before a gateway is back.
 */
const AWAY_MS = 200;
/** A connection that lasted so long was a good one. */
const GOOD_MS = 10_000;
/** A terminal that was not there is tried again after so long, and when it shows a sign of life. */
const ABSENT_MS = 5_000;
const LONGEST_ABSENT_MS = 60_000;
/** An id that the registry does not know is looked for in the database this seldom, and so many are remembered. */
const UNKNOWN_MS = 10_000;
const MOST_UNKNOWN = 10_000;

/** Files are read once, at the start, so that a missing one is said then. */
function linkOptions({ external }: Config['mqtt'], clientId: string): LinkOptions {
  const url = new URL(external.url);
  const isTls = url.protocol === 'mqtts:';
  const file = (path: string) => (path ? readFileSync(path) : undefined);
  const [ca, cert, key] = [file(external.caFile), file(external.certFile), file(external.keyFile)];
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port) || (isTls ? 8883 : 1883),
    tls: isTls ? { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) } : undefined,
    ...accountOf(external),
    clientId,
    sessionExpiryS: external.sessionExpiryS,
    receiveMaximum: external.receiveMaximum,
    keepAliveS: external.keepAliveS,
  };
}

/** Terminals of other dialects, which want answers, are for the embedded broker. */
const NO_ANSWER = () => undefined;

/** Connects, and again whenever the connection ends. Dispose leaves the session to the broker, for the next start or another gateway. */
export function startExternal(parts: {
  config: Config['mqtt'];
  clientId: string;
  registry: Registry;
  inbox: Inbox;
  uplink: Uplink;
  presence: Presence;
  digests: ReturnType<typeof createDigests>;
  gateways: Gateways;
  clock: Clock;
  log: Logger;
}) {
  const { config, clientId, registry, inbox, uplink, presence, digests, gateways, clock, log } = parts;
  const options = linkOptions(config, clientId);
  const filters = config.external.share ? UP.map((filter) => `${SHARE}/${filter}`) : UP;
  const where = `${options.host}:${options.port}`;
  const stopping = Promise.withResolvers<void>();
  let stopped = false;
  let link: Link | undefined;
  let trouble = 'not connected yet';
  let unsure = 0;
  const unknown = new Map<string, number>();

  /** A terminal may have been registered at another gateway a moment ago. */
  async function isRegistered(terminalId: string): Promise<boolean> {
    if (registry.find(terminalId)) return true;
    const now = clock.ticks();
    if (now - (unknown.get(terminalId) ?? Number.NEGATIVE_INFINITY) < UNKNOWN_MS) return false;
    await registry
      .follow([terminalId])
      .catch((error) => log.warn({ reason: String(error) }, 'mqtt: cannot look a terminal up'));
    if (registry.find(terminalId)) return true;
    if (unknown.size >= MOST_UNKNOWN) unknown.clear();
    if (!unknown.has(terminalId)) log.warn({ terminalId }, 'mqtt: messages of an unknown terminal are dropped');
    unknown.set(terminalId, now);
    return false;
  }

  /**
   * Acknowledgements keep their order, so one message that cannot be quarantined while the database is away would hold up the readings of all
   * others. Only what the disk or the store does not take may do that.
   */
  function passOver(topic: string, error: unknown): void {
    if (error instanceof NotKept) throw error;
    log.error(
      { err: error, topic },
      'mqtt: a message is passed over: what it says beside its readings was not written',
    );
  }

  /** Rejects only when nothing can be taken at the moment. What is nobody's is dropped: it would come again for ever. */
  async function take(topic: string, payload: Buffer): Promise<void> {
    const target = parseUpTopic(topic);
    if (!target) return;
    const { terminalId } = target;
    if (await isRegistered(terminalId)) {
      await inbox
        .take(terminalId, topic, payload, payload.length, NO_ANSWER)
        .catch((error: unknown) => passOver(topic, error));
    }
  }

  function hear(topic: string, payload: Buffer): void {
    const failed = (error: unknown) => log.debug({ reason: String(error), topic }, 'mqtt: not taken');
    if (topic === digestTopic(clientId)) return;
    if (topic.startsWith('hearthgate/')) {
      try {
        hearDigest(payload, { registry, uplink }).catch(failed);
      } catch (error) {
        failed(error);
      }
    } else if (unsure < options.receiveMaximum) {
      unsure += 1;
      take(topic, payload)
        .catch(failed)
        .finally(() => {
          unsure -= 1;
        });
    }
  }

  const openAs = (name: string) => openLink({ ...options, clientId: name }, { clock, take, hear });

  async function connection(): Promise<Error> {
    using opened = await openAs(clientId);
    if (stopped) return new Error('stopped');
    await opened.subscribe([
      ...filters.map((topic) => ({ topic, qos: 1 as const })),
      { topic: DIGESTS, qos: 0 as const },
    ]);
    link = opened;
    log.info({ broker: where, clientId, sessionPresent: opened.sessionPresent }, 'mqtt: connected');
    return await opened.ended;
  }

  async function run(): Promise<void> {
    let wasAway = false;
    for (let backOff = FIRST_BACK_OFF_MS; !stopped; ) {
      const began = clock.ticks();
      const why = await connection().catch((error: unknown) => error);
      link = undefined;
      if (stopped) return;
      trouble = why instanceof Error ? why.message : String(why);
      if (clock.ticks() - began > GOOD_MS) backOff = FIRST_BACK_OFF_MS;
      const isAway = why instanceof Error && 'code' in why && why.code === 'ECONNREFUSED';
      if (!isAway || !wasAway) log.warn({ broker: where, reason: trouble }, 'mqtt: no connection to the broker');
      wasAway = isAway;
      // Not all gateways at the same moment.
      await pause(clock, isAway ? AWAY_MS : backOff * (0.5 + Math.random() / 2), stopping.promise);
      if (!isAway) backOff = Math.min(LONGEST_BACK_OFF_MS, 2 * backOff);
    }
  }

  digests.tellThrough((text) => link?.tell(digestTopic(clientId), text));
  const heir = startHeir({ gateways, openAs, filters: [...filters, DIGESTS], clock, log });
  const running = run();

  const carrier: Carrier = {
    async give(terminal, command, begin) {
      const returns = command.history.filter(({ cause }) => cause === 'not_listening');
      const last = returns.at(-1)?.at;
      const waitMs = Math.min(LONGEST_ABSENT_MS, ABSENT_MS * 2 ** (returns.length - 1));
      const isBack = (presence.lastSeenAt(terminal.id) ?? 0) > (last ?? 0);
      if (last !== undefined && clock.now() - last < waitMs && !isBack) return { result: 'not_given' };
      const through = link;
      if (!through || !(await begin())) return { result: 'not_given' };
      const now = clock.now();
      const { topic, payload } = commandMessage(terminal.id, command, now);
      const leftS = Math.max(1, Math.floor((command.expiresAt - now) / 1_000));
      const code = await through.publish(topic, payload, leftS);
      if (code === NO_MATCHING_SUBSCRIBERS) return { result: 'not_listening' };
      // Quota exceeded, not authorized and the like: nobody got it, and the reason is for a person.
      return code < 0x80
        ? { result: 'given' }
        : { result: 'refused', reason: `broker: reason code 0x${code.toString(16)}` };
    },
  };

  return {
    carrier,
    /** Whether anybody listens, only the broker knows. */
    frameWay(terminal: Terminal) {
      const through = link;
      const topic = requestTopic(terminal.id);
      return (
        through &&
        (async (payload: Buffer | string) =>
          (await through.publish(topic, payload, REQUEST_S)) < NO_MATCHING_SUBSCRIBERS)
      );
    },
    ports: [] as number[],
    state: () => ({
      listening: link !== undefined,
      connections: 0,
      sockets: link ? 1 : 0,
      limit: 1,
      external: link ? `connected to ${where}, ${link.waiting()} messages wait` : `${where}: ${trouble}`,
    }),
    /** Nothing says when a terminal subscribes: what waits is tried again. */
    sendThrough: (): void => undefined,
    /** Its rules at the broker end with the next export. */
    cut: (): void => undefined,
    async [Symbol.asyncDispose](): Promise<void> {
      stopped = true;
      stopping.resolve();
      await heir[Symbol.asyncDispose]();
      await link?.end();
      await running;
    },
  };
}
