import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { ConfigError, type Logger } from '@berth/service-kit';
import { ServerCredentials } from '@grpc/grpc-js';
import { repeatedly } from '../repeatedly.ts';

/** PEM files. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /** Present: callers must show a certificate that one of these authorities signed. */
  readonly clientCaFile: string | undefined;
}

/** What the server proves itself with, kept in step with its files. */
export interface FileCredentials {
  readonly credentials: ServerCredentials;
  stop(): Promise<void>;
}

type Pem = Readonly<Record<'cert' | 'key' | 'ca', Buffer | undefined>>;

/** `ServerCredentials.createSsl` with files that may be replaced; connections that are open keep what they began with. */
class ReplaceableCredentials extends ServerCredentials {
  constructor(pem: Pem, requestCert: boolean) {
    super({ requestCert, rejectUnauthorized: requestCert }, contextOf(pem));
  }

  replace(pem: Pem): void {
    this.updateSecureContextOptions(contextOf(pem));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

/** Reads the files, and again every `everyMs`. Throws a ConfigError when they cannot be used at the start; later the last good ones stay. */
export async function tlsCredentials(files: TlsFiles, log: Logger, everyMs: number): Promise<FileCredentials> {
  let current = await readUsable(files).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigError([`the files of GRPC_TLS_… cannot be used: ${why}`]);
  });
  const credentials = new ReplaceableCredentials(current, files.clientCaFile !== undefined);
  const stop = repeatedly(everyMs, log, 'reading the TLS files', async () => {
    const fresh = await readUsable(files);
    if (isSame(fresh, current)) return;
    credentials.replace(fresh);
    current = fresh;
    log.info('the TLS files changed: new connections get them');
  });
  return { credentials, stop };
}

/** Throws when a file is missing, or certificate and key do not belong together: while files are replaced one is newer than the other. */
async function readUsable({ certFile, keyFile, clientCaFile }: TlsFiles): Promise<Pem> {
  const read = (file: string | undefined) => (file === undefined ? undefined : readFile(file));
  const [cert, key, ca] = await Promise.all([read(certFile), read(keyFile), read(clientCaFile)]);
  const pem = { cert, key, ca };
  createSecureContext(contextOf(pem));
  return pem;
}

const contextOf = ({ cert, key, ca }: Pem): SecureContextOptions => ({ minVersion: 'TLSv1.2', cert, key, ca });

const isSame = (one: Pem, other: Pem): boolean =>
  (['cert', 'key', 'ca'] as const).every((part) => String(one[part]) === String(other[part]));
