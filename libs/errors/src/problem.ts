import type { DomainError, ErrorKind, FailedResource, FieldError } from './domain-error.ts';

const statusOfKind: Record<ErrorKind, number> = {
  invalid: 422,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  precondition_failed: 412,
  unprocessable: 422,
  too_large: 413,
  exhausted: 507,
  rate_limited: 429,
  rejected: 502,
  unavailable: 503,
  bug: 500,
};

const titleOfKind: Record<ErrorKind, string> = {
  invalid: 'The request is not valid',
  unauthenticated: 'Authentication is required',
  forbidden: 'Not allowed',
  not_found: 'Not found',
  conflict: 'Conflict',
  precondition_failed: 'The precondition does not hold',
  unprocessable: 'The request cannot be processed',
  too_large: 'Too large',
  exhausted: 'Nothing left to hand out',
  rate_limited: 'Too many requests',
  rejected: 'The router refused the change',
  unavailable: 'Not available now',
  bug: 'Internal error',
};

/** An error as RFC 9457 problem details, with the members that this API adds. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance?: string;
  readonly code: string;
  readonly trace_id?: string;
  readonly errors?: readonly FieldError[];
  /** What the failure is about: the pool that is exhausted, for example. */
  readonly resource?: FailedResource;
}

/** The HTTP status of a kind of failure. */
export const statusOf = (kind: ErrorKind): number => statusOfKind[kind];

/** `error` for an HTTP caller. Only its message, code, fields, resource and status: details and cause stay inside. */
export function toProblem(error: DomainError, at: { instance?: string; traceId?: string } = {}): Problem {
  return {
    type: `https://berth.invalid/errors/${error.code}`,
    title: titleOfKind[error.kind],
    status: statusOfKind[error.kind],
    detail: error.message,
    ...(at.instance === undefined ? {} : { instance: at.instance }),
    code: error.code,
    ...(at.traceId === undefined ? {} : { trace_id: at.traceId }),
    ...(error.details.fields === undefined ? {} : { errors: error.details.fields }),
    ...(error.details.resource === undefined ? {} : { resource: error.details.resource }),
  };
}
