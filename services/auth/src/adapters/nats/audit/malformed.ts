import { DomainError } from '@berth/errors';

/** The message is no entry, and will never be one. */
export const malformed = (cause?: unknown): DomainError =>
  new DomainError('invalid', 'MALFORMED_MESSAGE', 'The audit record could not be read.', {}, { cause });
