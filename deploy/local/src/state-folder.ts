import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { postgresUserReaches } from '@berth/local-servers';

/** Where a system on this machine keeps what outlives it. */
export interface StateFolder {
  readonly path: string;
  readonly logs: string;
  readonly nats: string;
  /** Elsewhere than below `path` when the user that Postgres runs as cannot get there. */
  readonly postgres: string;
  readonly router: string;
  readonly adminKeyFile: string;
  /** The first admin user's password. */
  readonly adminPasswordFile: string;
  /** The master key that the routers' API keys are encrypted with. */
  readonly encryptionKeyFile: string;
  /** Where mails go unless the environment names an SMTP server. */
  readonly mailFolder: string;
  /** The address of NATS with its credentials. */
  readonly natsUrlFile: string;
  readonly runFile: string;
  readonly lockFile: string;
  /** Passwords that this system's own servers ask for. */
  readonly secrets: Secrets;
}

/** Made at the first start, the same at every later one. */
export interface Secrets {
  readonly postgres: string;
  readonly nats: string;
  /** Of the services' database roles. */
  readonly roles: string;
}

/** Makes the folder with its secrets when it is new. Files with secrets are readable by this user only. */
export function openStateFolder(folder: string): StateFolder {
  const path = resolve(folder);
  const logs = join(path, 'logs');
  mkdirSync(logs, { recursive: true });
  chmodSync(path, statSync(path).mode | 0o011); // Postgres, which is another user under root, has to pass through
  makeEncryptionKey(stateLayout(path).encryptionKeyFile);
  return {
    ...stateLayout(path),
    logs,
    postgres: postgresFolder(path),
    secrets: readOnce(join(path, 'secrets.json'), () => ({
      postgres: randomBytes(18).toString('hex'),
      nats: randomBytes(18).toString('hex'),
      roles: randomBytes(18).toString('hex'),
    })),
  };
}

/** Once: without it the stored keys could never be read again. The name says which key wrote what, should there be more one day. */
function makeEncryptionKey(file: string): void {
  if (!existsSync(file)) writeText(file, `local:${randomBytes(32).toString('base64')}\n`);
}

/** The paths alone, without making anything. */
export function stateLayout(folder: string) {
  const path = resolve(folder);
  return {
    path,
    nats: join(path, 'nats'),
    router: join(path, 'router'),
    adminKeyFile: join(path, 'admin-api-key'),
    adminPasswordFile: join(path, 'admin-password'),
    encryptionKeyFile: join(path, 'encryption-key'),
    mailFolder: join(path, 'mails'),
    natsUrlFile: join(path, 'nats-url'),
    runFile: join(path, 'run.json'),
    lockFile: join(path, 'up.lock'),
    portsFile: join(path, 'ports.json'),
  };
}

/** Where this state's Postgres lies; the same answer at every start. */
export function postgresFolder(path: string): string {
  if (postgresUserReaches(path)) return join(path, 'postgres');
  return `/var/tmp/berth-${createHash('sha256').update(path).digest('hex').slice(0, 12)}`;
}

/** Replaces a file at once, so that a reader never sees half of it; readable by this user only. */
export const writeWhole = (file: string, content: unknown): void =>
  writeText(file, `${JSON.stringify(content, null, 2)}\n`);

/** As `writeWhole`, of text. */
export function writeText(file: string, text: string): void {
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, text, { mode: 0o600 });
  renameSync(unfinished, file);
}

/** What the file says, or `fallback` when it is not there or not whole. */
export function readWhole<T>(file: string, fallback: T): T {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T; // written by ourselves
  } catch {
    return fallback;
  }
}

function readOnce<T>(file: string, make: () => T): T {
  const existing = readWhole<T | undefined>(file, undefined);
  if (existing !== undefined) return existing;
  const made = make();
  writeWhole(file, made);
  return made;
}
