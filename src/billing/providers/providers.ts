import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Clock } from '../../lib/clock.ts';
import { GatewayError } from '../../lib/errors.ts';
import { createAlipay } from './alipay.ts';
import type { PaymentProvider, ProviderName } from './provider.ts';
import { openSandbox } from './sandbox.ts';
import { createWechatPay } from './wechat-pay.ts';
import { platformKeyOf, privateKeyOf } from './wechat-signing.ts';

/** The payment providers that are set up; all others are off. */

interface WechatSettings {
  mchId: string;
  appId: string;
  serialNo: string;
  privateKeyFile: string;
  privateKey: string;
  apiV3KeyFile: string;
  apiV3Key: string;
  publicKeyId: string;
  publicKeyFile: string;
  /** With commas between. */
  platformCertFiles: string;
  notifyUrl: string;
  baseUrl: string;
}
interface AlipaySettings {
  appId: string;
  sellerId: string;
  privateKeyFile: string;
  privateKey: string;
  alipayPublicKeyFile: string;
  notifyUrl: string;
  gatewayUrl: string;
}
export interface ProviderSettings {
  sandbox: boolean;
  wechat: WechatSettings;
  alipay: AlipaySettings;
}

const APIV3_KEY_BYTES = 32;

const read = (file: string): string => readFileSync(file, 'utf8');
const inFileOr = (file: string, content: string): string => (file === '' ? content : read(file)).trim();
const withoutSlash = (url: string): string => url.replace(/\/+$/, '');

function wechatOf(settings: WechatSettings, clock: Clock): PaymentProvider {
  const { publicKeyId, publicKeyFile, platformCertFiles } = settings;
  const files = [publicKeyFile, ...platformCertFiles.split(',')]
    .map((file) => file.trim())
    .filter((file) => file !== '');
  const apiV3Key = Buffer.from(inFileOr(settings.apiV3KeyFile, settings.apiV3Key));
  if (apiV3Key.length !== APIV3_KEY_BYTES) throw new Error('payments.wechat: the APIv3 key has 32 characters');
  return createWechatPay(
    {
      name: 'wechat',
      baseUrl: withoutSlash(settings.baseUrl),
      mchId: settings.mchId,
      appId: settings.appId,
      serialNo: settings.serialNo,
      privateKey: privateKeyOf(inFileOr(settings.privateKeyFile, settings.privateKey)),
      apiV3Key,
      platformKeys: new Map(files.map((file) => platformKeyOf(read(file), publicKeyId))),
      publicKeyId,
      notifyUrl: settings.notifyUrl,
    },
    clock,
  );
}

function alipayOf(settings: AlipaySettings, clock: Clock): PaymentProvider {
  const { appId, sellerId, gatewayUrl, notifyUrl } = settings;
  const privateKey = privateKeyOf(inFileOr(settings.privateKeyFile, settings.privateKey));
  const alipayPublicKey = createPublicKey(read(settings.alipayPublicKeyFile));
  return createAlipay({ gatewayUrl, appId, sellerId, privateKey, alipayPublicKey, notifyUrl }, clock);
}

/** Throws for a key or certificate that cannot be read. `folder` is where the sandbox keeps its trades. */
export async function openProviders(settings: ProviderSettings, { folder, clock }: { folder: string; clock: Clock }) {
  const sandbox = settings.sandbox ? await openSandbox(folder, clock) : undefined;
  const all = [
    ...(settings.wechat.mchId === '' ? [] : [wechatOf(settings.wechat, clock)]),
    ...(settings.alipay.appId === '' ? [] : [alipayOf(settings.alipay, clock)]),
    ...(sandbox ? [sandbox.provider] : []),
  ];
  const byName = new Map(all.map((provider) => [provider.name, provider]));
  return {
    sandbox,
    names: (): ProviderName[] => [...byName.keys()],
    find: (name: string): PaymentProvider | undefined => all.find((provider) => provider.name === name),
    /** Throws `provider_off`. */
    get(name: string): PaymentProvider {
      const provider = all.find((one) => one.name === name);
      if (!provider) throw new GatewayError('provider_off', `Payments by ${name} are not set up here`);
      return provider;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await sandbox?.[Symbol.asyncDispose]();
    },
  };
}
export type Providers = Awaited<ReturnType<typeof openProviders>>;
