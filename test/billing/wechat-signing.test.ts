import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { Aes, Formatter, Rsa } from 'wechatpay-axios-plugin';
import { ForgedNotification } from '../../src/billing/providers/provider.ts';
import { createWechatPay } from '../../src/billing/providers/wechat-pay.ts';
import {
  authorization,
  platformHeaders,
  platformKeyOf,
  seal,
  unseal,
  verifySigned,
} from '../../src/billing/providers/wechat-signing.ts';
import { heldClock } from '../helpers/clock.ts';
import { tempFolder } from '../helpers/temp.ts';
import { certificateOf, pemOf, wechatPair } from './provider-keys.ts';

/** The signatures of WeChat Pay beside `wechatpay-axios-plugin`, which was written by others from the same documents. */

const clock = heldClock();
const { keys, account, provider } = wechatPair(clock);
const { serial, privateKey } = keys.platform;
const RUNS = { numRuns: 150 };

/** A notification as the other implementation makes it. */
function notice(content: object, changed: Record<string, unknown> = {}) {
  const nonce = Formatter.nonce(12);
  const body = JSON.stringify({
    id: 'EV-1',
    create_time: '2026-11-24T12:00:00+08:00',
    event_type: 'TRANSACTION.SUCCESS',
    resource_type: 'encrypt-resource',
    summary: '支付成功',
    resource: {
      original_type: 'transaction',
      algorithm: 'AEAD_AES_256_GCM',
      ciphertext: Aes.AesGcm.encrypt(JSON.stringify(content), keys.apiV3Key, nonce, 'transaction'),
      associated_data: 'transaction',
      nonce,
    },
    ...changed,
  });
  return signed(body);
}

function signed(body: string, timestamp = String(Math.floor(clock.now() / 1_000))) {
  const nonce = Formatter.nonce();
  const signature = Rsa.sign(Formatter.response(timestamp, nonce, body), pemOf(privateKey));
  const headers = {
    'wechatpay-timestamp': timestamp,
    'wechatpay-nonce': nonce,
    'wechatpay-serial': serial,
    'wechatpay-signature': signature,
  };
  return { body, headers };
}

const PAID = {
  appid: account.appId,
  mchid: account.mchId,
  out_trade_no: 'po_1',
  transaction_id: '4200000001',
  trade_state: 'SUCCESS',
  success_time: '2026-11-24T11:59:58+08:00',
  amount: { total: 12_345, currency: 'CNY' },
};

const verify = ({ body, headers }: { body: string; headers: Record<string, string | undefined> }) =>
  provider.verifyNotification(Buffer.from(body), headers);

test('a notification that another implementation signed and sealed is read', () => {
  expect(verify(notice(PAID))).toEqual({
    id: 'EV-1',
    foreign: null,
    fact: {
      kind: 'payment',
      orderId: 'po_1',
      transactionId: '4200000001',
      amountFen: 12_345n,
      at: Date.parse('2026-11-24T11:59:58+08:00'),
    },
  });
});

test('any body that either implementation signs, the other believes, and nothing else', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (body, other) => {
      const theirs = signed(body);
      verifySigned(account.platformKeys, theirs.headers, Buffer.from(body), clock.now());
      const ours = platformHeaders(keys.platform, body, clock.now());
      const { 'wechatpay-timestamp': timestamp = '', 'wechatpay-nonce': nonce = '' } = ours;
      const message = Formatter.response(timestamp, nonce, body);
      expect(Rsa.verify(message, ours['wechatpay-signature'] ?? '', pemOf(keys.merchantKey))).toBe(false);
      const [key] = account.platformKeys.values();
      expect(key && Rsa.verify(message, ours['wechatpay-signature'] ?? '', pemOf(key))).toBe(true);
      if (Buffer.from(other).equals(Buffer.from(body))) return;
      expect(() => verifySigned(account.platformKeys, theirs.headers, Buffer.from(other), clock.now())).toThrow(
        ForgedNotification,
      );
    }),
    RUNS,
  );
});

test('any text that either implementation seals, the other opens', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (text, aad) => {
      const ours = seal(keys.apiV3Key, text, aad);
      expect(Aes.AesGcm.decrypt(ours.ciphertext, keys.apiV3Key, ours.nonce, aad)).toBe(text);
      const nonce = Formatter.nonce(12);
      const ciphertext = Aes.AesGcm.encrypt(text, keys.apiV3Key, nonce, aad);
      const theirs = { algorithm: 'AEAD_AES_256_GCM', ciphertext, nonce, associated_data: aad };
      expect(unseal(keys.apiV3Key, theirs)).toBe(text);
    }),
    RUNS,
  );
});

test('a request is signed as the other implementation signs it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.webPath(), (body, target) => {
      const nonce = 'A1B2C3';
      const timestamp = String(Math.floor(clock.now() / 1_000));
      const signature = Rsa.sign(Formatter.request('POST', target, timestamp, nonce, body), pemOf(account.privateKey));
      const theirs = Formatter.authorization(account.mchId, nonce, signature, timestamp, account.serialNo);
      const ours = authorization(account, { method: 'POST', target, body, now: clock.now(), nonce });
      // The order of the fields is free.
      expect(ours.split(/[ ,]/).sort()).toEqual(theirs.split(/[ ,]/).sort());
    }),
    RUNS,
  );
});

