import { DomainError, type ErrorKind, type Problem, toDomainError, toProblem } from '@berth/errors';
import type { Logger } from '@berth/service-kit';
import type { FastifyError } from 'fastify';
import { sayFields } from '../../../domain/field-checks.ts';
import type { AnyReply, AnyRequest, App } from '../app-types.ts';

/** Codes whose status says more than their kind's. */
const statusOfCode: Readonly<Record<string, { readonly status: number; readonly title: string }>> = {
  MALFORMED_JSON: { status: 400, title: 'The request cannot be read' },
  MALFORMED_REQUEST: { status: 400, title: 'The request cannot be read' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'Method not allowed' },
  REQUEST_TIMEOUT: { status: 408, title: 'The request took too long' },
  URL_TOO_LONG: { status: 414, title: 'Too large' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'Unsupported media type' },
  EXPECTATION_FAILED: { status: 417, title: 'Expectation failed' },
  HEADERS_TOO_LARGE: { status: 431, title: 'Too large' },
  OUTCOME_UNKNOWN: { status: 504, title: 'No answer in time' },
};

/** A problem as this API shows it. */
export type ApiProblem = Problem & { readonly operation_id?: string };

/** `error` for a caller, without anything of its cause. */
export function problemOf(failure: DomainError, at: { instance: string; traceId: string }): ApiProblem {
  const error = inRestWords(failure);
  const problem = toProblem(error, at);
  const { operationId } = error.details;
  return {
    ...problem,
    ...statusOfCode[error.code],
    ...(operationId === undefined ? {} : { operation_id: operationId }),
  };
}

/** Services call some things otherwise than REST does, and have other ways to sum up. */
function inRestWords(error: DomainError): DomainError {
  const { kind, code, details } = error;
  if (code === 'PAGE_TOKEN_INVALID') {
    const fields = [{ field: 'cursor', message: 'is not one that was given out for this list' }];
    return new DomainError(kind, code, sayFields(fields), { ...details, fields }, { cause: error });
  }
  if (code !== 'INVALID_REQUEST' || details.fields === undefined) return error;
  return new DomainError(kind, code, sayFields(details.fields), details, { cause: error });
}

/** Answers a request with a problem. */
export function sendProblem(request: AnyRequest, reply: AnyReply, error: DomainError): unknown {
  const instance = request.url.split('?', 1)[0] ?? '/';
  const problem = problemOf(error, { instance, traceId: request.scope.traceId });
  const { retryAfterSeconds, operationId } = error.details;
  reply.header('Cache-Control', 'no-store');
  if (retryAfterSeconds !== undefined) reply.header('Retry-After', Math.ceil(retryAfterSeconds));
  else if (problem.status === 503) reply.header('Retry-After', 2);
  if (operationId !== undefined) reply.header('Location', `/v1/operations/${operationId}`);
  if (problem.status === 401) reply.header('WWW-Authenticate', 'Bearer realm="berth"');
  return reply.code(problem.status).type('application/problem+json').send(problem);
}

/** Turns everything that is thrown into a problem, in one place, and logs what nobody foresaw. */
export function registerProblems(app: App, log: Logger): void {
  app.setErrorHandler((error, request, reply) => {
    const failure = error instanceof DomainError ? error : (fromFastify(error as FastifyError) ?? toDomainError(error));
    if (failure.kind === 'bug') {
      request.scope.run(() =>
        log.error({ err: failure.cause ?? failure, traceId: request.scope.traceId }, 'request failed'),
      );
    }
    return sendProblem(request, reply, failure);
  });
  app.setNotFoundHandler((request, reply) =>
    sendProblem(request, reply, new DomainError('not_found', 'ROUTE_NOT_FOUND', 'There is nothing at this address.')),
  );
}

const byStatus: Readonly<Record<number, readonly [ErrorKind, code: string, message: string]>> = {
  400: ['invalid', 'MALFORMED_REQUEST', 'The request could not be read.'],
  404: ['not_found', 'ROUTE_NOT_FOUND', 'There is nothing at this address.'],
  413: ['too_large', 'BODY_TOO_LARGE', 'The body is too large.'],
  414: ['too_large', 'URL_TOO_LONG', 'The address is too long.'],
  415: ['invalid', 'UNSUPPORTED_MEDIA_TYPE', 'The body must be sent as application/json.'],
  503: ['unavailable', 'OVERLOADED', 'There is too much to do at the moment.'],
};

/** What the HTTP framework refused by itself. */
function fromFastify(error: FastifyError): DomainError | undefined {
  const known = error.statusCode === undefined ? undefined : byStatus[error.statusCode];
  return known && new DomainError(...known, {}, { cause: error });
}
