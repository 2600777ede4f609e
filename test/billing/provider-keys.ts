import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import type { AlipayAccount } from '../../src/billing/providers/alipay.ts';
import { newSandboxKeys } from '../../src/billing/providers/sandbox.ts';
import { createWechatPay, type WechatAccount } from '../../src/billing/providers/wechat-pay.ts';
import type { Clock } from '../../src/lib/clock.ts';

/** Keys that fit each other, as PEM for programs of other makers too. */

export const pemOf = (key: KeyObject): string =>
  key.type === 'private'
    ? String(key.export({ type: 'pkcs8', format: 'pem' }))
    : String(key.export({ type: 'spki', format: 'pem' }));

/** A certificate of the key in a file, made by openssl; gives its path. */
export function certificateOf(folder: string, keyFile: string, serial: string): string {
  const file = join(folder, `${serial}.pem`);
  const subject = '/C=CN/O=Test/CN=Platform';
  const options = ['-new', '-x509', '-key', keyFile, '-out', file, '-days', '30', '-subj', subject];
  execFileSync('openssl', ['req', ...options, '-set_serial', `0x${serial}`], { stdio: 'ignore' });
  return file;
}

/** A platform and a merchant that know each other. */
export function wechatPair(clock: Clock, change: Partial<WechatAccount> = {}) {
  const { keys, account } = newSandboxKeys();
  const base = { name: 'wechat' as const, baseUrl: 'http://127.0.0.1:9', notifyUrl: 'https://pay.example/notify' };
  const merchant: WechatAccount = { ...account, ...base, ...change };
  return { keys, account: merchant, provider: createWechatPay(merchant, clock) };
}

export function alipayPair(gatewayUrl = 'http://127.0.0.1:9') {
  const app = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const alipay = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const account: AlipayAccount = {
    gatewayUrl,
    appId: '2021000000000001',
    sellerId: '2088000000000001',
    privateKey: app.privateKey,
    alipayPublicKey: alipay.publicKey,
    notifyUrl: 'https://pay.example/notify',
  };
  return { account, app, alipay };
}
