import { DomainError } from '@berth/errors';
import { isUuid } from '../vms/vm-name.ts';

/** The id of a user as auth knows it: a UUID in lower case, or a whole number. Anything else is nobody's: `not_found` USER_NOT_FOUND. */
export function userIdOf(text: string): string {
  if (isUuid(text)) return text.toLowerCase();
  if (/^[1-9]\d{0,18}$/.test(text)) return text;
  throw new DomainError('not_found', 'USER_NOT_FOUND', 'There is no such user.');
}