const flipped = (text: string): string => (text.startsWith('A') ? `B${text.slice(1)}` : `A${text.slice(1)}`);

describe('a notification is refused when somebody changed', () => {
  const good = () => notice(PAID);
  const resource = (change: (sealed: Record<string, string>) => object) => () => {
    const body = JSON.parse(good().body);
    return signed(JSON.stringify({ ...body, resource: { ...body.resource, ...change(body.resource) } }));
  };
  const header = (name: string, change: (value: string) => string | undefined) => () => {
    const { body, headers } = good();
    const all: Record<string, string | undefined> = headers;
    return { body, headers: { ...all, [`wechatpay-${name}`]: change(all[`wechatpay-${name}`] ?? '') } };
  };
  test.each<[what: string, make: () => Parameters<typeof verify>[0]]>([
    ['its body', () => ({ ...good(), body: good().body.replace('EV-1', 'EV-2') })],
    ['a space in its body', () => ({ ...good(), body: `${good().body} ` })],
    ['its timestamp', header('timestamp', (text) => String(Number(text) + 1))],
    ['its nonce', header('nonce', flipped)],
    ['its serial number', header('serial', () => 'PUB_KEY_ID_0000000000000000000000000000000009')],
    ['its signature', header('signature', flipped)],
    ['its signature’s end', header('signature', (text) => `${text}=`)],
    ['nothing but left the signature out', header('signature', () => undefined)],
    ['nothing but left the serial number out', header('serial', () => undefined)],
    ['its signature to one for trying, as WeChat Pay does', header('signature', () => 'WECHATPAY/SIGNTEST/abc')],
    ['what is sealed in it', resource(({ ciphertext = '' }) => ({ ciphertext: flipped(ciphertext) }))],
    ['what is sealed, cutting it short', resource(() => ({ ciphertext: 'AAAA' }))],
    ['the nonce of what is sealed', resource(({ nonce = '' }) => ({ nonce: flipped(nonce) }))],
    ['what is said beside it', resource(() => ({ associated_data: 'refund' }))],
    ['the algorithm', resource(() => ({ algorithm: 'AEAD_AES_128_GCM' }))],
    ['its form', () => signed('{"id":"EV-1"}')],
    ['it to no JSON', () => signed('hello')],
    ['what it holds', () => notice({ hello: 'world' })],
  ])('%s', (_what, make) => {
    expect(() => verify(good())).not.toThrow();
    expect(() => verify(make())).toThrow(ForgedNotification);
  });
});

test('a notification is believed for five minutes, and not one that comes from the future', () => {
  const at = (ms: number) => signed(notice(PAID).body, String(Math.floor((clock.now() + ms) / 1_000)));
  for (const ms of [-300_000, -299_000, 0, 299_000, 300_000]) expect(() => verify(at(ms))).not.toThrow();
  for (const ms of [-302_000, -86_400_000, 302_000]) expect(() => verify(at(ms))).toThrow('five minutes');
  expect(() => verify(signed(notice(PAID).body, '1e9'))).toThrow(ForgedNotification);
});

test.each([
  ['another merchant', { mchid: '1900000009' }, 'other_merchant'],
  ['another app', { appid: 'wx9' }, 'other_app'],
  ['another currency', { amount: { total: 12_345, currency: 'USD' } }, 'other_currency'],
])('a payment for %s is told apart, though it is signed', (_what, changed, foreign) => {
  expect(verify(notice({ ...PAID, ...changed })).foreign).toBe(foreign);
});

describe('keys of the platform in files', () => {
  let files: { key: string; certificate: string };
  const SERIAL = '5157F09EFDC096DE15EBE81A47057A7232F1B8E1';
  beforeAll(async () => {
    const folder = await tempFolder();
    const keyFile = join(folder.path, 'platform.key');
    writeFileSync(keyFile, pemOf(privateKey));
    files = { key: keyFile, certificate: certificateOf(folder.path, keyFile, SERIAL) };
    return () => folder[Symbol.asyncDispose]();
  });

  test('a certificate is known by its serial number, a public key by the id that is set with it', () => {
    const pem = readFileSync(files.certificate, 'utf8');
    const [name, key] = platformKeyOf(pem, 'PUB_KEY_ID_1');
    expect(name).toBe(SERIAL);
    const { publicKey } = new X509Certificate(pem);
    expect(platformKeyOf(pemOf(publicKey), 'PUB_KEY_ID_1')).toEqual(['PUB_KEY_ID_1', expect.anything()]);
    // While one is changed for the other, both are believed, each under its own name.
    const both = createWechatPay(
      {
        ...account,
        platformKeys: new Map([
          [SERIAL, key],
          [serial, key],
        ]),
      },
      clock,
    );
    for (const one of [SERIAL, serial]) {
      const { body, headers } = notice(PAID);
      const named = { ...headers, 'wechatpay-serial': one };
      expect(both.verifyNotification(Buffer.from(body), named).id).toBe('EV-1');
    }
  });
});
