import type { Framing, Unwrapped } from './framing.ts';

/** A request and what its answer looks like, whatever protocol they are of: what a line needs to know of them. */

/** The device answered, and said no. The line itself is well. */
export class Refusal extends Error {}

/** What came is not the answer to what was asked. */
export class BadFrame extends Error {}

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
