import type { Database } from '@berth/database';
import type { Bus } from '@berth/messaging';
import type { ServiceContext } from '@berth/service-kit';
import type { Vault } from '@berth/vault';
import { TokenKeyring } from './adapters/crypto/token-keyring.ts';
import { serveSessions } from './adapters/nats/sessions/serve-sessions.ts';
import { serveSigningKeys } from './adapters/nats/sessions/serve-signing-keys.ts';
import { accountReader } from './adapters/postgres/accounts/account-reader.ts';
import type { PostgresAuthTransactions } from './adapters/postgres/auth-transactions.ts';
import { dropOldSessions } from './adapters/postgres/sessions/read-sessions.ts';
import { repeatedly } from './adapters/repeatedly.ts';
import type { PasswordHasher } from './app/accounts/password-hasher.ts';
import { berthItself } from './app/asker.ts';
import { keepSigningKeys } from './app/sessions/rotate-signing-keys.ts';
import type { SignInThrottle } from './app/sessions/sign-in-throttle.ts';
import type { AuthConfig } from './config.ts';
import type { SessionSettings } from './config-sessions.ts';

const keepKeysEveryMs = 30_000;
const tidyEveryMs = 3_600_000;

/** Signs the tokens of this installation. */
export const tokenKeyring = ({ publicUrl, sessions }: AuthConfig, vault: Vault): TokenKeyring =>
  new TokenKeyring({ vault, issuer: publicUrl, audience: sessions.audience, lifetimes: sessions.lifetimes });

/** Sessions and signing keys: sees to it that a key signs, and answers. */
export async function startSessions(
  settings: SessionSettings,
  deps: {
    readonly bus: Bus;
    readonly database: Database;
    readonly transactions: PostgresAuthTransactions;
    readonly hasher: PasswordHasher;
    readonly throttle: SignInThrottle;
    readonly onStop: ServiceContext['onStop'];
  },
): Promise<void> {
  const { bus, database, transactions, onStop } = deps;
  const keepKeys = () => transactions.run(berthItself, (transaction) => keepSigningKeys(transaction, settings.keys));
  await keepKeys();
  onStop(repeatedly(keepKeysEveryMs, bus.log, 'rotating signing keys', keepKeys));
  onStop(repeatedly(tidyEveryMs, bus.log, 'dropping old sessions', () => dropOldSessions(database)));
  onStop(serveSessions({ ...deps, accounts: accountReader(database) }));
  onStop(serveSigningKeys({ ...deps, rotation: settings.keys }));
}
