import type { FieldError } from '@berth/errors';

/** How passwords are judged and stored. */
export interface Passwords {
  /** What is wrong with a new password; nothing when it is good enough. */
  check(
    text: string,
    about: { readonly name: string; readonly email: string | null },
  ): readonly FieldError[] | Promise<readonly FieldError[]>;
  /** Slow on purpose: never within a transaction. */
  hash(text: string): Promise<string>;
}
