import { DomainError } from '@berth/errors';
import type { User } from '../../domain/users/user.ts';
import type { AccountReader } from '../accounts/account-store.ts';
import type { PasswordHasher } from '../accounts/password-hasher.ts';
import type { Asker } from '../asker.ts';
import type { AuthTransactions } from '../auth-transaction.ts';
import { openSession, type Tokens } from './open-session.ts';
import type { SignInThrottle } from './sign-in-throttle.ts';

export interface SignInDeps {
  readonly accounts: Pick<AccountReader, 'byLogin'>;
  readonly transactions: AuthTransactions;
  readonly passwords: PasswordHasher;
  readonly throttle: SignInThrottle;
}

/**
 * Begins a session. `login` is a name or an e-mail address. Throws one `unauthenticated` SIGN_IN_REFUSED for a name that nobody has, a wrong
 * password and a user without one, which take the same time; `forbidden` USER_BANNED only after the right password.
 */
export async function signIn(
  deps: SignInDeps,
  asker: Asker,
  { login, password }: { login: string; password: string },
): Promise<Tokens> {
  const { accounts, transactions, passwords, throttle } = deps;
  await throttle.take(login, asker.clientAddress);
  const user = await accounts.byLogin(login); // without a lock, which would be written and waited for: the time must not tell
  const matches = await passwords.verify(user?.passwordHash ?? null, password);
  if (user === undefined || !matches) {
    await noteRefusal(transactions, asker, user);
    throw refused();
  }
  await throttle.forgive(login, asker.clientAddress);
  const newHash = await rehashed(passwords, user, password);
  return transactions.run(asker, async (transaction) => {
    const current = await transaction.users.byId(user.id);
    if (current === undefined || current.passwordHash !== user.passwordHash) throw refused(); // changed meanwhile
    const saved = newHash ? await transaction.users.save({ ...current, passwordHash: newHash }) : current;
    return openSession(transaction, saved, asker);
  });
}

/** The parameters have changed since: the password is at hand only now. */
const rehashed = async (passwords: PasswordHasher, user: User, password: string): Promise<string | undefined> =>
  user.passwordHash !== null && passwords.isOutdated(user.passwordHash) ? passwords.hash(password) : undefined;

/** What was typed as a name is not kept: it may be a password. */
const noteRefusal = (transactions: AuthTransactions, asker: Asker, user: User | undefined): Promise<void> =>
  transactions.run(asker, async ({ audit }) => {
    audit({
      action: 'user.sign_in_refused',
      result: 'SIGN_IN_REFUSED',
      resource: { id: user?.id ?? '', name: user?.name ?? '' },
    });
  });

const refused = (): DomainError =>
  new DomainError('unauthenticated', 'SIGN_IN_REFUSED', 'The name or the password is not right.');
