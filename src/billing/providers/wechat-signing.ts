import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  randomBytes,
  sign,
  verify,
  X509Certificate,
} from 'node:crypto';
import { ForgedNotification, type Headers } from './provider.ts';

/**
 * How WeChat Pay API v3 signs and hides what it sends: requests by WECHATPAY2-SHA256-RSA2048, answers and notifications with the key of a
 * platform certificate or with a public key `PUB_KEY_ID_…`, what a notification holds by AEAD_AES_256_GCM.
 * https://pay.weixin.qq.com/docs/merchant/development/interface-rules/build-verify-sign-src.html
 */

/** Older or younger than this is a repetition, or a clock that is wrong. */
const WINDOW_MS = 300_000;
const TAG_BYTES = 16;
const NONCE_BYTES = 12;

export interface Signer {
  mchId: string;
  /** Of the merchant's certificate. */
  serialNo: string;
  privateKey: KeyObject;
}

/** The keys of the provider by what `Wechatpay-Serial` names them. */
export type PlatformKeys = ReadonlyMap<string, KeyObject>;

const signed = (privateKey: KeyObject, message: string | Buffer): string =>
  sign('RSA-SHA256', Buffer.from(message), privateKey).toString('base64');

const newNonce = (): string => randomBytes(16).toString('hex').toUpperCase();

/** The header `Authorization` of a request; `target` is its path with its query. */
export function authorization(
  { mchId, serialNo, privateKey }: Signer,
  request: { method: string; target: string; body: string; now: number; nonce?: string },
): string {
  const { method, target, body, now, nonce = newNonce() } = request;
  const timestamp = String(Math.floor(now / 1_000));
  const signature = signed(privateKey, `${method}\n${target}\n${timestamp}\n${nonce}\n${body}\n`);
  const fields = { mchid: mchId, nonce_str: nonce, signature, timestamp, serial_no: serialNo };
  const list = Object.entries(fields).map(([name, value]) => `${name}="${value}"`);
  return `WECHATPAY2-SHA256-RSA2048 ${list.join(',')}`;
}

/** Node's decoder passes over what is no base64, so that more than one text would be taken for a signature. */
function bytesOf(base64: string): Buffer {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.toString('base64') !== base64) throw new ForgedNotification('not plain base64');
  return bytes;
}

const messageOf = (timestamp: string, nonce: string, body: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${timestamp}\n${nonce}\n`), body, Buffer.from('\n')]);

/** What the platform puts into the headers of its answers and notifications. */
export function platformHeaders(
  { serial, privateKey }: { serial: string; privateKey: KeyObject },
  body: string,
  now: number,
): Record<string, string> {
  const timestamp = String(Math.floor(now / 1_000));
  const nonce = newNonce();
  return {
    'wechatpay-timestamp': timestamp,
    'wechatpay-nonce': nonce,
    'wechatpay-serial': serial,
    'wechatpay-signature': signed(privateKey, messageOf(timestamp, nonce, Buffer.from(body))),
    'wechatpay-signature-type': 'WECHATPAY2-SHA256-RSA2048',
  };
}

function headerOf(headers: Headers, name: string): string {
  const value = headers[`wechatpay-${name}`];
  if (typeof value !== 'string' || value === '') throw new ForgedNotification(`no header wechatpay-${name}`);
  return value;
}

/** Throws `ForgedNotification` unless the platform signed just this body, and did it just now. */
export function verifySigned(keys: PlatformKeys, headers: Headers, body: Buffer, now: number): void {
  const timestamp = headerOf(headers, 'timestamp');
  if (!/^\d{10}$/.test(timestamp)) throw new ForgedNotification('the timestamp is no number of seconds');
  if (Math.abs(now - Number(timestamp) * 1_000) > WINDOW_MS)
    throw new ForgedNotification('not of the last five minutes');
  const key = keys.get(headerOf(headers, 'serial'));
  if (!key) throw new ForgedNotification('no key is known by that serial number');
  const signature = bytesOf(headerOf(headers, 'signature'));
  const message = messageOf(timestamp, headerOf(headers, 'nonce'), body);
  if (!verify('RSA-SHA256', message, key, signature)) throw new ForgedNotification('the signature is wrong');
}

export interface Sealed {
  algorithm: string;
  ciphertext: string;
  nonce: string;
  associated_data?: string | undefined;
}

export function unseal(apiV3Key: Buffer, { algorithm, ciphertext, nonce, associated_data: aad = '' }: Sealed): string {
  if (algorithm !== 'AEAD_AES_256_GCM') throw new ForgedNotification('an algorithm that is not known');
  const bytes = bytesOf(ciphertext);
  const iv = Buffer.from(nonce);
  if (iv.length !== NONCE_BYTES || bytes.length < TAG_BYTES) throw new ForgedNotification('the resource is cut short');
  const decipher = createDecipheriv('aes-256-gcm', apiV3Key, iv, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(aad));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(0, -TAG_BYTES)), decipher.final()]).toString('utf8');
  } catch {
    throw new ForgedNotification('the resource does not open with our key');
  }
}

/** What the platform does; here for the sandbox. */
export function seal(apiV3Key: Buffer, text: string, aad: string): Sealed {
  const nonce = randomBytes(NONCE_BYTES / 2).toString('hex');
  const cipher = createCipheriv('aes-256-gcm', apiV3Key, Buffer.from(nonce));
  cipher.setAAD(Buffer.from(aad));
  const bytes = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return { algorithm: 'AEAD_AES_256_GCM', ciphertext: bytes.toString('base64'), nonce, associated_data: aad };
}

/** Of a platform certificate, its key by its serial number; of a public key, that by the id that the merchant's page shows. */
export function platformKeyOf(pem: string, publicKeyId: string): [serial: string, key: KeyObject] {
  if (!pem.includes('BEGIN CERTIFICATE')) return [publicKeyId, createPublicKey(pem)];
  const certificate = new X509Certificate(pem);
  return [certificate.serialNumber, certificate.publicKey];
}

export const privateKeyOf = (pem: string): KeyObject => createPrivateKey(pem);
