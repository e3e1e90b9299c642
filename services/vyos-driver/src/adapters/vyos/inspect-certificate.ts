import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import type { CertificateSight } from '../../app/routers/test-router.ts';
import { oneLine } from './transport-error.ts';

/** Where to look, and what would be accepted. */
export interface InspectedAddress {
  readonly host: string;
  readonly port: number;
  /** PEM text; absent: the system's authorities. */
  readonly caFile?: string | undefined;
}

/**
 * Which certificate the other end shows, and whether the authorities vouch for it. Nothing is sent over this connection, and it is closed
 * at once: that is why it may be opened to an end that is not known yet. Does not throw.
 */
export function inspectCertificate(
  { host, port, caFile }: InspectedAddress,
  timeoutMs: number,
): Promise<CertificateSight> {
  const { promise, resolve } = Promise.withResolvers<CertificateSight>();
  try {
    const socket = connect({
      host,
      port,
      rejectUnauthorized: false,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(caFile === undefined ? {} : { ca: caFile }),
    });
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no connection within ${timeoutMs} ms`)));
    socket.once('error', (error) => resolve({ problem: oneLine(error) }));
    socket.once('secureConnect', () => {
      const shown = socket.getPeerCertificate();
      const distrust = socket.authorized ? '' : oneLine(socket.authorizationError);
      socket.destroy();
      resolve({
        fingerprint: (shown.fingerprint256 ?? '').replaceAll(':', '').toLowerCase(),
        subject: subjectOf(shown.subject),
        expiresAt: new Date(shown.valid_to),
        distrust,
      });
    });
  } catch (error) {
    resolve({ problem: oneLine(error) }); // authorities that cannot be read
  }
  return promise;
}

const subjectOf = (subject: object | undefined): string =>
  Object.entries(subject ?? {})
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(', ')
    .slice(0, 500);

const pemBlock = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** Whether a text holds at least one certificate in PEM form, and none that cannot be read. */
export function isCertificate(pem: string): boolean {
  const blocks = pem.match(pemBlock) ?? [];
  try {
    for (const block of blocks) new X509Certificate(block);
    return blocks.length > 0;
  } catch {
    return false;
  }
}
