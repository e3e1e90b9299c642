import type { PasswordRules } from '../../domain/accounts/password-rules.ts';
import type { AuthTransaction } from '../auth-transaction.ts';
import type { SignInThrottle } from '../sessions/sign-in-throttle.ts';
import type { AccountReader } from './account-store.ts';
import type { CheckPassword } from './check-password.ts';
import type { PasswordHasher } from './password-hasher.ts';

/** Whether strangers can become users by themselves: yes; no, but those who registered before may finish; no. Invitations work in any case. */
export type RegistrationMode = 'open' | 'invite' | 'off';

/** How accounts come to be. */
export interface AccountPolicy {
  readonly registration: RegistrationMode;
  /** Groups of those who registered, the home group first. Those that are not there are left out. */
  readonly registrationGroups: readonly string[];
  readonly passwords: PasswordRules;
}

/** What the use cases of accounts need. */
export interface AccountDeps {
  readonly accounts: AccountReader;
  readonly hasher: PasswordHasher;
  /** Of passwords that are asked for again. */
  readonly throttle: SignInThrottle;
  readonly checkPassword: CheckPassword;
  readonly policy: AccountPolicy;
}

/**
 * What is left to be done of a command when all that is slow has been done: it runs in one transaction. Refusals that hang on what is
 * stored are raised there, so that the repeat of a command that succeeded is answered like the first.
 */
export type Prepared = (transaction: AuthTransaction) => Promise<void>;
