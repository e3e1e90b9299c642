import { DomainError } from '@berth/errors';

const property = (error: unknown, name: string): string | undefined => {
  if (typeof error !== 'object' || error === null || !(name in error)) return undefined;
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' ? value : undefined;
};

/** The SQLSTATE of a failed statement, if it is one. */
export const sqlStateOf = (error: unknown): string | undefined => property(error, 'code');

/** The constraint that a statement broke, if it did. */
export const brokenConstraint = (error: unknown): string | undefined => property(error, 'constraint');

/** Deadlock or serialization failure: the same transaction may succeed when it is run again. */
export const isRepeatable = (error: unknown): boolean => ['40001', '40P01'].includes(sqlStateOf(error) ?? '');

// Class 08: connection exceptions; 57P0x: the server is shutting down, crashed or starting; 53300: too many connections; 25P03: we were
// idle within a transaction for so long that the server ended the session.
const isAway = (error: unknown): boolean => {
  const code = sqlStateOf(error) ?? '';
  if (/^(08...|57P0.|53300|ECONN\w+|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|25P03)$/.test(code))
    return true;
  return (
    error instanceof Error &&
    /Connection terminated|timeout exceeded when trying to connect|connection error and is not queryable/.test(
      error.message,
    )
  );
};

/** A lost database as `unavailable`; any other failure as it is. */
export const databaseFailure = (error: unknown): unknown =>
  isAway(error)
    ? new DomainError(
        'unavailable',
        'DATABASE_UNAVAILABLE',
        'The database does not answer at the moment.',
        { retryAfterSeconds: 2 },
        { cause: error },
      )
    : error;
