import { ApiKeyChangedSchema, streams, subjects } from '@berth/contracts';
import { openDatabase } from '@berth/database';
import { isKind } from '@berth/errors';
import { connectBus, notify, Outbox } from '@berth/messaging';
import { ConfigError, type ServiceContext } from '@berth/service-kit';
import { Vault } from '@berth/vault';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import { adminKeyFileAt } from './adapters/files/admin-key-file.ts';
import { serveApiKeys } from './adapters/nats/serve-api-keys.ts';
import { startTellingFacts } from './adapters/nats/tell-position.ts';
import { PostgresAuthTransactions } from './adapters/postgres/auth-transactions.ts';
import { assertUserIds } from './adapters/postgres/installation.ts';
import type { UserIdKind } from './adapters/postgres/migrations/0002-access.ts';
import { migrations } from './adapters/postgres/migrations/index.ts';
import { tellMissingGroups } from './adapters/postgres/missing-groups.ts';
import { postgresApiKeys } from './adapters/postgres/postgres-api-keys.ts';
import { repeatedly } from './adapters/repeatedly.ts';
import { countingVerifications } from './adapters/verification-metrics.ts';
import { berthItself } from './app/asker.ts';
import { bootstrapKeys } from './app/bootstrap-keys.ts';
import { LastUses } from './app/last-uses.ts';
import { verifyApiKey } from './app/verify-api-key.ts';
import type { AuthConfig } from './config.ts';
import { startMailService, startSendingMails } from './start-mails.ts';

const writeUsesEveryMs = 10_000;
const tidyEveryMs = 3_600_000;

export const openAuthDatabase = (url: string, userIds: UserIdKind = 'uuid') =>
  openDatabase({
    url,
    schema: 'auth',
    migrations: migrations(userIds),
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
  const teller = startTellingFacts({ bus, database });
  onStop(() => teller.stop());
  const sending = startSendingMails({ config, database, vault, log, metrics });
  onStop(() => sending.stop());
  const transactions = new PostgresAuthTransactions({
    ...{ outbox, vault },
    factsChanged: teller.factsChanged,
    mailsWait: sending.mailsWait,
  });
  await transactions.run(berthItself, tellMissingGroups);

  const keys = postgresApiKeys(database);
  const tellChanged = (id: string) =>
    notify(bus, subjects.apiKeyChanged, ApiKeyChangedSchema, { id, changedAt: timestampNow() });
  const adminKeyFile = config.adminKeyFile === undefined ? undefined : adminKeyFileAt(config.adminKeyFile);
  const report = await bootstrapKeys({ transactions, tellChanged, adminKeyFile }, config.givenKeys).catch((error) => {
    throw isKind(error, 'invalid') ? new ConfigError([error.message]) : error;
  });
  log.info(report, 'keys follow the settings');

  const lastUses = new LastUses({ keys });
  onStop(repeatedly(writeUsesEveryMs, log, 'writing when keys were used', () => lastUses.flush()));
  onStop(repeatedly(tidyEveryMs, log, 'dropping old answers', () => keys.tidy()));
  const verify = countingVerifications(metrics, (text) => verifyApiKey({ keys, lastUses }, text));
  onStop(serveApiKeys({ bus, keys, transactions, tellChanged, verify, keysPerUser: config.apiKeysPerUser }));
  onStop(startMailService({ bus, database, transactions, sending }));
  await bus.ping(); // the server knows of the subscriptions now
}
