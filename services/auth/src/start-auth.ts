import { ApiKeyChangedSchema, subjects } from '@berth/contracts';
import { openDatabase } from '@berth/database';
import { isKind } from '@berth/errors';
import { connectBus, notify } from '@berth/messaging';
import { ConfigError, type ServiceContext } from '@berth/service-kit';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import { adminKeyFileAt } from './adapters/files/admin-key-file.ts';
import { serveApiKeys } from './adapters/nats/serve-api-keys.ts';
import { ApiKeyEntity, GivenAnswerEntity } from './adapters/postgres/entities.ts';
import { migrations } from './adapters/postgres/migrations.ts';
import { postgresApiKeys } from './adapters/postgres/postgres-api-keys.ts';
import { repeatedly } from './adapters/repeatedly.ts';
import { countingVerifications } from './adapters/verification-metrics.ts';
import { bootstrapKeys } from './app/bootstrap-keys.ts';
import { LastUses } from './app/last-uses.ts';
import { verifyApiKey } from './app/verify-api-key.ts';
import type { AuthConfig } from './config.ts';

const writeUsesEveryMs = 10_000;
const tidyEveryMs = 3_600_000;

export const openAuthDatabase = (url: string) =>
  openDatabase({
    url,
    schema: 'auth',
    migrations,
    entities: [ApiKeyEntity, GivenAnswerEntity],
    applicationName: 'berth-auth',
  });

/** Starts auth: migrates, brings the keys to what the settings say, and answers. Several may run side by side. */
export async function startAuth(
  config: AuthConfig,
  { log, metrics, onStop, readyWhen, fail }: Pick<ServiceContext, 'log' | 'metrics' | 'onStop' | 'readyWhen' | 'fail'>,
): Promise<void> {
  const database = await openAuthDatabase(config.databaseUrl);
  onStop(() => database.close());
  await database.migrate();
  readyWhen('database', () => database.ping());

  const bus = await connectBus({ url: config.natsUrl, prefix: config.prefix, name: 'auth', log, metrics, fail });
  onStop(() => bus.drain());
  readyWhen('bus', () => bus.ping());

  const keys = postgresApiKeys(database);
  const tellChanged = (id: string) =>
    notify(bus, subjects.apiKeyChanged, ApiKeyChangedSchema, { id, changedAt: timestampNow() });
  const adminKeyFile = config.adminKeyFile === undefined ? undefined : adminKeyFileAt(config.adminKeyFile);
  const report = await bootstrapKeys({ keys, tellChanged, adminKeyFile }, config.givenKeys).catch((error) => {
    throw isKind(error, 'invalid') ? new ConfigError([error.message]) : error;
  });
  log.info(report, 'keys follow the settings');

  const lastUses = new LastUses({ keys });
  onStop(repeatedly(writeUsesEveryMs, log, 'writing when keys were used', () => lastUses.flush()));
  onStop(repeatedly(tidyEveryMs, log, 'dropping old answers', () => keys.tidy()));
  const verify = countingVerifications(metrics, (text) => verifyApiKey({ keys, lastUses }, text));
  onStop(serveApiKeys({ bus, keys, tellChanged, verify }));
  await bus.ping(); // the server knows of the subscriptions now
}
