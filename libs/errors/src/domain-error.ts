/** What sort of failure it is. Closed: an edge maps every kind, so a kind without a status does not compile. */
export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'precondition_failed'
  | 'unprocessable' // understood and well-formed, but contradicts an earlier request (a reused idempotency key)
  | 'too_large'
  | 'exhausted'
  | 'rate_limited'
  | 'rejected' // by the router
  | 'unavailable' // try again
  | 'bug'; // call us

export const errorKinds: readonly ErrorKind[] = [
  'invalid',
  'unauthenticated',
  'forbidden',
  'not_found',
  'conflict',
  'precondition_failed',
  'unprocessable',
  'too_large',
  'exhausted',
  'rate_limited',
  'rejected',
  'unavailable',
  'bug',
];

/** One field of a request that is wrong. `field` is the path as the caller wrote it, e.g. `ports[0].internal_port`. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** What a failure is about: `{ type: 'pool', name: 'ip-pools/default' }`. */
export interface FailedResource {
  readonly type: string;
  readonly name: string;
}

/** What goes with a failure beyond its text. All that has a name here reaches the caller; the rest is for the log. */
export interface ErrorDetails {
  readonly fields?: readonly FieldError[];
  /** After how many seconds a repeat is worth it. */
  readonly retryAfterSeconds?: number;
  /** The operation that the caller should look at. */
  readonly operationId?: string;
  readonly resource?: FailedResource;
  readonly [name: string]: unknown;
}

/** A failure we foresaw and named. `message` may reach the caller; `details` and `cause` are for the log. */
export class DomainError extends Error {
  override readonly name = 'DomainError';
  readonly kind: ErrorKind;
  /** Stable, upper case with underscores, listed in docs/errors.md. */
  readonly code: string;
  readonly details: ErrorDetails;
  constructor(kind: ErrorKind, code: string, message: string, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
    this.code = code;
    this.details = details;
  }
}

/** Whether `error` is a foreseen failure of that kind. */
export const isKind = (error: unknown, kind: ErrorKind): error is DomainError =>
  error instanceof DomainError && error.kind === kind;

/** `error` as a DomainError: itself, or an unforeseen failure (`bug`) that tells the caller nothing and keeps the cause for the log. */
export const toDomainError = (error: unknown): DomainError =>
  error instanceof DomainError
    ? error
    : new DomainError(
        'bug',
        'INTERNAL',
        'Something went wrong on our side. The trace id finds it in the logs.',
        {},
        { cause: error },
      );
