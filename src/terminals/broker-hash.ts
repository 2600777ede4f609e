import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { hashSecret } from '../lib/ids.ts';

/** As `mosquitto_passwd` makes them: a random secret needs no more. */
const ITERATIONS = 101;
const SALT_BYTES = 12;
const KEY_BYTES = 64;

/** What Mosquitto 2 keeps of a secret in its password file, PBKDF2 with SHA-512. It cannot be made of our own hash. */
export function brokerHash(secret: string): string {
  const salt = randomBytes(SALT_BYTES);
  const key = pbkdf2Sync(secret, salt, ITERATIONS, KEY_BYTES, 'sha512');
  return `$7$${ITERATIONS}$${salt.toString('base64')}$${key.toString('base64')}`;
}

/** What a terminal's row keeps of its secret. */
export const hashesOf = (secret: string | null) => ({
  secretHash: secret && hashSecret(secret),
  brokerHash: secret && brokerHash(secret),
});
