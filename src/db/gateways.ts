import { createHash } from 'node:crypto';
import { PostgresAdapter, sql } from 'kysely';
import { type Clock, every, pause } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { Database } from './database.ts';

/** The gateways that share a database: who lives, who is gone, and which of them does what only one may do. */

const BEAT_MS = 2_000;
/** Without a sign of life for this long a gateway is gone. */
const GONE_MS = 10_000;
const LOOK_MS = 500;

/** PostgreSQL's clock, as those of the machines may differ. Epoch ms. */
const databaseNow = sql<number>`cast(extract(epoch from clock_timestamp()) * 1000 as bigint)`;

export interface Member {
  id: string;
  place: string;
  sharing: number;
  beatAt: number;
  /** How long ago its last sign of life was. Milliseconds. */
  ageMs: number;
}

/** Two may only live together when each keeps nothing that the other needs. */
const ALONE =
  'Several gateways on one database need mqtt.external.url with share, and timeseries.kind influx1 or influx2, in the configuration of each: ' +
  'otherwise each has a part of the readings only';

/** The first of the ids by a hash with the key: each key has one owner, and few change theirs when a gateway comes or goes. */
const ownerOf = (key: string, ids: string[]): string | undefined =>
  ids.toSorted().reduce<{ id: string; hash: string } | undefined>((best, id) => {
    const hash = createHash('sha256').update(`${id} ${key}`).digest('hex');
    return best && best.hash > hash ? best : { id, hash };
  }, undefined)?.id;

export interface Gateways extends AsyncDisposable {
  /** Whether others live. */
  accompanied(): boolean;
  /** Those whose sessions at the broker nobody serves. */
  gone(): Member[];
  /** Whether this one does what only one may do. */
  owns(key: string): boolean;
  /** Takes a gateway that is gone out of the table, unless it has come back. */
  forget(member: Member): Promise<void>;
}

/** With SQLite nobody else can be there. */
const ALONE_FOR_SURE: Gateways = {
  accompanied: () => false,
  gone: () => [],
  owns: () => true,
  forget: async () => undefined,
  [Symbol.asyncDispose]: async () => undefined,
};

/**
 * Takes part. Rejects when a gateway lives on the database with which this one cannot share it; waits for a moment to see whether it
 * does. Dispose says that this one has stopped.
 */
export async function joinGateways(
  self: { id: string; place: string; sharing: boolean },
  { db, clock, log }: { db: Database; clock: Clock; log: Logger },
): Promise<Gateways> {
  if (!(db.getExecutor().adapter instanceof PostgresAdapter)) return ALONE_FOR_SURE;
  let members: Member[] = [];

  async function look(): Promise<Member[]> {
    const rows = await db
      .selectFrom('gateways')
      .select(['id', 'place', 'sharing', 'beatAt', databaseNow.as('now')])
      .execute();
    return rows.map(({ now, ...row }) => ({ ...row, ageMs: now - row.beatAt }));
  }

  const isLiving = ({ ageMs }: Member): boolean => ageMs < GONE_MS;
  const disturbs = (other: Member): boolean =>
    other.id === self.id ? other.place !== self.place : !self.sharing || other.sharing === 0;

  function refusal({ id, place }: Member): Error {
    if (id !== self.id) return new Error(`gateway ${id} runs on this database already, at ${place}. ${ALONE}.`);
    return new Error(`another gateway is ${id} too, at ${place}: give each its own mqtt.external.clientId`);
  }

  /** One that was killed a moment ago seems to live; one that lives shows it again. */
  async function waitForOthers(): Promise<void> {
    const seen = new Map<string, number>();
    for (;;) {
      const disturbing = (await look()).filter((one) => isLiving(one) && disturbs(one));
      const alive = disturbing.find(({ id, beatAt }) => beatAt > (seen.get(id) ?? beatAt));
      if (alive) throw refusal(alive);
      if (disturbing.length === 0) return;
      for (const { id, beatAt } of disturbing) seen.set(id, beatAt);
      await pause(clock, LOOK_MS);
    }
  }

  async function beat(): Promise<void> {
    const { id, place } = self;
    const sharing = self.sharing ? 1 : 0;
    await db
      .insertInto('gateways')
      .values({ id, place, sharing, beatAt: databaseNow })
      .onConflict((conflict) => conflict.column('id').doUpdateSet({ place, sharing, beatAt: databaseNow }))
      .execute();
    members = await look();
  }

  await waitForOthers();
  await beat();
  // Two that start at the same moment see each other now.
  const other = members.find((one) => isLiving(one) && one.id !== self.id && disturbs(one));
  if (other) {
    await db.deleteFrom('gateways').where('id', '=', self.id).execute();
    throw refusal(other);
  }
  const beats = every(clock, BEAT_MS, beat, (error) =>
    log.warn({ reason: String(error) }, 'gateways: no sign of life'),
  );
  const living = () => members.filter(isLiving).map(({ id }) => id);

  return {
    accompanied: () => living().some((id) => id !== self.id),
    gone: () => members.filter((one) => one.id !== self.id && !isLiving(one)),
    owns: (key) => ownerOf(key, [...new Set([...living(), self.id])]) === self.id,
    async forget({ id, beatAt }) {
      await db.deleteFrom('gateways').where('id', '=', id).where('beatAt', '=', beatAt).execute();
      members = members.filter((one) => one.id !== id);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      beats[Symbol.dispose]();
      await db
        .updateTable('gateways')
        .set({ beatAt: 0 })
        .where('id', '=', self.id)
        .execute()
        .catch((error) => log.warn({ reason: String(error) }, 'gateways: could not say that this one stopped'));
    },
  };
}
