import { Type } from 'typebox';

/** RFC 9457 problem details, as every error of this API is answered. */
export const problemSchema = Type.Object(
  {
    type: Type.String({ description: 'A URI that identifies the code.' }),
    title: Type.String({ description: 'The sort of problem, in a few words.' }),
    status: Type.Integer({ description: 'The HTTP status.' }),
    detail: Type.String({ description: 'What went wrong this time. A router’s refusal is quoted here.' }),
    instance: Type.String({ description: 'The path that was asked.' }),
    code: Type.String({ description: 'Stable; listed in docs/errors.md.' }),
    trace_id: Type.String({ description: 'Finds the request in traces and logs.' }),
    errors: Type.Optional(
      Type.Array(Type.Object({ field: Type.String(), message: Type.String() }), {
        description: 'The fields that are wrong, by their path as the caller wrote it.',
      }),
    ),
    resource: Type.Optional(
      Type.Object(
        { type: Type.String(), name: Type.String() },
        { description: 'What it is about: the pool that is exhausted, for example.' },
      ),
    ),
    operation_id: Type.Optional(
      Type.String({ description: 'The operation that failed, or that the caller should look at.' }),
    ),
  },
  {
    $id: 'Problem',
    description: 'What went wrong (RFC 9457).',
    examples: [
      {
        type: 'https://berth.invalid/errors/VM_NAME_TAKEN',
        title: 'Conflict',
        status: 409,
        detail: 'A VM with the name web-01 exists already.',
        instance: '/v1/vms/provision',
        code: 'VM_NAME_TAKEN',
        trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
      },
    ],
  },
);

const meanings = {
  400: 'The body is not JSON in UTF-8, or the address holds bytes that are not UTF-8.',
  401: 'No key or token, or one that is not valid, or not any more.',
  403: 'The key or token may not do this, or whoever asks is kept out for a time.',
  404: 'There is no such thing.',
  409: 'A name, MAC address or other value is taken, or the first request with this Idempotency-Key is still running (see `Location`).',
  412: 'It has another version than `If-Match` names.',
  413: 'The body is too large.',
  415: 'The body is not sent as JSON in UTF-8, or with a Content-Encoding.',
  422: 'A field is not valid (see `errors`), or the Idempotency-Key was used for another request.',
  429: 'Too many requests (see `Retry-After`).',
  500: 'Something went wrong on our side.',
  502: 'The router refused the change; `detail` has its words. Nothing was kept.',
  503: 'Not available at the moment (see `Retry-After`). Nothing was stored.',
  504: 'No answer came in time: the change may still happen (see `operation_id`).',
  507: 'No address, port or rule number is left. Nothing was kept.',
} as const;

/** A status that is answered with a problem. */
export type ProblemStatus = keyof typeof meanings;

/** The responses of a route that are problems, for its documentation. */
export const problems = (...statuses: ProblemStatus[]): Record<number, unknown> =>
  Object.fromEntries(
    statuses.map((status) => [
      status,
      { description: meanings[status], content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } } },
    ]),
  );

/** The responses of a route that is not open: what it answers, and the problems. */
export const responses = (answers: object, ...more: ProblemStatus[]) =>
  ({ ...answers, ...problems(401, 403, 429, 500, 503, ...more) }) as unknown;
