import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect as connectTls, type PeerCertificate } from 'node:tls';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import { describe, expect, test } from 'vitest';
import type { SecurityEventView } from '../../src/http/schemas/security.ts';
import { heldClock } from '../helpers/clock.ts';
import { closed, makeTerminal, sendReading, startTestGateway, type TestGateway } from '../helpers/gateway.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';

const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] });
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** An authority of a company, which signs certificates and takes them back. */
function authority(folder: string, name: string) {
  const at = (file: string) => join(folder, `${name}-${file}`);
  openssl(
    'req',
    '-x509',
    ...NEW_KEY,
    '-days',
    '30',
    '-subj',
    `/CN=${name}`,
    '-keyout',
    at('key.pem'),
    '-out',
    at('ca.pem'),
  );
  const index = at('index.txt');
  writeFileSync(index, '');
  writeFileSync(at('number'), '01');
  const config = at('ca.cnf');
  writeFileSync(
    config,
    `[ca]\ndefault_ca=own\n[own]\ndatabase=${index}\nserial=${at('serial')}\ncrlnumber=${at('number')}\ndefault_md=sha256\n` +
      `default_crl_days=30\ndefault_days=30\nunique_subject=no\npolicy=any\nnew_certs_dir=${folder}\n[any]\ncommonName=supplied\n`,
  );
  writeFileSync(at('serial'), '01');
  const ca = ['-config', config, '-cert', at('ca.pem'), '-keyfile', at('key.pem')];
  return {
    caFile: at('ca.pem'),
    crlFile: at('crl.pem'),
    sign(commonName: string, file = commonName) {
      const [key, request, cert] = [at(`${file}.key`), at(`${file}.csr`), at(`${file}.crt`)];
      openssl('req', ...NEW_KEY, '-subj', `/CN=${commonName}`, '-keyout', key, '-out', request);
      openssl('ca', ...ca, '-batch', '-notext', '-in', request, '-out', cert);
      return { key, cert };
    },
    revoke: (cert: string) => void openssl('ca', ...ca, '-revoke', cert),
    writeRevocations() {
      openssl('ca', ...ca, '-gencrl', '-out', at('crl.new'));
      renameSync(at('crl.new'), at('crl.pem'));
    },
  };
}

/** Rejects also when the connection ends without a word. */
const connectTlsTerminal = (gateway: TestGateway, caFile: string, options: IClientOptions) =>
  new Promise<MqttClient>((resolve, reject) => {
    const ca = readFileSync(caFile);
    const client = connect(`mqtts://localhost:${gateway.mqttPorts[1]}`, { ca, reconnectPeriod: 0, ...options });
    client.once('connect', () => resolve(client));
    client.on('error', reject);
    client.once('close', () => reject(new Error('closed')));
  });

const readKeys = ({ key, cert }: { key: string; cert: string }) => ({
  key: readFileSync(key),
  cert: readFileSync(cert),
});

const troubles = (gateway: TestGateway) =>
  eventually(async () => {
    const { body } = await gateway.admin.get<{ items: SecurityEventView[] }>('/security-events?kind=bad_certificate');
    return body.items[0];
  });

