import { DomainError } from '@berth/errors';

/** One answer for unknown, mistyped, expired and revoked keys, so that a stranger learns nothing from it. */
export const apiKeyInvalid = (): DomainError =>
  new DomainError('unauthenticated', 'API_KEY_INVALID', 'The API key is not valid.');

export const apiKeyNotFound = (id: string): DomainError =>
  new DomainError('not_found', 'API_KEY_NOT_FOUND', 'There is no such API key.', { id });

export const lastAdminKey = (id: string): DomainError =>
  new DomainError(
    'conflict',
    'LAST_ADMIN_KEY',
    'This is the last admin key: it can be neither deleted, demoted nor given an end. Make another admin key first.',
    { id },
  );

export const keyFromSettings = (id: string): DomainError =>
  new DomainError(
    'conflict',
    'API_KEY_FROM_SETTINGS',
    'This key is named in VYOS_API_KEYS: only its name and description can be changed here, and it can be deleted. Change the setting for anything else.',
    { id },
  );

export const keyOfUser = (id: string): DomainError =>
  new DomainError(
    'conflict',
    'API_KEY_OF_USER',
    'This key belongs to a user, who alone can change it. An administrator can delete it.',
    { id },
  );

export const tooManyKeys = (most: number): DomainError =>
  new DomainError('conflict', 'API_KEYS_TOO_MANY', `A user can have at most ${most} API keys. Delete one first.`);
