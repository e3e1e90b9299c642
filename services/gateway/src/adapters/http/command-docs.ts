import { Type } from 'typebox';
import { type ProblemStatus, problems } from './problem-schemas.ts';

/** The headers that every change understands. */
export const commandHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      description: 'Makes repeats safe: the same request with the same key is carried out once. Kept for 24 hours.',
    }),
  ),
  prefer: Type.Optional(
    Type.String({
      description: '`wait=N`: wait at most N seconds (120 at the most) for the end. `respond-async`: do not wait.',
      examples: ['wait=60', 'respond-async'],
    }),
  ),
});

const ifMatch = Type.Optional(
  Type.String({
    description: 'The ETag of a version, or `*`: the change is carried out only if that is the version it has now.',
    examples: ['"3"'],
  }),
);

/** The headers of changes of what exists. */
export const conditionalHeaders = Type.Object({ ...commandHeaders.properties, 'if-match': ifMatch });

/** The header of changes that do not become operations. */
export const keyedHeaders = Type.Object({
  'idempotency-key': commandHeaders.properties['idempotency-key'],
});

/** The headers of changes of what exists that do not become operations. */
export const keyedConditionalHeaders = Type.Object({ ...keyedHeaders.properties, 'if-match': ifMatch });

/** The header of reads that the caller may have the answer of already. */
export const ifNoneMatchHeader = Type.Object({
  'if-none-match': Type.Optional(Type.String({ description: 'An ETag from before.' })),
});

/** The responses of such a read. */
export const taggedResponses = (schemaId: string, description: string, headers: object = {}) => ({
  200: {
    description,
    headers: { ETag: { type: 'string', description: 'Tells this answer from others.' }, ...headers },
    content: { 'application/json': { schema: { $ref: `${schemaId}#` } } },
  },
  304: { description: 'Nothing changed since that ETag.' },
});

const jsonOf = (...schemaIds: string[]) => {
  const [first, ...others] = schemaIds.map((id) => ({ $ref: `${id}#` }));
  return { content: { 'application/json': { schema: others.length === 0 ? first : { anyOf: [first, ...others] } } } };
};

/** The responses of a command: its success, 202, and the problems. */
export const commandResponses = (status: 200 | 201, schemaId: string, ...more: ProblemStatus[]) => ({
  ...(status === 201 && { 200: { description: 'A dry run: the plan.', ...jsonOf('Plan') } }),
  [status]:
    status === 201
      ? { $ref: `${schemaId}#` }
      : { description: 'Done; of a dry run the plan.', ...jsonOf(schemaId, 'Plan') },
  202: {
    description: 'Accepted; it goes on. `Location` is where to look, and the body is what is there now.',
    headers: { Location: { type: 'string', description: '/v1/operations/{id}' } },
    content: { 'application/json': { schema: { $ref: 'Operation#' } } },
  },
  ...problems(400, 401, 403, 409, 413, 415, 422, 429, 500, 502, 503, 504, ...more),
});