describe('a terminal that shows a certificate', () => {
  test.each(['optional', 'required'] as const)(
    'whose common name is its id needs no secret, and one of anybody else is refused (%s)',
    async (clientCertificates) => {
      await using folder = await tempFolder();
      const ours = authority(folder.path, 'ours');
      const others = authority(folder.path, 'others');
      const server = ours.sign('localhost');
      await using gateway = await startTestGateway({
        overrides: {
          mqtt: {
            tls: { port: 0, certFile: server.cert, keyFile: server.key, clientCertificates, caFile: ours.caFile },
          },
        },
      });
      await makeTerminal(gateway.admin, { id: 'A', profile: 'gas-boiler' });
      await makeTerminal(gateway.admin, { id: 'B', profile: 'gas-boiler' });
      const own = readKeys(ours.sign('A'));
      const client = await connectTlsTerminal(gateway, ours.caFile, { clientId: 'A', ...own });
      await sendReading(client, 'A', { room_c: 20 });
      client.end(true);
      await expect(connectTlsTerminal(gateway, ours.caFile, { clientId: 'B', ...own })).rejects.toThrow(
        /[Ii]dentifier/,
      );
      const forged = readKeys(others.sign('A'));
      const stranger = await connectTlsTerminal(gateway, ours.caFile, { clientId: 'A', ...forged }).catch(
        (e: unknown) => e,
      );
      expect(stranger).toBeInstanceOf(Error);
      expect(await troubles(gateway)).toMatchObject({ address: expect.stringMatching(/127\.0\.0\.1|::/) });
    },
    30_000,
  );

  test('without one, where it is required, nobody connects; where it is optional, the secret counts', async () => {
    await using folder = await tempFolder();
    const ours = authority(folder.path, 'ours');
    const server = ours.sign('localhost');
    const tls = { port: 0, certFile: server.cert, keyFile: server.key, caFile: ours.caFile };
    for (const clientCertificates of ['required', 'optional'] as const) {
      await using gateway = await startTestGateway({ overrides: { mqtt: { tls: { ...tls, clientCertificates } } } });
      const { id, secret } = await makeTerminal(gateway.admin, { id: 'A', profile: 'gas-boiler' });
      const login = { clientId: id, username: id, password: secret };
      const connected = connectTlsTerminal(gateway, ours.caFile, login).then(
        (client) => {
          client.end(true);
          return true;
        },
        () => false,
      );
      expect(await connected).toBe(clientCertificates === 'optional');
    }
  }, 30_000);
});

test('a revoked certificate ends its connections within seconds, and is refused from then on', async () => {
  await using folder = await tempFolder();
  const ours = authority(folder.path, 'ours');
  const server = ours.sign('localhost');
  const files = [ours.sign('A'), ours.sign('B')] as const;
  ours.writeRevocations();
  const clock = heldClock(Date.now());
  await using gateway = await startTestGateway({
    clock,
    overrides: {
      mqtt: {
        tls: {
          port: 0,
          certFile: server.cert,
          keyFile: server.key,
          clientCertificates: 'required',
          caFile: ours.caFile,
          crlFile: ours.crlFile,
        },
      },
    },
  });
  const connected = [];
  for (const [index, id] of ['A', 'B'].entries()) {
    await makeTerminal(gateway.admin, { id, profile: 'gas-boiler' });
    connected.push(
      await connectTlsTerminal(gateway, ours.caFile, { clientId: id, ...readKeys(files[index] ?? files[0]) }),
    );
  }
  const ends = connected.map(closed);
  ours.revoke(files[0].cert);
  ours.writeRevocations();
  await clock.advance(2_000);
  await Promise.all(ends);
  await expect(connectTlsTerminal(gateway, ours.caFile, { clientId: 'A', ...readKeys(files[0]) })).rejects.toThrow(
    /closed|ECONNRESET|revoked/,
  );
  const again = await connectTlsTerminal(gateway, ours.caFile, { clientId: 'B', ...readKeys(files[1]) });
  again.end(true);
}, 30_000);

test('a renewed certificate is in force without a restart, and one that is broken leaves the old one', async () => {
  await using folder = await tempFolder();
  const ours = authority(folder.path, 'ours');
  const [first, second] = [ours.sign('localhost', 'first'), ours.sign('localhost', 'second')];
  const clock = heldClock(Date.now());
  await using gateway = await startTestGateway({
    clock,
    overrides: { mqtt: { tls: { port: 0, certFile: first.cert, keyFile: first.key, clientCertificates: 'none' } } },
  });
  const shown = () =>
    new Promise<PeerCertificate>((resolve, reject) => {
      const socket = connectTls(
        { port: gateway.mqttPorts[1] ?? 0, host: '127.0.0.1', rejectUnauthorized: false },
        () => {
          resolve(socket.getPeerCertificate());
          socket.destroy();
        },
      );
      socket.on('error', reject);
    });
  const before = (await shown()).serialNumber;
  writeFileSync(first.cert, 'broken');
  await clock.advance(2_000);
  expect((await shown()).serialNumber).toBe(before);
  writeFileSync(first.cert, readFileSync(second.cert));
  writeFileSync(first.key, readFileSync(second.key));
  await clock.advance(2_000);
  expect((await shown()).serialNumber).not.toBe(before);
}, 30_000);
