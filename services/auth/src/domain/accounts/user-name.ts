import type { FieldError } from '@berth/errors';

/** No @, so that a name is never taken for an address when somebody signs in; no look-alike letters to mistake. */
export const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}[A-Za-z0-9]$/;
/** ASCII alone: what Postgres and this code make of its case is the same, and nothing in it means anything to a mail server. */
const emailPattern = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+$/;
const longestEmail = 254;
/** What `namePattern` asks for, for people. */
export const nameHint = '2 to 64 letters, digits, ., _ and -, with a letter or digit at both ends';

/** What is wrong with a user's name, wherever it comes from. */
export const faultsOfName = (name: string): readonly FieldError[] =>
  namePattern.test(name) ? [] : [{ field: 'name', message: `must be ${nameHint}` }];

/** Whether a text can be an e-mail address of a user. */
export const isEmail = (text: string): boolean =>
  text.length <= longestEmail && emailPattern.test(text) && !text.includes('..');

/** What is wrong with an e-mail address, wherever it comes from. */
export const faultsOfEmail = (email: string): readonly FieldError[] =>
  isEmail(email) ? [] : [{ field: 'email', message: 'must be an e-mail address in ASCII of at most 254 characters' }];

/** Addresses that differ in case alone are one. */
export const sameAddress = (one: string | null, other: string | null): boolean =>
  one !== null && other !== null && one.toLowerCase() === other.toLowerCase();
