import type { FieldError } from '@berth/errors';

/** No @, so that a name is never somebody's address; no case or look-alike letters to mistake. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}[A-Za-z0-9]$/;
/** ASCII alone: what Postgres and this code make of its case is the same, and nothing in it means anything to a mail server. */
const emailPattern = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/;
const longestEmail = 254;

/** What is wrong with a user's name; undefined: nothing. */
export const faultOfName = (name: string, field = 'name'): FieldError | undefined =>
  namePattern.test(name)
    ? undefined
    : {
        field,
        message:
          'must be 2 to 64 letters, digits, dots, underscores or hyphens, and begin and end with one of the first two',
      };

/** What is wrong with an e-mail address; undefined: nothing. */
export const faultOfEmail = (email: string, field = 'email'): FieldError | undefined =>
  email.length <= longestEmail && emailPattern.test(email) && !email.includes('..')
    ? undefined
    : { field, message: 'must be an e-mail address in ASCII of at most 254 characters' };

/** Addresses that differ in case alone are one. */
export const sameAddress = (one: string | null, other: string | null): boolean =>
  one !== null && other !== null && one.toLowerCase() === other.toLowerCase();
