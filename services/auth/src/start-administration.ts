import type { Database } from '@berth/database';
import type { Bus } from '@berth/messaging';
import { serveGroups } from './adapters/nats/users/serve-groups.ts';
import { serveInvitations } from './adapters/nats/users/serve-invitations.ts';
import { serveUsers } from './adapters/nats/users/serve-users.ts';
import type { PostgresAuthTransactions } from './adapters/postgres/auth-transactions.ts';
import { repeatedly } from './adapters/repeatedly.ts';
import type { Passwords } from './app/accounts/passwords.ts';
import { liftRunOutBans } from './app/users/ban-users.ts';

const liftBansEveryMs = 2_000;

/** Answers what administrators ask of users, groups, bans and invitations, and lifts bans whose time is over. Gives back its stop. */
export function startAdministration(deps: {
  readonly bus: Bus;
  readonly database: Database;
  readonly transactions: PostgresAuthTransactions;
  readonly passwords: Passwords;
}): () => Promise<void> {
  const { bus, transactions } = deps;
  const stops = [
    ...serveUsers(deps),
    ...serveInvitations(deps),
    ...serveGroups(deps),
    repeatedly(liftBansEveryMs, bus.log, 'lifting bans whose time is over', async () => {
      await liftRunOutBans(transactions);
    }),
  ];
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}
