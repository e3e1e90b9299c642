import { DomainError } from '@berth/errors';

export const providerNotFound = (): DomainError =>
  new DomainError('not_found', 'IDENTITY_PROVIDER_NOT_FOUND', 'There is no such identity provider.');

/** One answer for attempts that are unknown, used, expired, of another provider or of somebody else. */
export const attemptInvalid = (): DomainError =>
  new DomainError('forbidden', 'IDENTITY_ATTEMPT_INVALID', 'This sign-in is over or was never begun: begin again.');

/** The provider's answer does not hold. `why` is for the log and holds no secret. */
export const answerRefused = (why: string): DomainError =>
  new DomainError('forbidden', 'IDENTITY_REFUSED', 'The answer of the identity provider was not accepted.', { why });

export const providerAway = (why: string): DomainError =>
  new DomainError(
    'unavailable',
    'IDENTITY_PROVIDER_UNAVAILABLE',
    'The identity provider does not answer as it should.',
    {
      retryAfterSeconds: 5,
      why,
    },
  );

export const redirectNotAllowed = (): DomainError =>
  new DomainError('invalid', 'IDENTITY_REDIRECT_NOT_ALLOWED', 'The provider has no such redirect URI.', {
    fields: [{ field: 'redirect_uri', message: 'is none of the redirect URIs of this provider' }],
  });

export const identityUnknown = (): DomainError =>
  new DomainError('conflict', 'IDENTITY_UNKNOWN', 'No account is linked with this identity: sign in, and link it.');

export const accountExists = (): DomainError =>
  new DomainError(
    'conflict',
    'ACCOUNT_EXISTS',
    'There is an account with this e-mail address. Sign in to it as you always do, and link this identity there.',
  );

export const identityNotAllowed = (): DomainError =>
  new DomainError(
    'forbidden',
    'IDENTITY_NOT_ALLOWED',
    'New accounts need a verified e-mail address of one of the domains that this provider allows.',
  );

export const identityTaken = (): DomainError =>
  new DomainError('conflict', 'IDENTITY_TAKEN', 'This identity is linked with another account.');

export const identityNotFound = (): DomainError =>
  new DomainError('not_found', 'IDENTITY_NOT_FOUND', 'There is no such identity.');

export const lastSignInWay = (): DomainError =>
  new DomainError(
    'conflict',
    'LAST_SIGN_IN_WAY',
    'This is the only way to sign in to this account. Set a password or link another identity first.',
  );

export const providerInUse = (users: number): DomainError =>
  new DomainError(
    'conflict',
    'IDENTITY_PROVIDER_IN_USE',
    `${users} users sign in with this provider alone. It can be switched off (enabled: false) instead.`,
    { users },
  );

export const providerExists = (): DomainError =>
  new DomainError('conflict', 'IDENTITY_PROVIDER_EXISTS', 'There is an identity provider of this name already.');

export const redirectTaken = (): DomainError =>
  new DomainError('conflict', 'IDENTITY_REDIRECT_TAKEN', 'Another provider has one of these redirect URIs.');
