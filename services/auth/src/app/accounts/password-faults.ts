import { DomainError, type FieldError } from '@berth/errors';
import type { CheckPassword } from './check-password.ts';

/** What `check` finds wrong with a password, for those who refuse several fields at once. */
export const passwordFaults =
  (check: CheckPassword) =>
  (text: string, about: { readonly name: string; readonly email: string | null }): readonly FieldError[] => {
    try {
      check(text, about);
      return [];
    } catch (error) {
      if (error instanceof DomainError && error.details.fields !== undefined) return error.details.fields;
      throw error;
    }
  };
