import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newSandboxKeys } from '../../src/billing/providers/sandbox.ts';
import { type Notice, type SandboxServer, startSandboxServer } from '../../src/billing/providers/sandbox-server.ts';
import {
  openSandboxTrades,
  type SandboxRefund,
  type SandboxTrades,
} from '../../src/billing/providers/sandbox-trades.ts';
import type { Config } from '../../src/config.ts';
import type { PaymentOrder } from '../../src/http/schemas/payment-orders.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { newSecret } from '../../src/lib/ids.ts';
import type { ApiClient } from '../helpers/gateway.ts';
import { tempFolder } from '../helpers/temp.ts';
import { pemOf } from './provider-keys.ts';

/** A payment provider outside of the gateway, which answers as WeChat Pay does, over real HTTP. */

export interface TestProvider
  extends ReturnType<typeof newSandboxKeys>,
    Pick<SandboxServer, 'baseUrl' | 'paymentNotice' | 'refundNotice'>,
    AsyncDisposable {
  trades: SandboxTrades;
  /** What it was asked, rightly signed. */
  requests: string[];
  wechat: Config['payments']['wechat'];
  /** How often somebody asked for an order. */
  asks(): number;
  /** What becomes of refunds at once. */
  refundAs(state: SandboxRefund['state']): void;
}

/** `like` shares its keys. */
export async function startProvider(
  clock: Clock,
  { port = 0, like }: { port?: number; like?: ReturnType<typeof newSandboxKeys> } = {},
): Promise<TestProvider> {
  const folder = await tempFolder();
  const { keys, account } = like ?? newSandboxKeys();
  const trades = openSandboxTrades(undefined, clock);
  const requests: string[] = [];
  let refundState: SandboxRefund['state'] = 'SUCCESS';
  const onRequest = (what: string) => void requests.push(what);
  const server = await startSandboxServer({
    keys,
    trades,
    clock,
    port,
    onRequest,
    refundState: () => refundState,
  });
  const file = (name: string, content: string | Buffer): string => {
    const path = join(folder.path, name);
    writeFileSync(path, content);
    chmodSync(path, 0o600);
    return path;
  };
  const [publicKey] = account.platformKeys.values();
  if (!publicKey) throw new Error('no key');
  const wechat: Config['payments']['wechat'] = {
    mchId: account.mchId,
    appId: account.appId,
    serialNo: account.serialNo,
    privateKeyFile: file('merchant.pem', pemOf(account.privateKey)),
    privateKey: '',
    apiV3KeyFile: file('apiv3.key', account.apiV3Key),
    apiV3Key: '',
    publicKeyId: account.publicKeyId,
    publicKeyFile: file('platform.pem', pemOf(publicKey)),
    platformCertFiles: '',
    notifyUrl: 'https://pay.example/api/v1/payment-notifications/wechat',
    baseUrl: server.baseUrl,
  };
  return {
    ...server,
    trades,
    requests,
    wechat,
    account,
    keys,
    asks: () => requests.filter((what) => what.startsWith('GET /v3/pay/')).length,
    refundAs: (state: SandboxRefund['state']) => {
      refundState = state;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** As the environment sets it. */
export const settingsOf = ({ wechat }: TestProvider): Record<string, string> =>
  Object.fromEntries(
    Object.entries(wechat)
      .filter(([, value]) => value !== '')
      .map(([name, value]) => [
        `HEARTHGATE_PAYMENTS__WECHAT__${name.replace(/([A-Z])/g, '_$1').toUpperCase()}`,
        String(value),
      ]),
  );

export async function deliver(origin: string, notice: Notice | undefined, provider = 'wechat') {
  if (!notice) throw new Error('there is nothing to tell');
  const response = await fetch(`${origin}/api/v1/payment-notifications/${provider}`, { method: 'POST', ...notice });
  return { status: response.status, text: await response.text() };
}

export const order = (api: ApiClient, householdId: string, body: object = {}, key: string = newSecret()) =>
  api.post<PaymentOrder>(
    `/households/${householdId}/payment-orders`,
    { amountFen: 12_345, provider: 'wechat', ...body },
    { 'idempotency-key': key },
  );

export const refund = (api: ApiClient, id: string, amountFen: number, key: string = newSecret()) =>
  api.post<PaymentOrder>(
    `/payment-orders/${id}/refund`,
    { amountFen, reason: 'paid twice' },
    { 'idempotency-key': key },
  );

export const orderOf = async (api: ApiClient, id: string) =>
  (await api.get<PaymentOrder>(`/payment-orders/${id}`)).body;
