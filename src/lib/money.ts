/** Money is a whole number of fen, a bigint in code and a plain integer in JSON and in the database. */
export type Fen = bigint;

/** From JSON or a row; a database may give a sum as text. */
export const toFen = (value: number | string): Fen => BigInt(value);

/** For JSON and rows. Throws above 2^53 fen (90 trillion yuan), which no account reaches. */
export function fromFen(amount: Fen): number {
  const value = Number(amount);
  if (!Number.isSafeInteger(value)) throw new RangeError(`${amount} fen is more than JSON can carry`);
  return value;
}
