import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Config } from '../config.ts';
import { ownAddress } from '../config.ts';
import type { Text } from '../lib/text.ts';
import { type Finding, fail, messageOf, ok, warn } from './finding.ts';

/** Ports and the certificate. */

const WITHIN_MS = 3_000;
const DAY_MS = 86_400_000;
const RENEW_DAYS = 30;

async function answers(host: string, port: number): Promise<boolean> {
  const socket = connect({ host: ownAddress(host), port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(WITHIN_MS) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Listens for a moment. */
async function tryListening(host: string, port: number): Promise<void> {
  const server = createServer();
  server.listen(port, host);
  await once(server, 'listening');
  server.close();
  await once(server, 'close');
}

/** By the system's error code. */
const REMEDIES: Record<string, (setting: string) => Text> = {
  EADDRINUSE: (setting) => ({
    zh: `停止占用它的程序（ss -ltnp），或设置 ${setting}__PORT`,
    en: `stop the program that holds it (ss -ltnp), or set ${setting}__PORT`,
  }),
  EACCES: (setting) => ({
    zh: `1024 以下的端口需要特权：设置 ${setting}__PORT`,
    en: `ports below 1024 need privileges: set ${setting}__PORT`,
  }),
  EADDRNOTAVAIL: (setting) => ({
    zh: `本机没有这个地址：更正 ${setting}__HOST`,
    en: `this machine has no such address: correct ${setting}__HOST`,
  }),
};

interface Place {
  name: string;
  host: string;
  port: number;
  setting: string;
}

async function portFinding({ name, host, port, setting }: Place, running: boolean): Promise<Finding> {
  const where = `${host}:${port}`;
  if (port === 0) return ok(name, { zh: '任意空闲端口', en: 'any free port' });
  if (running) {
    if (await answers(host, port)) {
      return ok(name, { zh: `${where}，正在运行的网关`, en: `${where}, held by the running gateway` });
    }
    return warn(
      name,
      { zh: `${where} 没有应答，而网关正在运行`, en: `${where} does not answer, and the gateway runs` },
      { zh: '重新启动网关，使设置生效', en: 'restart the gateway, so that the settings are in force' },
    );
  }
  try {
    await tryListening(host, port);
    return ok(name, { zh: `${where}，空闲`, en: `${where}, free` });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const remedy = REMEDIES[code]?.(setting) ?? { zh: `更正 ${setting}`, en: `correct ${setting}` };
    return fail(name, messageOf(error), remedy);
  }
}

export async function portFindings({ http, mqtt }: Config, running: boolean): Promise<Finding[]> {
  const places: Place[] = [{ name: 'http_port', ...http, setting: 'HEARTHGATE_HTTP' }];
  const { url } = mqtt.external;
  if (!url) places.push({ name: 'mqtt_port', ...mqtt, setting: 'HEARTHGATE_MQTT' });
  if (mqtt.tls && !url) {
    places.push({ name: 'mqtts_port', host: mqtt.host, port: mqtt.tls.port, setting: 'HEARTHGATE_MQTT__TLS' });
  }
  const ports = await Promise.all(places.map((place) => portFinding(place, running)));
  return url ? [...ports, await brokerFinding(new URL(url))] : ports;
}

/** Only whether it can be reached: a login in the gateway's name would end the gateway's own connection. */
async function brokerFinding({ protocol, hostname, port }: URL): Promise<Finding> {
  const number = Number(port) || (protocol === 'mqtts:' ? 8883 : 1883);
  const where = `${hostname}:${number}`;
  if (await answers(hostname.replace(/^\[|\]$/g, ''), number)) {
    return ok('mqtt_broker', { zh: `${where}，可以连接`, en: `${where}, can be reached` });
  }
  return fail(
    'mqtt_broker',
    { zh: `${where} 没有应答`, en: `${where} does not answer` },
    {
      zh: '启动 broker，或更正 HEARTHGATE_MQTT__EXTERNAL__URL',
      en: 'start the broker, or correct HEARTHGATE_MQTT__EXTERNAL__URL',
    },
  );
}

export function certificateFinding({ certFile, keyFile }: { certFile: string; keyFile: string }, now: number): Finding {
  const remedy: Text = {
    zh: '检查 mqtt.tls.certFile 和 mqtt.tls.keyFile',
    en: 'look at mqtt.tls.certFile and mqtt.tls.keyFile',
  };
  const renew: Text = {
    zh: '更换证书，然后重新启动网关',
    en: 'renew the certificate, then restart the gateway',
  };
  try {
    const certificate = new X509Certificate(readFileSync(certFile));
    if (!certificate.checkPrivateKey(createPrivateKey(readFileSync(keyFile)))) {
      return fail('certificate', { zh: '私钥与证书不匹配', en: 'the key is not that of the certificate' }, remedy);
    }
    const { validFromDate, validToDate } = certificate;
    const until = validToDate.toISOString().slice(0, 10);
    const days = Math.floor((validToDate.getTime() - now) / DAY_MS);
    if (validFromDate.getTime() > now) {
      const from = validFromDate.toISOString();
      return fail('certificate', { zh: `${from} 起才有效`, en: `not valid before ${from}` }, renew);
    }
    if (days < 0) return fail('certificate', { zh: `已于 ${until} 过期`, en: `expired on ${until}` }, renew);
    const left = { zh: `还有 ${days} 天，至 ${until}`, en: `${days} days left, until ${until}` };
    return days < RENEW_DAYS ? warn('certificate', left, renew) : ok('certificate', left);
  } catch (error) {
    return fail('certificate', messageOf(error), remedy);
  }
}
