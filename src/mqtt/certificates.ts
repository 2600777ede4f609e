import { readFileSync, statSync } from 'node:fs';
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls';
import type { Config } from '../config.ts';
import { type Clock, every } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';

/** The TLS port: its certificate, and the authorities and revocations by which clients' certificates are judged, read anew when they change. */

type TlsConfig = NonNullable<Config['mqtt']['tls']>;

const LOOK_MS = 2_000;
const HANDSHAKE_MS = 10_000;

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

/**
 * The common name of the certificate that a client has shown, when a trusted authority has signed it; undefined when it showed none and need
 * not.
 */
export function shownBy(
  socket: TLSSocket,
  { clientCertificates }: TlsConfig,
): { commonName: string } | { trouble: string } | undefined {
  if (clientCertificates === 'none') return undefined;
  const subject: unknown = socket.getPeerCertificate().subject;
  if (typeof subject !== 'object' || subject === null) {
    return clientCertificates === 'required' ? { trouble: 'none was shown' } : undefined;
  }
  if (!socket.authorized) return { trouble: String(socket.authorizationError) };
  return 'CN' in subject && typeof subject.CN === 'string' ? { commonName: subject.CN } : { trouble: 'no common name' };
}

/** `changed` is called when another certificate, authority or revocation list is in force. */
export function startTls(
  config: TlsConfig,
  parts: { clock: Clock; log: Logger; changed: () => void },
): { server: Server } & Disposable {
  const { clock, log, changed } = parts;
  const server = createServer({
    ...contextOf(config),
    requestCert: config.clientCertificates !== 'none',
    // Who shows what, or nothing, is judged after the handshake, where it can be told.
    rejectUnauthorized: false,
    handshakeTimeout: HANDSHAKE_MS,
  });
  server.on('tlsClientError', (error) => log.debug({ err: error }, 'mqtt: TLS handshake failed'));

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
