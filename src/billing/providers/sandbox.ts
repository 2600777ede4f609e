import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { GatewayError } from '../../lib/errors.ts';
import { exchange } from './exchange.ts';
import type { PaymentProvider } from './provider.ts';
import { type SandboxKeys, startSandboxServer } from './sandbox-server.ts';
import { openSandboxTrades } from './sandbox-trades.ts';
import { createWechatPay, type WechatAccount } from './wechat-pay.ts';

/** The provider `sandbox`: the client of WeChat Pay, and a server on this machine that answers it with keys of its own. */

const SERIAL = 'PUB_KEY_ID_0000000000000000000000000000000001';
const APIV3_KEY_BYTES = 16;
const newPair = () => generateKeyPairSync('rsa', { modulusLength: 2_048 });

export interface Sandbox extends AsyncDisposable {
  provider: PaymentProvider;
  /** Somebody pays; the notification goes to the gateway at `origin`. Rejects with `wrong_state` when nobody can pay it. */
  pay(orderId: string, origin: string): Promise<void>;
}

/** Keys and an account that fit each other. */
export function newSandboxKeys(): {
  keys: SandboxKeys;
  account: Pick<
    WechatAccount,
    'mchId' | 'appId' | 'serialNo' | 'privateKey' | 'apiV3Key' | 'platformKeys' | 'publicKeyId'
  >;
} {
  const merchant = newPair();
  const platform = newPair();
  const apiV3Key = Buffer.from(randomBytes(APIV3_KEY_BYTES).toString('hex'));
  const ids = { mchId: '1900000001', appId: 'wx0000000000000001' };
  return {
    keys: {
      ...ids,
      merchantKey: merchant.publicKey,
      platform: { serial: SERIAL, privateKey: platform.privateKey },
      apiV3Key,
    },
    account: {
      ...ids,
      serialNo: '0000000000000000000000000000000000000001',
      privateKey: merchant.privateKey,
      apiV3Key,
      platformKeys: new Map([[SERIAL, createPublicKey(platform.privateKey.export({ type: 'pkcs8', format: 'pem' }))]]),
      publicKeyId: SERIAL,
    },
  };
}

/** Its trades are kept in `folder`; its keys are new each time. */
export async function openSandbox(folder: string, clock: Clock): Promise<Sandbox> {
  const { keys, account } = newSandboxKeys();
  const trades = openSandboxTrades(join(folder, 'sandbox-trades.json'), clock);
  const server = await startSandboxServer({ keys, trades, clock });
  const notifyUrl = `${server.baseUrl}/nowhere`;
  const provider = createWechatPay({ ...account, name: 'sandbox', baseUrl: server.baseUrl, notifyUrl }, clock);
  return {
    provider,
    async pay(orderId, origin) {
      const trade = trades.pay(orderId);
      const notice = trade && server.paymentNotice(orderId);
      if (!notice) throw new GatewayError('wrong_state', 'Nobody can pay this order');
      // Where this is lost, the gateway asks for the order by itself.
      await exchange(clock, `${origin}/api/v1/payment-notifications/sandbox`, { method: 'POST', ...notice });
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
