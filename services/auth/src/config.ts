import { envReader, readDatabaseUrl, readNatsUrl, readPublicUrl } from '@berth/service-kit';
import { type MasterKey, readMasterKeys } from '@berth/vault';
import { readAccountSettings } from './account-settings.ts';
import type { UserIdKind } from './adapters/postgres/migrations/0002-access.ts';
import type { AccountPolicy } from './app/accounts/account-deps.ts';
import { type MailConfig, readMailConfig } from './config-mails.ts';
import { readSessionSettings, type SessionSettings } from './config-sessions.ts';
import { nameHint, namePattern } from './domain/accounts/user-name.ts';
import { weaknessOf } from './domain/keys/given-key.ts';
import type { BlockingTerms } from './domain/limits/block.ts';

export interface AuthConfig {
  readonly databaseUrl: string;
  readonly natsUrl: string;
  /** What stands in front of every subject. */
  readonly prefix: string;
  /** Bootstrap keys of VYOS_API_KEYS: admin keys for as long as they are named there. Secrets. */
  readonly givenKeys: readonly string[];
  /** Where the first admin key is put; undefined: none is made. */
  readonly adminKeyFile: string | undefined;
  /** The first admin user's name, and where the password is put; undefined: none is made. */
  readonly firstAdmin: { readonly name: string; readonly passwordFile: string } | undefined;
  /** Encrypt secrets that are stored: signing keys, waiting mails, providers' secrets. The first writes; at least one. */
  readonly encryptionKeys: readonly MasterKey[];
  /** How users are numbered; undefined: as the database was made, and UUIDs in a new one. */
  readonly userIds: UserIdKind | undefined;
  /** Where people reach this installation: in mails, and as the issuer of tokens. No trailing slash. */
  readonly publicUrl: string;
  /** Tokens, their keys, and signing in. */
  readonly sessions: SessionSettings;
  readonly accounts: AccountPolicy;
  /** So many API keys one user may have. */
  readonly apiKeysPerUser: number;
  /** Identity providers may be at private and loopback addresses: an own one, or one of a test. */
  readonly providersOnPrivateNetworks: boolean;
  /** For how many days entries of the audit log are kept; 0: for ever. */
  readonly auditDays: number;
  /** How many days old a key of the audit log gets; 0: it is replaced only when somebody asks. */
  readonly auditKeyDays: number;
  /** When an address is kept out by itself. */
  readonly blocking: BlockingTerms;
  /** Undefined: mails wait until there is a way to send them. */
  readonly mail: MailConfig | undefined;
}

/** Messages that are published again on their last day must meet the entry that they became. */
const fewestAuditDays = 30;

export function readConfig(env: NodeJS.ProcessEnv): AuthConfig {
  const read = envReader(env);
  const givenKeys = read.list('VYOS_API_KEYS');
  for (const [index, key] of givenKeys.entries()) {
    const weakness = weaknessOf(key);
    if (weakness !== undefined) read.reject(`VYOS_API_KEYS: key ${index + 1} of ${givenKeys.length} ${weakness}`);
  }
  if (/^(0|false|no|off)$/i.test(read.optionalText('BERTH_EMAIL_VERIFICATION') ?? '')) {
    read.reject('BERTH_EMAIL_VERIFICATION cannot be off: an address that nobody verified could take over an account');
  }
  const encryptionKeys = readMasterKeys(read);
  if (encryptionKeys.length === 0) {
    read.reject('BERTH_ENCRYPTION_KEY_FILE or BERTH_ENCRYPTION_KEYS must be set: secrets are stored encrypted');
  }
  const passwordFile = read.optionalText('BERTH_ADMIN_PASSWORD_FILE');
  const userIds = read.optionalText('BERTH_USER_IDS');
  if (userIds !== undefined && userIds !== 'uuid' && userIds !== 'integer') {
    read.reject('BERTH_USER_IDS must be uuid or integer');
  }
  const auditDays = read.integer('BERTH_AUDIT_DAYS', { min: 0, max: 36_500, fallback: 0 });
  if (auditDays > 0 && auditDays < fewestAuditDays) {
    read.reject(`BERTH_AUDIT_DAYS must be 0 (for ever) or at least ${fewestAuditDays}`);
  }
  const accounts = readAccountSettings(read);
  const mail = readMailConfig(read);
  if (accounts.registration === 'open' && mail === undefined) {
    read.reject(
      'BERTH_REGISTRATION is open, and there is no way to send mails: nobody could show that an address is theirs. Set BERTH_SMTP_URL',
    );
  }
  return read.finish({
    databaseUrl: readDatabaseUrl(read),
    natsUrl: readNatsUrl(read),
    prefix: read.text('BERTH_SUBJECT_PREFIX', {
      fallback: 'berth',
      pattern: /^[A-Za-z0-9_-]+$/,
      hint: 'made of letters, digits, _ and -',
    }),
    givenKeys,
    adminKeyFile: read.optionalText('BERTH_ADMIN_KEY_FILE'),
    firstAdmin:
      passwordFile === undefined
        ? undefined
        : {
            name: read.text('BERTH_ADMIN_USER', {
              fallback: 'admin',
              pattern: namePattern,
              hint: nameHint,
            }),
            passwordFile,
          },
    encryptionKeys,
    userIds: userIds === 'integer' || userIds === 'uuid' ? userIds : undefined,
    publicUrl: readPublicUrl(read),
    sessions: readSessionSettings(read),
    accounts,
    mail,
    apiKeysPerUser: read.integer('BERTH_API_KEYS_PER_USER', { min: 0, max: 10_000, fallback: 50 }),
    providersOnPrivateNetworks: read.flag('BERTH_PROVIDERS_ON_PRIVATE_NETWORKS', { fallback: false }),
    auditDays,
    auditKeyDays: read.integer('BERTH_AUDIT_KEY_DAYS', { min: 0, max: 36_500, fallback: 30 }),
    blocking: {
      afterRefusals: read.integer('BERTH_BLOCK_AFTER_REFUSALS', { min: 0, max: 1_000_000, fallback: 100 }),
      firstSeconds: read.integer('BERTH_BLOCK_SECONDS', { min: 1, max: 86_400, fallback: 60 }),
    },
  });
}
