import { answerLength, functionOf, type Request, readAnswer, requestPdu } from './codec.ts';
import { type Framing, type Unwrapped, unwrapRtu, unwrapTcp, wrapRtu, wrapTcp } from './framing.ts';

/** A request and what its answer looks like, whatever protocol they are of: what a line needs to know of them. */

/** A Modbus unit's number, or what else tells the devices of a line apart. */
export type UnitKey = number | string;

/** What the line adds. */
export interface Wire {
  framing: Framing;
  /** Modbus TCP. */
  transaction: number;
  /** Whether this line gives every request back. */
  echoes: boolean;
  /** Packets that a DTU sends by itself. */
  heartbeats: readonly Buffer[];
}

export interface Question<T> {
  /** What is asked, where it is Modbus: for those who look on. */
  request?: Request;
  /** Bytes of the request that nobody is shown. */
  secret?: Buffer | undefined;
  /** Bytes of a good answer with its frame, about. */
  answerBytes: number;
  wrap(wire: Wire): Buffer;
  /** Looks for the answer in what was heard since the request was sent; undefined while it is not whole. Throws `BadFrame`. */
  unwrap(heard: Buffer, sent: Buffer, wire: Wire): Unwrapped;
  /** Throws `Refusal`, or `BadFrame` for what is another's answer. */
  read(answer: Buffer): T;
  /** What a late answer could be taken for: questions whose answers look alike have the same. Undefined when a late answer shows itself. */
  shape: { answer: string; refusal: string } | undefined;
  /** Whether its answer shows if the line gives requests back. */
  tellsEcho: boolean;
}

export type ModbusQuestion = Question<number[]>;

export function modbusQuestion(unit: number, request: Request): ModbusQuestion {
  const pdu = requestPdu(request);
  const functionCode = functionOf(request);
  const length = answerLength(request);
  return {
    request,
    answerBytes: length + 3,
    wrap: ({ framing, transaction }) => (framing === 'tcp' ? wrapTcp(transaction, unit, pdu) : wrapRtu(unit, pdu)),
    unwrap(heard, sent, { framing, transaction, echoes, heartbeats }) {
      const expected = { unit, functionCode, length, sent, echoes, heartbeats };
      return framing === 'tcp' ? unwrapTcp(heard, expected, transaction) : unwrapRtu(heard, expected);
    },
    read: (answer) => readAnswer(request, answer),
    shape: { answer: `${functionCode} ${length}`, refusal: `${functionCode}` },
    // A write's answer is its request again.
    tellsEcho: !('values' in request),
  };
}
