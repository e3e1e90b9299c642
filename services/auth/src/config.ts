import { envReader } from '@berth/service-kit';
import { type MasterKey, readMasterKeys } from '@berth/vault';
import type { UserIdKind } from './adapters/postgres/migrations/0002-access.ts';
import { weaknessOf } from './domain/given-key.ts';
import { type MailConfig, readMailConfig } from './mail-config.ts';

export interface AuthConfig {
  readonly databaseUrl: string;
  readonly natsUrl: string;
  /** What stands in front of every subject. */
  readonly prefix: string;
  /** Bootstrap keys of VYOS_API_KEYS: admin keys for as long as they are named there. Secrets. */
  readonly givenKeys: readonly string[];
  /** Where the first admin key is put; undefined: none is made. */
  readonly adminKeyFile: string | undefined;
  /** Encrypt secrets that are stored: signing keys, waiting mails, providers' secrets. The first writes; at least one. */
  readonly encryptionKeys: readonly MasterKey[];
  /** How users are numbered; undefined: as the database was made, and UUIDs in a new one. */
  readonly userIds: UserIdKind | undefined;
  /** Where people reach this installation: in mails, and as the issuer of tokens. No trailing slash. */
  readonly publicUrl: string;
  /** So many API keys one user may have. */
  readonly apiKeysPerUser: number;
  /** Undefined: mails wait until there is a way to send them. */
  readonly mail: MailConfig | undefined;
}

export function readConfig(env: NodeJS.ProcessEnv): AuthConfig {
  const read = envReader(env);
  const givenKeys = read.list('VYOS_API_KEYS');
  for (const [index, key] of givenKeys.entries()) {
    const weakness = weaknessOf(key);
    if (weakness !== undefined) read.reject(`VYOS_API_KEYS: key ${index + 1} of ${givenKeys.length} ${weakness}`);
  }
  const encryptionKeys = readMasterKeys(read);
  if (encryptionKeys.length === 0) {
    read.reject('BERTH_ENCRYPTION_KEY_FILE or BERTH_ENCRYPTION_KEYS must be set: secrets are stored encrypted');
  }
  const userIds = read.optionalText('BERTH_USER_IDS');
  if (userIds !== undefined && userIds !== 'uuid' && userIds !== 'integer') {
    read.reject('BERTH_USER_IDS must be uuid or integer');
  }
  return read.finish({
    databaseUrl: read.url('DATABASE_URL'),
    natsUrl: read.url('NATS_URL'),
    prefix: read.text('BERTH_SUBJECT_PREFIX', {
      fallback: 'berth',
      pattern: /^[A-Za-z0-9_-]+$/,
      hint: 'made of letters, digits, _ and -',
    }),
    givenKeys,
    adminKeyFile: read.optionalText('BERTH_ADMIN_KEY_FILE'),
    encryptionKeys,
    userIds: userIds === 'integer' || userIds === 'uuid' ? userIds : undefined,
    publicUrl: read.url('BERTH_PUBLIC_URL', { fallback: 'http://127.0.0.1:8800' }).replace(/\/+$/, ''),
    mail: readMailConfig(read),
    apiKeysPerUser: read.integer('BERTH_API_KEYS_PER_USER', { min: 0, max: 10_000, fallback: 50 }),
  });
}
