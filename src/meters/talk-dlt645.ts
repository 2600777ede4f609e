import type { Clock } from '../lib/clock.ts';
import type { Ask } from '../lines/line.ts';
import { BadFrame, type Question, Refusal } from '../lines/question.ts';
import type { Profile } from '../terminals/profile.ts';
import {
  type Answer645,
  answer645,
  controlRequest,
  moreRequest,
  readRequest,
  request1997,
  secretOf,
} from './dlt645.ts';
import { MOST_PARTS } from './incoming.ts';
import { membersOf, planReads } from './plan.ts';
import { meterQuestion } from './question.ts';
import type { Order, Talk } from './talk.ts';

/** Reading and switching a meter of DL/T 645-2007. */

/** What a meter needs to know before it switches. */
export interface ControlSettings {
  /** Six digits; empty when this gateway may switch no meter. */
  password: string;
  passwordLevel: string;
  operator: string;
}

const DAY_MS = 86_400_000;
/** Every meter has its address, its date and its time. */
const EVERYWHERE = ['04000401', '04000101', '04000102'];

/** A few wrong passwords lock a meter for a day (DL/T 645-2007 annex): it is not tried again with the same. */
const LOCKED = 'the meter refused meters.password: nothing is sent to it for a day, or until a start with another';

/** The meter is alive, and has no such data. */
class NoSuchData extends Refusal {}

type Part = { data: Buffer; hasMore: boolean };

function partOf(answer: Answer645): Part {
  if (answer.kind === 'data') return answer;
  if (answer.kind !== 'refused') throw new BadFrame(`an answer of kind ${answer.kind}`);
  throw answer.noSuchData ? new NoSuchData(answer.reason) : new Refusal(answer.reason);
}

const isOfRead = (answer: Answer645, di: string, part: number): boolean =>
  (answer.kind === 'data' && answer.di === di && answer.part === part) ||
  (answer.kind === 'refused' && !answer.toControl);

export function talk645(parts: { address: string; profile: Profile; control: ControlSettings; clock: Clock }): Talk {
  const { address, profile, control, clock } = parts;
  const plan = planReads(profile);
  /** Until when a read is left out, or made of its members. Ticks. */
  const leftOut = new Map<string, number>();
  const answered = new Set<string>();
  let silences = 0;
  let isOld = false;
  /** Until when the meter is told nothing, since it refused the password. Ticks. */
  let lockedUntil = Number.NEGATIVE_INFINITY;

  const common = { protocol: 'dlt645', address, understand: answer645 } as const;

  const question = (di: string, part: number): Question<Part> =>
    meterQuestion({
      ...common,
      request: part === 0 ? readRequest(address, di) : moreRequest(address, di, part),
      fits: (answer) => isOfRead(answer, di, part),
      take: partOf,
      shape: { answer: `${di} ${part}`, refusal: 'read' },
    });
  const readQuestion = (di: string) => question(di, 0);

  const oldQuestion = (take: () => void): Question<void> =>
    meterQuestion({
      ...common,
      request: request1997(address),
      fits: ({ kind }) => kind === 'old',
      take,
      shape: { answer: '1997', refusal: '1997' },
    });
  /** One that is always silent may be of 1997: it is asked so every other time, instead of anything else, which costs no time-out more. */
  const findOut = oldQuestion(() => {
    isOld = true;
  });
  const sayIt = oldQuestion(() => {
    throw new Refusal('a meter of DL/T 645-1997, which is not read');
  });

  function isLeftOut(di: string): boolean {
    const until = leftOut.get(di);
    if (until === undefined || clock.ticks() < until) return until !== undefined;
    leftOut.delete(di);
    return false;
  }

  async function whole(ask: Ask, di: string): Promise<Buffer> {
    let part = await ask(readQuestion(di));
    const all = [part.data];
    for (let sequence = 1; part.hasMore; sequence += 1) {
      if (sequence > MOST_PARTS) throw new BadFrame(`an answer of more than ${MOST_PARTS} parts`);
      part = await ask(question(di, sequence));
      all.push(part.data);
    }
    return Buffer.concat(all);
  }

  /** What the meter does not have is not asked for a day; a block that it does not have is asked by its members. */
  async function readInto(ask: Ask, data: Map<string, Buffer>, di: string): Promise<void> {
    const members = membersOf(profile, di);
    if (members.length > 1 && isLeftOut(di)) {
      for (const member of members) await readInto(ask, data, member);
      return;
    }
    if (isLeftOut(di)) return;
    try {
      data.set(di, await whole(ask, di));
      answered.add(di);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error instanceof NoSuchData) leftOut.set(di, clock.ticks() + DAY_MS);
      if (members.length > 1 && error instanceof NoSuchData) await readInto(ask, data, di);
    }
  }

  const actionOf = ({ definition: { meter }, value }: Order) =>
    meter && 'control' in meter ? meter.control[String(value)] : undefined;

  return {
    async read(ask, data) {
      if (isOld) await ask(sayIt);
      for (const di of plan) await readInto(ask, data, di);
      silences = 0;
      if (data.size > 0) return;
      leftOut.clear();
      throw new Error('the meter has none of what the profile names');
    },

    unfit(order) {
      if (!actionOf(order)) return undefined;
      if (control.password === '') return 'meters.password is not set: no meter is switched';
      return clock.ticks() < lockedUntil ? LOCKED : undefined;
    },

    async send(ask, order) {
      const action = actionOf(order);
      if (!action) return false;
      const now = clock.now();
      const until = Math.min(order.expiresAt, now + DAY_MS);
      const password = `${control.passwordLevel}${control.password}`;
      const request = controlRequest(address, { action, password, operator: control.operator, until }, now);
      await ask(
        meterQuestion({
          ...common,
          request,
          secret: secretOf(request),
          fits: (answer) => answer.kind === 'accepted' || (answer.kind === 'refused' && answer.toControl),
          take(answer) {
            if (answer.kind !== 'refused') return;
            if (answer.unauthorised) lockedUntil = clock.ticks() + DAY_MS;
            throw new Refusal(answer.reason);
          },
          shape: { answer: 'control', refusal: 'control' },
        }),
      );
      return true;
    },

    /** Questions whose answers no owed one looks like: as many as there are tries within the time in which an answer may still come. */
    probes() {
      const members = plan.flatMap((di) => membersOf(profile, di));
      const reads = [...new Set([...answered, ...EVERYWHERE, ...plan, ...members])].map(readQuestion);
      return answered.size === 0 && silences % 2 === 1 ? [findOut, ...reads] : reads;
    },
    leftOut: () => [...leftOut.keys()],
    silent() {
      silences += 1;
      if (silences % 4 === 0) isOld = false;
    },
  };
}
