import { DomainError, type FieldError } from '@berth/errors';
import { forEver, type User } from './users/user.ts';

export const userNotFound = (): DomainError => new DomainError('not_found', 'USER_NOT_FOUND', 'There is no such user.');

/** Says until when, and why: whoever hears it has proved to be this user. */
export const userBanned = ({ bannedUntil, banReason }: Pick<User, 'bannedUntil' | 'banReason'>): DomainError => {
  const until = bannedUntil !== null && bannedUntil < forEver ? ` until ${bannedUntil.toISOString()}` : '';
  return new DomainError('forbidden', 'USER_BANNED', `This user is banned${until}: ${banReason ?? ''}`);
};

export const lastAdmin = (): DomainError =>
  new DomainError(
    'conflict',
    'LAST_ADMIN',
    'This is the last user in the group admin who is not banned. Make another one first.',
  );

/** Throws unless the resource has the version that the caller saw; 0: any will do. */
export function assertVersion(wanted: bigint, version: number): void {
  if (wanted === 0n || wanted === BigInt(version)) return;
  throw new DomainError('precondition_failed', 'VERSION_MISMATCH', 'It has changed since that version: read it again.');
}

/** Throws when there are wrong fields. */
export function refuseFields(fields: readonly FieldError[]): void {
  if (fields.length === 0) return;
  throw new DomainError('invalid', 'INVALID_REQUEST', 'The request is not valid.', { fields });
}

export const idempotencyKeyReused = (): DomainError =>
  new DomainError(
    'unprocessable',
    'IDEMPOTENCY_KEY_REUSED',
    'This Idempotency-Key was used before for a different request.',
  );

export const deadlinePassed = (): DomainError =>
  new DomainError('unavailable', 'DEADLINE_PASSED', 'The command came too late and was not carried out.', {
    retryAfterSeconds: 1,
  });
