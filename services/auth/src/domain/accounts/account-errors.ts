import { DomainError, type FieldError } from '@berth/errors';

/** Fields of an account that cannot be like this. */
export const accountInputInvalid = (fields: readonly FieldError[]): DomainError =>
  new DomainError('invalid', 'ACCOUNT_INPUT_INVALID', 'The account cannot be like this; see errors.', { fields });

export const registrationClosed = (): DomainError =>
  new DomainError('forbidden', 'REGISTRATION_CLOSED', 'Nobody can register here. Ask an administrator.');

/** One answer for tokens that never were, were used, were replaced by newer ones, or have run out. */
export const mailTokenInvalid = (): DomainError =>
  new DomainError('invalid', 'MAIL_TOKEN_INVALID', 'The token is not valid, or not any more. Ask for a new mail.', {
    fields: [{ field: 'token', message: 'is not valid, or not any more' }],
  });

/** `messages` say why, and what would help. */
export const passwordTooWeak = (field: string, messages: readonly string[]): DomainError =>
  new DomainError('invalid', 'PASSWORD_TOO_WEAK', 'The password is not good enough; see errors.', {
    fields: messages.map((message) => ({ field, message })),
  });

export const passwordUsedBefore = (field: string): DomainError =>
  new DomainError('invalid', 'PASSWORD_USED_BEFORE', 'This was the password before. Choose another one.', {
    fields: [{ field, message: 'was used before' }],
  });

/** Also where there is no password that could be given. */
export const currentPasswordWrong = (field: string): DomainError =>
  new DomainError('invalid', 'CURRENT_PASSWORD_WRONG', 'This is not the password of the account.', {
    fields: [{ field, message: 'is not the password of the account' }],
  });

export const accountChangedMeanwhile = (): DomainError =>
  new DomainError('conflict', 'ACCOUNT_CHANGED_MEANWHILE', 'The account was changed at the same time. Try again.');

/** More passwords wait to be checked than can be in time. */
export const tooManyPasswords = (): DomainError =>
  new DomainError('unavailable', 'SIGN_IN_BUSY', 'Too many are signing in at this moment. Try again.', {
    retryAfterSeconds: 1,
  });
