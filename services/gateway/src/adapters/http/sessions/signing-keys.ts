import type { OpenAccess } from '@berth/access';
import { type SigningKey, SigningKeyService } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import type { AuthAsk } from '../../nats/auth-service.ts';
import { commandContext, principalOf } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { keyedHeaders } from '../command-docs.ts';
import { emptyBody } from '../common-schemas.ts';
import { problems } from '../problem-schemas.ts';
import { showTime } from '../show-time.ts';
import { type SigningKeyDocument, signingKeyParams } from './signing-key-schemas.ts';

export interface SigningKeyDeps {
  readonly auth: AuthAsk;
  readonly access: Pick<OpenAccess, 'state' | 'isCurrent'>;
  readonly commandTimeoutMs: number;
}

const { method } = SigningKeyService;
const path = '/v1/admin/signing-keys';
const config = { permission: 'signing-keys:admin' } as const;
const tags = ['Signing keys'];
/** RFC 7517's media type, which is JSON. */
const keySetType = 'application/jwk-set+json';

/** The keys that sign access tokens: their public parts for everybody, and their administration. */
export function signingKeyRoutes(app: App, deps: SigningKeyDeps): void {
  keySetRoute(app, deps);
  listRoute(app, deps);
  rotateRoute(app, deps);
  removeRoute(app, deps);
}

function keySetRoute(app: App, { access }: SigningKeyDeps): void {
  const keySet = { description: 'The keys.', content: { [keySetType]: { schema: { $ref: 'KeySet#' } } } };
  const schema = {
    operationId: 'getKeySet',
    summary: 'Public keys of access tokens',
    description: 'Fetch it again when a token names a key that is not in it.',
    tags: ['Public keys'],
    security: [],
    response: { 200: keySet, ...problems(429, 500, 503) } as unknown,
  };
  app.get('/.well-known/jwks.json', { schema, config: { open: true } }, async (_request, reply) => {
    if (!access.isCurrent()) throw stale();
    return reply.type(keySetType).send(JSON.stringify({ keys: access.state.publicKeys() }));
  });
}

function listRoute(app: App, { auth }: SigningKeyDeps): void {
  const schema = {
    operationId: 'listSigningKeys',
    summary: 'Keys that sign access tokens',
    tags,
    response: { 200: { $ref: 'SigningKeyList#' }, ...problems(401, 403, 422, 429, 500, 503) } as unknown,
  };
  app.get(path, { schema, config }, async (request, reply) => {
    const { signingKeys } = await auth.read(method.listSigningKeys, { principal: principalOf(request) });
    return reply.send({ items: signingKeys.map(showSigningKey) });
  });
}

function rotateRoute(app: App, { auth, commandTimeoutMs }: SigningKeyDeps): void {
  const schema = {
    operationId: 'rotateSigningKeys',
    summary: 'Make a new signing key',
    description:
      'It signs from `signs_from` on. Nobody is signed out: older keys go on until their last token has ended.',
    tags,
    headers: keyedHeaders,
    body: emptyBody,
    response: {
      201: { $ref: 'SigningKey#' },
      ...problems(400, 413, 415, 401, 403, 409, 422, 429, 500, 503, 504),
    } as unknown,
  };
  app.post(`${path}/rotate`, { schema, config: { ...config, bodyOptional: true } }, async (request, reply) => {
    const context = commandContext(request, new Date(Date.now() + commandTimeoutMs));
    const { signingKey } = await auth.change(method.rotateSigningKeys, { context });
    return reply.code(201).send(signingKey && showSigningKey(signingKey));
  });
}

function removeRoute(app: App, { auth, commandTimeoutMs }: SigningKeyDeps): void {
  const schema = {
    operationId: 'removeSigningKey',
    summary: 'End a signing key that others may know',
    description:
      'At once: no access token that it signed is accepted any more. Refresh tokens give new ones, so nobody has to sign in again.',
    tags,
    headers: keyedHeaders,
    params: signingKeyParams,
    response: {
      204: { description: 'It has ended.', type: 'null' },
      ...problems(401, 403, 404, 409, 422, 429, 500, 503, 504),
    },
  };
  app.delete(`${path}/:id`, { schema, config }, async (request, reply) => {
    const context = commandContext(request, new Date(Date.now() + commandTimeoutMs));
    await auth.change(method.removeSigningKey, { id: request.params.id, context });
    return reply.code(204).send();
  });
}

const stale = () =>
  new DomainError('unavailable', 'ACCESS_STATE_STALE', 'The keys cannot be seen at the moment.', {
    retryAfterSeconds: 1,
  });

const showSigningKey = (key: SigningKey): SigningKeyDocument => ({
  id: key.id,
  created_at: showTime(key.createdAt),
  signs_from: showTime(key.signsFrom),
  verifies_until: key.verifiesUntil ? showTime(key.verifiesUntil) : null,
  signing: key.signing,
});
