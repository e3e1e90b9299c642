import { createHash } from 'node:crypto';
import type { CommandContextSchema, Pool } from '@berth/contracts';
import { DomainError, isKind } from '@berth/errors';
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type Static, Type } from 'typebox';
import { canBePoolName, type PoolKind } from '../../../domain/pools/pool-terms.ts';
import { fingerprintOf } from '../../../domain/requests/idempotency.ts';
import type { PoolAdministration } from '../../nats/pool-service.ts';
import { commandContext, originOf, principalOf } from '../answer-command.ts';
import type { AnyReply, AnyRequest } from '../app-types.ts';
import { keyedHeaders } from '../command-docs.ts';
import { matches } from '../entity-tag.ts';
import { strict } from '../json-types.ts';
import { partsOf, showPool } from './show-pool.ts';

/** What the routes of pools need: the service, and after how long a command is refused. */
export interface PoolDeps {
  readonly pools: PoolAdministration;
  readonly commandTimeoutMs: number;
}

type Context = MessageInitShape<typeof CommandContextSchema>;

export const reading = { permission: 'pools:read' } as const;
export const writing = { permission: 'pools:write' } as const;
export const tags = ['Pools'];

export const poolParams = Type.Object({ pool: Type.String({ description: 'The pool’s name.' }) });
export const taggedHeaders = Type.Object({
  'if-none-match': Type.Optional(Type.String({ description: 'An ETag from before.' })),
});
export const changeHeaders = Type.Object({
  ...keyedHeaders.properties,
  'if-match': Type.Optional(
    Type.String({ description: 'Refused with 412 unless the pool has this ETag’s version still; `*`: any version.' }),
  ),
});
export const rehearsalQuery = Type.Object(
  {
    dry_run: Type.Optional(Type.Boolean({ description: 'The same as `validate_only`.' })),
    validate_only: Type.Optional(
      Type.Boolean({ description: 'Checks everything, answers 200 with what would come of it, and keeps nothing.' }),
    ),
  },
  strict,
);
/** Whether a write only says what would come of it. */
export const isRehearsal = ({ validate_only, dry_run }: Static<typeof rehearsalQuery>): boolean =>
  validate_only === true || dry_run === true;
export const notModified = { 304: { description: 'Nothing changed since that ETag.' } };

/** The answer that is a page. */
export const pageAnswer = (schemaId: string, description: string) => ({
  description,
  headers: { Link: { type: 'string', description: '`<…>; rel="next"` when there is more.' } },
  content: { 'application/json': { schema: { $ref: `${schemaId}#` } } },
});

/** The answer that is a pool with its tag. */
export const taggedPool = (schemaId: string, description: string, headers: Record<string, object> = {}) => ({
  description,
  headers: {
    ETag: { type: 'string', description: 'For `If-Match` and `If-None-Match`; begins with the version.' },
    ...headers,
  },
  content: { 'application/json': { schema: { $ref: `${schemaId}#` } } },
});

type Ask = <I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  message: MessageInitShape<I>,
) => Promise<MessageShape<O>>;

/** Asks the allocator for a request. Fields that it finds wrong are told by their names in REST. */
export function asking(
  { pools, commandTimeoutMs }: PoolDeps,
  request: AnyRequest,
): Record<'read' | 'change' | 'rehearse', Ask> {
  const deadline = new Date(Date.now() + commandTimeoutMs);
  return {
    read: (method, message) => inRestTerms(pools.read(method, message, questionContext(request, deadline))),
    change: (method, message) => inRestTerms(pools.change(method, message, changeContext(request, deadline))),
    // Nothing is kept of a rehearsal, so neither is its Idempotency-Key.
    rehearse(method, message) {
      const { idempotency: _, ...context } = commandContext(request, deadline);
      return inRestTerms(pools.read(method, message, context));
    },
  };
}

const questionContext = (request: AnyRequest, deadline: Date) => ({
  principal: principalOf(request),
  requestId: request.scope.requestId,
  deadline: timestampFromDate(deadline),
});

/** A change without an Idempotency-Key gets a key of its own, by which the allocator knows what is sent again after silence. */
function changeContext(request: AnyRequest, deadline: Date): Context {
  const { operationId, idempotency } = commandContext(request, deadline);
  const ownKey = {
    scope: `${principalOf(request).id} operation`,
    key: operationId,
    fingerprint: fingerprintOf(request.body, request.query),
  };
  const context = { ...questionContext(request, deadline), ...originOf(request) };
  return { ...context, operationId, idempotency: idempotency ?? ownKey };
}

/** The pool that a path names. One that no pool can have is as unknown as any other. */
export function resourceOf(kind: PoolKind, params: { readonly pool: string }): string {
  if (canBePoolName(params.pool)) return `${kind}/${params.pool}`;
  throw new DomainError('not_found', 'POOL_NOT_FOUND', 'There is no such pool.');
}

/** Where a pool is found. */
export function locationOf(pool: Pool): string {
  const { kind, name } = partsOf(pool.name);
  return `/v1/pools/${kind}/${name}`;
}

/** Answers a pool with its ETag. */
export function sendPool(reply: AnyReply, pool: Pool): unknown {
  return reply.header('ETag', tagOf(pool)).send(showPool(pool));
}

/** The same, or 304 when the caller has it already. */
export function sendPoolUnlessKnown(request: AnyRequest, reply: AnyReply, pool: Pool): unknown {
  const tag = tagOf(pool);
  reply.header('ETag', tag).header('Cache-Control', 'private, no-cache');
  if (matches(request.headers['if-none-match'], tag)) return reply.code(304).send();
  return reply.send(showPool(pool));
}

/**
 * The version, which is all that writes compare, and what of its use and warnings people act on: those change without a new version.
 * The forecast is left out, because it is another one at each moment.
 */
function tagOf(pool: Pool): string {
  const { use, warnings } = showPool(pool);
  const { taken_per_hour: _taken, exhausted_at: _exhausted, ...counted } = use ?? {};
  const digest = createHash('sha256')
    .update(JSON.stringify([counted, warnings]))
    .digest('base64url');
  return `"${pool.version}-${digest.slice(0, 16)}"`;
}

/** The page that comes after, with the same filters. */
export function linkNext(request: AnyRequest, reply: AnyReply, cursor: string): void {
  if (cursor === '') return;
  const [path = '', query = ''] = request.url.split('?');
  const next = new URLSearchParams(query);
  next.set('cursor', cursor);
  reply.header('Link', `<${path}?${next}>; rel="next"`);
}

async function inRestTerms<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (!isKind(error, 'invalid') || error.details.fields === undefined) throw error;
    const fields = error.details.fields.map(({ field, message }) => ({ field: restFieldOf(field), message }));
    throw new DomainError(error.kind, error.code, error.message, { ...error.details, fields }, { cause: error });
  }
}

const restNames: Readonly<Record<string, string>> = { is_default: 'default', lifetime: 'lifetime_seconds' };

/** `pool.ip.ranges[0].first` as `ranges[0].first`. */
const restFieldOf = (field: string): string => {
  const inner = field.replace(/^pool\./, '').replace(/^(ip|port|rule)\./, '');
  return restNames[inner] ?? inner;
};
