import { readFileSync, statSync } from 'node:fs';
import { createServer, type SecureContextOptions, type Server, type TlsOptions } from 'node:tls';
import type { Config } from '../config.ts';
import { type Clock, every } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { RecordSecurity } from '../security/security-events.ts';
import { addressOf } from './door.ts';

/** The TLS port: its certificate, and the authorities and revocations by which clients' certificates are judged, read anew when they change. */

type TlsConfig = NonNullable<Config['mqtt']['tls']>;

const LOOK_MS = 2_000;
const HANDSHAKE_MS = 10_000;

/** What the client did wrong, as against a network that broke. */
const CERTIFICATE_TROUBLE = /CERT|certificate|UNABLE_TO|ALERT_(?:UNKNOWN_CA|BAD_CERT|CERTIFICATE)|PEER_DID_NOT_RETURN/i;

const filesOf = ({ certFile, keyFile, caFile, crlFile }: TlsConfig): string[] =>
  [certFile, keyFile, caFile, crlFile].filter((file) => file !== undefined);

/** Throws when a file is missing or is none of its kind. */
function contextOf({ certFile, keyFile, caFile, crlFile }: TlsConfig): SecureContextOptions {
  return {
    cert: readFileSync(certFile),
    key: readFileSync(keyFile),
    minVersion: 'TLSv1.2',
    ...(caFile !== undefined && { ca: readFileSync(caFile) }),
    ...(crlFile !== undefined && { crl: readFileSync(crlFile) }),
  };
}

const asksFor = ({ clientCertificates }: TlsConfig): TlsOptions => ({
  requestCert: clientCertificates !== 'none',
  rejectUnauthorized: clientCertificates === 'required',
});

/** `changed` is called when another certificate, authority or revocation list is in force. */
export function startTls(
  config: TlsConfig,
  parts: { clock: Clock; log: Logger; record: RecordSecurity; changed: () => void },
): { server: Server } & Disposable {
  const { clock, log, record, changed } = parts;
  const server = createServer({ ...contextOf(config), ...asksFor(config), handshakeTimeout: HANDSHAKE_MS });
  server.on('tlsClientError', (error, socket) => {
    log.debug({ err: error }, 'mqtt: TLS handshake failed');
    const code = 'code' in error ? String(error.code) : '';
    if (!CERTIFICATE_TROUBLE.test(`${code} ${error.message}`)) return;
    const address = addressOf(socket.remoteAddress);
    record({ kind: 'bad_certificate', terminalId: null, address, detail: error.message.slice(0, 200) });
  });

  const stateOf = () =>
    filesOf(config)
      .map((file) => `${statSync(file).mtimeMs} ${statSync(file).size} ${statSync(file).ino}`)
      .join();
  let state = stateOf();
  const look = () => {
    const now = stateOf();
    if (now === state) return;
    server.setSecureContext(contextOf(config));
    state = now;
    log.info('mqtt: the certificates were read anew');
    changed();
  };
  // Files that do not fit each other yet, as in the middle of an exchange, leave in force what is.
  const looking = every(clock, LOOK_MS, look, (error) =>
    log.warn({ reason: String(error) }, 'mqtt: the certificates cannot be read; those before stay in force'),
  );
  return { server, [Symbol.dispose]: () => looking[Symbol.dispose]() };
}
