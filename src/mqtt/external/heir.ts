import type { Gateways, Member } from '../../db/gateways.ts';
import { type Clock, every, pause } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import { BrokerError, type Link, SESSION_TAKEN_OVER } from './link.ts';

/**
 * The share of a gateway that is gone: brokers go on giving it messages, and some forget them in the end. Another gateway takes over its
 * session, gives its subscriptions back, takes what waits there and ends it. When the gateway comes back meanwhile, the session is its own again.
 */

const LOOK_MS = 1_000;
/** When nothing more has come for so long, nothing waits. */
const QUIET_MS = 2_000;

export function startHeir(parts: {
  gateways: Gateways;
  /** A connection in the name of another gateway, whose messages are taken as our own are. */
  openAs: (clientId: string) => Promise<Link>;
  filters: string[];
  clock: Clock;
  log: Logger;
}): AsyncDisposable {
  const { gateways, openAs, filters, clock, log } = parts;
  const stopping = Promise.withResolvers<void>();
  let stopped = false;
  /** Sessions that were called back: their gateways live, whatever the database says. */
  const calledBack = new Map<string, number>();

  async function inherit(member: Member): Promise<void> {
    using link = await openAs(member.id);
    let ended: Error | undefined;
    link.ended.then((why) => {
      ended = why;
    });
    if (link.sessionPresent) {
      log.info({ gateway: member.id }, 'mqtt: takes what waits for a gateway that is gone');
      await link.unsubscribe(filters);
      while (!stopped && !ended && link.idleMs() < QUIET_MS) await pause(clock, QUIET_MS / 4, stopping.promise);
    }
    if (ended instanceof BrokerError && ended.code === SESSION_TAKEN_OVER) {
      calledBack.set(member.id, member.beatAt);
      return;
    }
    if (stopped || ended) return;
    await link.end(0);
    await gateways.forget(member);
  }

  async function look(): Promise<void> {
    for (const member of gateways.gone()) {
      if (stopped || member.sharing === 0 || calledBack.get(member.id) === member.beatAt) continue;
      if (gateways.owns(`session ${member.id}`)) await inherit(member);
    }
  }

  const looks = every(clock, LOOK_MS, look, (error) =>
    log.warn({ reason: String(error) }, 'mqtt: could not take what waits for a gateway that is gone'),
  );
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      stopped = true;
      stopping.resolve();
      looks[Symbol.dispose]();
    },
  };
}
