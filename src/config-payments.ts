import { z } from 'zod';
import { flag, int, section } from './lib/settings.ts';

/** Settings of payment providers. */

const text = z.string().default('');
/** Nothing of a provider is sent in clear, except to a provider that is played on this machine. */
const secureUrl = z
  .string()
  .regex(/^(https:\/\/.+|http:\/\/(127\.0\.0\.1|localhost)(:\d+)?(\/.*)?)$/, 'an https:// URL')
  .or(z.literal(''));

/** A provider that has its first setting has all of them; an entry with `|` needs one of these. */
function complete<T extends z.ZodRawShape>(shape: T, first: string, needed: string[]) {
  return z.preprocess(
    (value) => value ?? {},
    z.strictObject(shape).superRefine((found, context) => {
      const settings: Record<string, unknown> = { ...found };
      if (settings[first] === '') return;
      for (const names of needed) {
        const one = names.split('|');
        if (one.some((name) => settings[name] !== '')) continue;
        context.addIssue({ code: 'custom', path: [one[0] ?? ''], message: `needed with ${first}` });
      }
    }),
  );
}

export const payments = section({
  /** How long a code can be paid. Minutes. */
  orderMinutes: int(5, 1_440).default(120),
  /** When the statement of the day before is fetched and compared. Hour of Asia/Shanghai; WeChat Pay has it from 10:00. */
  reconcileHour: int(0, 23).default(11),
  /** Forged notifications of one address in a minute; more are not looked at. */
  wrongNotificationsPerMinute: int(1, 100_000).default(60),
  /** A provider without any money, on this machine, for trying out. */
  sandbox: flag.default(false),
  wechat: complete(
    {
      mchId: text,
      appId: text,
      /** Serial number of the merchant's certificate. */
      serialNo: text,
      /** PEM, in a file or here. */
      privateKeyFile: text,
      privateKey: text,
      /** The 32 characters of the APIv3 key, in a file or here. */
      apiV3KeyFile: text,
      apiV3Key: text,
      /** WeChat Pay's public key, `PUB_KEY_ID_…`; or its certificates, with commas between; or both while one is changed for the other. */
      publicKeyId: text,
      publicKeyFile: text,
      platformCertFiles: text,
      /** `https://…/api/v1/payment-notifications/wechat`, as WeChat Pay reaches it. */
      notifyUrl: secureUrl.default(''),
      baseUrl: secureUrl.default('https://api.mch.weixin.qq.com'),
    },
    'mchId',
    [
      'appId',
      'serialNo',
      'privateKeyFile|privateKey',
      'apiV3KeyFile|apiV3Key',
      'publicKeyFile|platformCertFiles',
      'notifyUrl',
    ],
  ),
  alipay: complete(
    {
      appId: text,
      /** The merchant's 16 digits. */
      sellerId: text,
      privateKeyFile: text,
      privateKey: text,
      alipayPublicKeyFile: text,
      /** `https://…/api/v1/payment-notifications/alipay`, as Alipay reaches it. */
      notifyUrl: secureUrl.default(''),
      gatewayUrl: secureUrl.default('https://openapi.alipay.com/gateway.do'),
    },
    'appId',
    ['sellerId', 'privateKeyFile|privateKey', 'alipayPublicKeyFile', 'notifyUrl'],
  ),
});
