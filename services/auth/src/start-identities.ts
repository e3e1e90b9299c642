import type { Database } from '@berth/database';
import type { Bus } from '@berth/messaging';
import type { Vault } from '@berth/vault';
import { serveIdentities } from './adapters/nats/identities/serve-identities.ts';
import { serveIdentityProviders } from './adapters/nats/identities/serve-identity-providers.ts';
import type { PostgresAuthTransactions } from './adapters/postgres/auth-transactions.ts';
import { dropOldAttempts, identityReader } from './adapters/postgres/identities/identity-rows.ts';
import { oauthClient } from './adapters/providers/oauth-client.ts';
import { repeatedly } from './adapters/repeatedly.ts';

const tidyEveryMs = 300_000;

/** Starts sign-in with identity providers. Gives back its stop. */
export function startIdentities({
  bus,
  database,
  vault,
  transactions,
  onPrivateNetworks,
}: {
  readonly bus: Bus;
  readonly database: Database;
  readonly vault: Vault;
  readonly transactions: PostgresAuthTransactions;
  readonly onPrivateNetworks: boolean;
}): () => Promise<void> {
  const rules = { onPrivateNetworks };
  const reader = identityReader(database, vault);
  const stops = [
    ...serveIdentityProviders({ bus, transactions, reader, rules }),
    ...serveIdentities({ bus, transactions, reader, client: oauthClient(rules) }),
    repeatedly(tidyEveryMs, bus.log, 'dropping old sign-in attempts', () => dropOldAttempts(database)),
  ];
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}
