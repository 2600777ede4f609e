import type { Question } from '../lines/question.ts';
import { cutFrames, type MeterFrame } from './framer.ts';

/** Questions to meters, as a line asks them: the answer is searched in whatever comes, by the meter's number and what it answers. */

/** Bytes of a usual answer with what wakes the line. */
const USUAL_ANSWER = 60;

/** What an answer says, when it is the one that is waited for; the request itself may come back before. */
export function meterQuestion<A, T>(parts: {
  protocol: MeterFrame['protocol'];
  address: string;
  request: Buffer;
  /** Bytes of the request that nobody is shown. */
  secret?: Buffer;
  understand(frame: Pick<MeterFrame, 'control' | 'data'>): A;
  /** Whether it answers this question. */
  fits(answer: A): boolean;
  /** Throws `Refusal`. */
  take(answer: A): T;
  shape: Question<T>['shape'];
}): Question<T> {
  const { protocol, address, request, secret, understand, fits, take, shape } = parts;
  const isMine = (frame: MeterFrame): boolean =>
    frame.protocol === protocol && frame.address === address && fits(understand(frame));
  const isEcho = (frame: MeterFrame): boolean => (frame.control & 0x80) === 0;
  return {
    secret,
    answerBytes: USUAL_ANSWER,
    wrap: () => request,
    unwrap(heard) {
      const { frames } = cutFrames(heard);
      const index = frames.findIndex(isMine);
      const mine = frames[index];
      if (!mine) return undefined;
      const before = frames.slice(0, index);
      const echoed = before.some(isEcho);
      const late = before.filter((one) => !isEcho(one)).length;
      const pdu = Buffer.concat([Buffer.of(mine.control), mine.data]);
      return { pdu, rest: Buffer.alloc(0), echoed, late };
    },
    read: (answer) => take(understand({ control: answer.readUInt8(0), data: answer.subarray(1) })),
    shape,
    tellsEcho: true,
  };
}
