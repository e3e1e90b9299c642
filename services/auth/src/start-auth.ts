import { streams } from '@berth/contracts';
import { openDatabase } from '@berth/database';
import { isKind } from '@berth/errors';
import { connectBus, Outbox } from '@berth/messaging';
import { ConfigError, type ServiceContext } from '@berth/service-kit';
import { Vault } from '@berth/vault';
import { Argon2Hasher } from './adapters/crypto/argon2-hasher.ts';
import { secretFileAt } from './adapters/files/secret-file.ts';
import { startTellingFacts } from './adapters/nats/access/tell-position.ts';
import { serveAuditKeys } from './adapters/nats/audit/serve-audit-keys.ts';
import { serveApiKeys } from './adapters/nats/keys/serve-api-keys.ts';
import { PostgresAuthTransactions } from './adapters/postgres/auth-transactions.ts';
import { entities } from './adapters/postgres/entities.ts';
import { assertUserIds } from './adapters/postgres/installation.ts';
import { postgresApiKeys } from './adapters/postgres/keys/postgres-api-keys.ts';
import type { UserIdKind } from './adapters/postgres/migrations/0002-access.ts';
import { migrations } from './adapters/postgres/migrations/index.ts';
import { postgresSignInThrottle } from './adapters/postgres/sessions/postgres-sign-in-throttle.ts';
import { tellMissingGroups } from './adapters/postgres/users/missing-groups.ts';
import { repeatedly } from './adapters/repeatedly.ts';
import { countingVerifications } from './adapters/verification-metrics.ts';
import { berthItself } from './app/asker.ts';
import { bootstrapKeys } from './app/keys/bootstrap-keys.ts';
import { LastUses } from './app/keys/last-uses.ts';
import { verifyApiKey } from './app/keys/verify-api-key.ts';
import { haveFirstAdmin } from './app/users/first-admin.ts';
import type { AuthConfig } from './config.ts';
import { startAccounts } from './start-accounts.ts';
import { startAdministration } from './start-administration.ts';
import { startAudit } from './start-audit.ts';
import { startIdentities } from './start-identities.ts';
import { startLimits } from './start-limits.ts';
import { startMailService, startSendingMails } from './start-mails.ts';
import { startKeepingSecrets } from './start-secrets.ts';
import { startSessions, tokenKeyring } from './start-sessions.ts';

const writeUsesEveryMs = 10_000;
const tidyEveryMs = 3_600_000;

export const openAuthDatabase = (url: string, userIds: UserIdKind = 'uuid') =>
  openDatabase({
    url,
    schema: 'auth',
    migrations: migrations(userIds),
    entities,
    applicationName: 'berth-auth',
  });

/** Starts auth: migrates, brings the keys to what the settings say, and answers. Several may run side by side. */
export async function startAuth(
  config: AuthConfig,
  { log, metrics, onStop, readyWhen, fail }: Pick<ServiceContext, 'log' | 'metrics' | 'onStop' | 'readyWhen' | 'fail'>,
): Promise<void> {
  const database = await openAuthDatabase(config.databaseUrl, config.userIds);
  onStop(() => database.close());
  await database.migrate();
  await assertUserIds(database, config.userIds);
  readyWhen('database', () => database.ping());

  const bus = await connectBus({ url: config.natsUrl, prefix: config.prefix, name: 'auth', log, metrics, fail });
  onStop(() => bus.drain());
  readyWhen('bus', () => bus.ping());

  const outbox = new Outbox({ database, bus, streams: [streams.events] });
  await outbox.start();
  onStop(() => outbox.stop());
  const vault = new Vault(config.encryptionKeys);
  await startKeepingSecrets({ database, vault }, { log, metrics, onStop });
  const teller = startTellingFacts({ bus, database });
  onStop(() => teller.stop());
  const audit = await startAudit({ bus, database, vault, keptDays: config.auditDays, keyDays: config.auditKeyDays });
  onStop(() => audit.stop());
  const sending = startSendingMails({ config, database, vault, log, metrics });
  onStop(() => sending.stop());
  const transactions = new PostgresAuthTransactions({
    ...{ outbox, vault, keyring: tokenKeyring(config, vault) },
    audited: audit.written,
    factsChanged: teller.factsChanged,
    mailsWait: sending.mailsWait,
  });
  await transactions.run(berthItself, tellMissingGroups);
  const passwords = new Argon2Hasher(config.sessions.hashing);

  const keys = postgresApiKeys(database);
  const adminKeyFile = config.adminKeyFile === undefined ? undefined : secretFileAt(config.adminKeyFile);
  const report = await bootstrapKeys({ transactions, adminKeyFile }, config.givenKeys).catch(refuseSettings);
  log.info(report, 'keys follow the settings');
  if (config.firstAdmin !== undefined) {
    const { name, passwordFile } = config.firstAdmin;
    const admin = { name, file: secretFileAt(passwordFile) };
    const outcome = await haveFirstAdmin({ transactions, passwords }, admin).catch(refuseSettings);
    log.info({ name, outcome }, 'first admin user');
  }

  const lastUses = new LastUses({ keys });
  onStop(repeatedly(writeUsesEveryMs, log, 'writing when keys were used', () => lastUses.flush()));
  onStop(repeatedly(tidyEveryMs, log, 'dropping old answers', () => keys.tidy()));
  const verify = countingVerifications(metrics, (text) => verifyApiKey({ keys, lastUses }, text));
  const throttle = postgresSignInThrottle(database, config.sessions.signIn);
  onStop(serveAuditKeys({ bus, transactions, rotation: audit.rotation }));
  await startSessions(config.sessions, { bus, database, transactions, hasher: passwords, throttle, onStop });
  const accounts = startAccounts({
    ...{ bus, database, transactions, throttle, hasher: passwords, policy: config.accounts },
  });
  onStop(() => accounts.stop());
  onStop(serveApiKeys({ bus, keys, transactions, verify, keysPerUser: config.apiKeysPerUser }));
  onStop(startIdentities({ bus, database, vault, transactions, onPrivateNetworks: config.providersOnPrivateNetworks }));
  const given = { check: accounts.checkPassword, hash: (text: string) => passwords.hash(text) };
  onStop(startAdministration({ bus, database, transactions, passwords: given }));
  startLimits({ bus, database, transactions, blocking: config.blocking }, { log, onStop });
  onStop(startMailService({ bus, database, transactions, sending }));
  await bus.ping(); // the server knows of the subscriptions now
}

/** What is invalid at the start is a setting: a restart would not mend it. */
function refuseSettings(error: unknown): never {
  throw isKind(error, 'invalid') ? new ConfigError([error.message]) : error;
}
