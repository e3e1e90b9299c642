import { DomainError } from '@berth/errors';

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

export const ownBan = (): DomainError => new DomainError('conflict', 'OWN_BAN', 'Nobody bans themselves.');

export const notBanned = (): DomainError => new DomainError('conflict', 'NOT_BANNED', 'This user is not banned.');
