import type { PermissionVerb, Principal } from '@berth/contracts';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { AuditWriter, EndpointGroup } from '../../domain/requests/endpoint-groups.ts';
import type { RouteAccess } from './requests/access.ts';
import type { LargeBody } from './requests/large-bodies.ts';
import type { RequestScope } from './requests/request-scope.ts';

/** The HTTP server with types from its schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

declare module 'fastify' {
  interface FastifyRequest {
    /** Its id, trace and time. */
    scope: RequestScope;
    /** Who asks; null on open routes and until the key is checked. */
    principal: Principal | null;
    /** Its body's place among the large ones; null when it needs none. */
    largeBody: LargeBody | null;
  }
  interface FastifyInstance {
    /** Every route that was declared, in order. */
    readonly routeAccess: readonly RouteAccess[];
  }
  interface FastifyContextConfig {
    /** Found at the start, from the tag or `endpointGroup`. */
    group?: EndpointGroup;
    /** What the caller must be permitted. A route has this, `user` or `open`; one with none of them stops the start. */
    permission?: PermissionVerb;
    /** For users who have signed in, and about themselves; API keys are refused. */
    user?: true;
    /** Anyone may ask, without a key. */
    open?: true;
    /** Who tells the audit log of this write, where that is not who tells it of the others of its group. */
    audit?: AuditWriter;
    /** The endpoint group of a route that has no tag. */
    endpointGroup?: string;
    /** It only says which methods a path has. */
    answersOtherMethods?: true;
    /** The path that idempotency keys of all aliases share. */
    canonicalPath?: string;
    /** An absent body is the same as an empty object. */
    bodyOptional?: true;
    /** What it would do can be planned. */
    plannable?: true;
    /** Also takes its body as a form. */
    form?: true;
    /** Takes many items: as JSON, in bodies that may be large, or as NDJSON, as a stream. */
    bulk?: true;
  }
}

/** A request whose schema does not matter. */
export type AnyRequest = Pick<
  FastifyRequest,
  'headers' | 'method' | 'scope' | 'principal' | 'routeOptions' | 'params' | 'body' | 'query' | 'url' | 'raw' | 'ip'
>;

/** A reply whose schema does not matter. */
export type AnyReply = Pick<FastifyReply, 'code' | 'header' | 'type' | 'send' | 'raw' | 'getHeader' | 'hasHeader'>;
