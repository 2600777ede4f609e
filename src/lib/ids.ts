import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

let lastTime = 0;
let counter = 0;

/**
 * A new id such as `cmd_0mf3k2x9q0003xvht7`: sorts by time of creation, also within one millisecond,
 * so that lists can page by it.
 */
export function newId(prefix: string): string {
  const now = Math.max(Date.now(), lastTime);
  counter = now === lastTime ? counter + 1 : 0;
  lastTime = now;
  const time = now.toString(36).padStart(9, '0');
  return `${prefix}_${time}${counter.toString(36).padStart(4, '0')}${randomBytes(4).toString('hex')}`;
}

/** A new secret, of 256 random bits unless told otherwise, for terminals, sessions and API keys. */
export const newSecret = (bytes = 32): string => randomBytes(bytes).toString('base64url');

/** What is kept of a secret. One round is enough for those that are made here, whose 192 or 256 random bits nobody finds from their hash. */
export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('base64url');

/** Compares in constant time. */
export function sameHash(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
