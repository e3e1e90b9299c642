import { DomainError, isKind } from '@berth/errors';

/** Asks; when fields are refused, names them by their path as the caller wrote it, which `pathOf` makes of the command's path. */
export async function asWritten<T>(ask: () => Promise<T>, pathOf: (field: string) => string): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const fields = isKind(error, 'invalid') ? error.details.fields : undefined;
    if (!(error instanceof DomainError) || fields === undefined) throw error;
    const renamed = fields.map(({ field, message }) => ({ field: pathOf(field) || 'body', message }));
    throw new DomainError(
      error.kind,
      error.code,
      renamed.map(({ field, message }) => `${field}: ${message}`).join('; '),
      { ...error.details, fields: renamed },
      { cause: error },
    );
  }
}
