import type { CheckPassword } from './check-password.ts';

/** How passwords are judged and stored. */
export interface Passwords {
  /** Refuses a new password that is not good enough (`invalid` PASSWORD_TOO_WEAK). */
  readonly check: CheckPassword;
  /** Slow on purpose: never within a transaction. */
  hash(text: string): Promise<string>;
}
