import type { Ask } from '../lines/line.ts';
import { type Question, Refusal } from '../lines/question.ts';
import { CURRENT_READING } from '../terminals/meter-values.ts';
import type { Profile } from '../terminals/profile.ts';
import { type Answer188, answer188, currentRequest, valveRequest } from './cjt188.ts';
import { meterQuestion } from './question.ts';
import type { Order, Talk } from './talk.ts';

/** Reading a meter of CJ/T 188, and telling its valve. */

/** Beyond so many readings without an answer the order may be wrong. */
const UNSURE = 4;

const OTHER = { '1F90': '901F', '901F': '1F90', '17A0': 'A017', A017: '17A0' } as const;

export function talk188(parts: { address: string; profile: Profile }): Talk {
  const { address, profile } = parts;
  const settings = profile.cjt188;
  if (!settings) throw new Error(`${profile.profile} is no profile of CJ/T 188`);
  const meter = { address, type: settings.type };
  let { readOrder } = settings;
  let serial = 0;
  /** Readings in a row without an answer. At first nobody knows the order. */
  let silences = UNSURE;

  /** Some meters give 00 back whatever they were asked with. */
  const isMine = (answer: Answer188, mine: number): boolean =>
    answer.kind !== 'other' && (answer.serial === mine || answer.serial === 0);

  function question<T>(
    request: (mine: number) => Buffer,
    fits: (answer: Answer188) => boolean,
    take: (answer: Answer188) => T,
  ): Question<T> {
    serial = (serial % 255) + 1;
    const mine = serial;
    return meterQuestion({
      protocol: 'cjt188',
      address,
      request: request(mine),
      understand: answer188,
      fits: (answer) => isMine(answer, mine) && fits(answer),
      take,
      // A late answer shows itself by its number.
      shape: undefined,
    });
  }

  const readQuestion = () =>
    question(
      (mine) => currentRequest(meter, readOrder, mine),
      (answer) => answer.kind === 'data' || (answer.kind === 'refused' && !answer.toValve),
      (answer) => {
        if (answer.kind === 'data') return answer.data;
        throw new Refusal(answer.kind === 'refused' ? answer.reason : 'no reading');
      },
    );

  const operationOf = ({ definition: { meter: sending }, value }: Order) =>
    sending && 'valve' in sending ? sending.valve[String(value)] : undefined;

  const turn = (): void => {
    readOrder = OTHER[readOrder];
  };

  return {
    async read(ask, data) {
      const read = async () => {
        data.set(CURRENT_READING, await ask(readQuestion()));
        silences = 0;
      };
      try {
        await read();
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        turn();
        await read();
      }
    },

    /** After silence nothing is sent again: the valve may be moving. */
    async send(ask: Ask, order: Order) {
      const operation = operationOf(order);
      if (!operation) return false;
      const tell = (bytes: typeof settings.valveOrder) =>
        ask(
          question(
            (mine) => valveRequest(meter, bytes, mine, operation),
            (answer) => answer.kind === 'accepted' || (answer.kind === 'refused' && answer.toValve),
            (answer) => {
              if (answer.kind === 'refused') throw new Refusal(answer.reason);
            },
          ),
        );
      try {
        await tell(settings.valveOrder);
      } catch (error) {
        if (!(error instanceof Refusal) || !settings.valveOtherOrder) throw error;
        await tell(OTHER[settings.valveOrder]);
      }
      return true;
    },

    probes: () => [],
    leftOut: () => [],
    // Some meters know the identifier in one order only, and are silent to the other. One that has answered is more likely to be away.
    silent() {
      silences += 1;
      if (silences > UNSURE) turn();
    },
  };
}
