import { DomainError, isKind } from '@berth/errors';

/** Asks; when fields are refused, names them by their path as the caller wrote it, which `pathOf` makes of the command's path. */
export async function asWritten<T>(ask: () => Promise<T>, pathOf: (field: string) => string): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw error instanceof DomainError ? withFieldsAt(error, pathOf) : error;
  }
}

/** `error` with the fields that it names called as `pathOf` says. */
export function withFieldsAt(error: DomainError, pathOf: (field: string) => string): DomainError {
  const fields = isKind(error, 'invalid') ? error.details.fields : undefined;
  if (fields === undefined) return error;
  const renamed = fields.map(({ field, message }) => ({ field: pathOf(field) || 'body', message }));
  return new DomainError(
    error.kind,
    error.code,
    renamed.map(({ field, message }) => `${field}: ${message}`).join('; '),
    { ...error.details, fields: renamed },
    { cause: error },
  );
}
