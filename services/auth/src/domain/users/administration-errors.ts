import { DomainError, type FieldError } from '@berth/errors';

export const userNotFound = (): DomainError => new DomainError('not_found', 'USER_NOT_FOUND', 'There is no such user.');

export const groupNotFound = (name: string): DomainError =>
  new DomainError('not_found', 'GROUP_NOT_FOUND', `There is no group ${name}.`);

export const invitationNotFound = (): DomainError =>
  new DomainError('not_found', 'INVITATION_NOT_FOUND', 'There is no such invitation.');

/** One answer for unknown, used, revoked, replaced and expired tokens. */
export const invitationInvalid = (): DomainError =>
  new DomainError(
    'invalid',
    'INVITATION_INVALID',
    'This invitation cannot be accepted, or not any more. Ask for another one.',
  );

export const invitationEnded = (): DomainError =>
  new DomainError('conflict', 'INVITATION_ENDED', 'The invitation has been accepted or has ended already.');

export const emailTaken = (): DomainError =>
  new DomainError('conflict', 'USER_EMAIL_TAKEN', 'Another user has this e-mail address.');

export const groupNameTaken = (name: string): DomainError =>
  new DomainError('conflict', 'GROUP_NAME_TAKEN', `There is a group ${name} already.`);

export const groupNameUsedBefore = (name: string): DomainError =>
  new DomainError(
    'conflict',
    'GROUP_NAME_USED_BEFORE',
    `Another group had the name ${name}, and VMs and pools may still be owned by it. With take_over the new group takes them over; otherwise choose another name.`,
  );

export const groupBuiltIn = (name: string, what: string): DomainError =>
  new DomainError('conflict', 'GROUP_BUILT_IN', `The group ${name} is built in: ${what}.`);

export const groupHasMembers = (name: string): DomainError =>
  new DomainError(
    'conflict',
    'GROUP_HAS_MEMBERS',
    `The group ${name} has members. Remove them first, or remove it with force=true: then they leave it.`,
  );

/** Nobody gives what they do not hold, nor changes who holds more than they do. */
export const permissionsTooWide = (missing: readonly string[]): DomainError =>
  new DomainError(
    'forbidden',
    'PERMISSIONS_TOO_WIDE',
    `This needs all the permissions that it is about; you do not hold ${missing.join(', ')}.`,
  );

export const lastAdmin = (): DomainError =>
  new DomainError(
    'conflict',
    'LAST_ADMIN',
    'This is the last user in the group admin who is not banned. Make another one first.',
  );

export const ownBan = (): DomainError => new DomainError('conflict', 'OWN_BAN', 'Nobody bans themselves.');

export const notBanned = (): DomainError => new DomainError('conflict', 'NOT_BANNED', 'This user is not banned.');

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
