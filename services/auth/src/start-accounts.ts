import type { Database } from '@berth/database';
import type { Bus } from '@berth/messaging';
import { StrengthThread } from './adapters/crypto/strength-thread.ts';
import { serveAccounts } from './adapters/nats/accounts/serve-accounts.ts';
import { onDemand } from './adapters/on-demand.ts';
import { accountReader } from './adapters/postgres/accounts/account-reader.ts';
import { dropOldAccountRows } from './adapters/postgres/accounts/account-rows.ts';
import type { PostgresAuthTransactions } from './adapters/postgres/auth-transactions.ts';
import { groupsNamed } from './adapters/postgres/users/group-store.ts';
import { repeatedly } from './adapters/repeatedly.ts';
import type { AccountPolicy } from './app/accounts/account-deps.ts';
import { type CheckPassword, type EstimateStrength, passwordCheck } from './app/accounts/check-password.ts';
import type { PasswordHasher } from './app/accounts/password-hasher.ts';
import { sendAskedMail } from './app/mails/send-asked-mail.ts';
import type { SignInThrottle } from './app/sessions/sign-in-throttle.ts';

/** How long a mail waits at the most whose asker's replica has died. */
const lookForMailsEveryMs = 2_000;
const tidyEveryMs = 3_600_000;

/** Answers AccountService and sends the mails that were asked for. Gives back the check of passwords, for whoever else sets some. */
export function startAccounts(deps: {
  readonly bus: Bus;
  readonly database: Database;
  readonly transactions: PostgresAuthTransactions;
  readonly hasher: PasswordHasher;
  readonly throttle: SignInThrottle;
  readonly policy: AccountPolicy;
}): { readonly checkPassword: CheckPassword; stop(): Promise<void> } {
  const { bus, database, transactions, policy } = deps;
  const strength = new StrengthThread();
  const estimate: EstimateStrength = (password, inputs) => strength.estimate(password, inputs);
  const checkPassword = passwordCheck({ rules: policy.passwords, estimate });
  const sendAll = async () => {
    while (await sendAskedMail(transactions)) {}
  };
  const mails = onDemand(lookForMailsEveryMs, bus.log, 'sending mails that were asked for', sendAll);
  const stopTidying = repeatedly(tidyEveryMs, bus.log, 'dropping old registrations and tokens', () =>
    dropOldAccountRows(database),
  );
  const stopServing = serveAccounts({
    ...deps,
    ...{ checkPassword, accounts: accountReader(database) },
    groups: { byNames: (names) => database.read((entities) => groupsNamed(entities, names)) },
    mailAsked: mails.wake,
  });
  return {
    checkPassword,
    async stop() {
      await stopServing();
      await Promise.all([mails.stop(), stopTidying(), strength.stop()]);
    },
  };
}
