import { type KeyObject, sign, verify } from 'node:crypto';
import { ForgedNotification } from './provider.ts';

/**
 * How Alipay signs, RSA2: the parameters in the order of their names, `name=value` with `&` between, each value as it is before it is
 * encoded. Of notifications without `sign` and `sign_type`. https://opendocs.alipay.com/common/02kf5q
 */

export type Parameters = Record<string, string>;

const textOf = (parameters: Parameters, left: ReadonlySet<string>): string =>
  Object.keys(parameters)
    .filter((name) => !left.has(name) && parameters[name] !== '')
    .sort()
    .map((name) => `${name}=${parameters[name]}`)
    .join('&');

const OF_REQUEST: ReadonlySet<string> = new Set(['sign']);
const OF_NOTIFICATION: ReadonlySet<string> = new Set(['sign', 'sign_type']);

export const signedRequest = (privateKey: KeyObject, parameters: Parameters): Parameters => ({
  ...parameters,
  sign: sign('RSA-SHA256', Buffer.from(textOf(parameters, OF_REQUEST)), privateKey).toString('base64'),
});

export const isSignedText = (key: KeyObject, text: string, signature: string): boolean =>
  verify('RSA-SHA256', Buffer.from(text), key, Buffer.from(signature, 'base64'));

/** The parameters of a notification. Throws `ForgedNotification` unless Alipay signed just these. */
export function verifyForm(key: KeyObject, rawBody: Buffer): Parameters {
  const form = new URLSearchParams(rawBody.toString('utf8'));
  const parameters = Object.fromEntries(form);
  // A name that comes twice could be signed with one value and read with another.
  if (form.size !== Object.keys(parameters).length) throw new ForgedNotification('a parameter comes twice');
  const { sign: signature = '', sign_type: type } = parameters;
  if (type !== 'RSA2') throw new ForgedNotification('not signed by RSA2');
  if (!isSignedText(key, textOf(parameters, OF_NOTIFICATION), signature)) {
    throw new ForgedNotification('the signature is wrong');
  }
  return parameters;
}
