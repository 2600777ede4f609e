import { createHmac, timingSafeEqual } from 'node:crypto';

/** What a client says of itself when it connects; empty where it says nothing. */
export interface Login {
  clientId: string;
  username: string;
  password: string;
}

type Algorithm = 'sha256' | 'sha1' | 'md5';

/** Whether `hex`, in either case, is the signature of `content`; compared in constant time. */
export function isSigned(algorithm: Algorithm, key: string, content: string, hex: string): boolean {
  const right = createHmac(algorithm, key).update(content).digest();
  const said = /^([0-9a-fA-F]{2})+$/.test(hex) ? Buffer.from(hex, 'hex') : Buffer.alloc(0);
  return said.length === right.length && timingSafeEqual(said, right);
}
