import { type Clock, pause, systemClock } from '../lib/clock.ts';
import { makeMoney, pastDays } from './money.ts';
import { type Fleet, type Login, signIn } from './township.ts';

/** When the simulator has sent what its counters showed in the past, the bills of that time are made. */

const POLL_MS = 200;
const MOST_WAIT_MS = 60_000;
/** Of the readings that are waited for: some terminals were silent for some days. */
const MOST_OF_THEM = 0.9;

async function figure(origin: string, name: string): Promise<number> {
  const text = await (await fetch(`${origin}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]);
}

async function pastHasCome(origin: string, { terminals }: Fleet, clock: Clock): Promise<void> {
  const senders = terminals.filter(({ secret }) => secret !== undefined).length;
  const wanted = senders * pastDays(clock.now()) * MOST_OF_THEM;
  const until = clock.now() + MOST_WAIT_MS;
  while (clock.now() < until) {
    const isAll = (await figure(origin, 'hearthgate_readings_total')) >= wanted;
    if (isAll && (await figure(origin, 'hearthgate_spool_waiting')) === 0) return;
    await pause(clock, POLL_MS);
  }
}

/** Gives how many bills there are. */
export async function billTownship(origin: string, logins: Login[], fleet: Fleet): Promise<number> {
  await pastHasCome(origin, fleet, systemClock);
  const made = logins
    .filter(({ role }) => role === 'company')
    .map(async (login) => makeMoney(await signIn(origin, login), systemClock, { gas: login.username === 'gas' }));
  return (await Promise.all(made)).reduce((sum, bills) => sum + bills, 0);
}
