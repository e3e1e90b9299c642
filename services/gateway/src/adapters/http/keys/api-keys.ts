import { AuthService, Permission } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import type { FastifySchema } from 'fastify';
import type { Static } from 'typebox';
import { isUuid } from '../../../domain/vms/vm-name.ts';
import type { AuthAsk } from '../../nats/auth-service.ts';
import { commandContext, principalOf } from '../answer-command.ts';
import type { AnyReply, AnyRequest, App } from '../app-types.ts';
import { keyedHeaders } from '../command-docs.ts';
import { pageQuery } from '../common-schemas.ts';
import { responses } from '../problem-schemas.ts';
import { toApiKeyChanges, toNewApiKey } from './api-key-commands.ts';
import {
  apiKeyParams,
  createApiKeyBody,
  createOwnKeyBody,
  keysQuery,
  rotateApiKeyBody,
  updateApiKeyBody,
  updateOwnKeyBody,
} from './api-key-schemas.ts';
import { showApiKey, showNewApiKey } from './show-api-key.ts';

/** What the routes need: the service, and after how long a command is refused. */
export interface ApiKeyDeps {
  readonly apiKeys: AuthAsk;
  readonly commandTimeoutMs: number;
  /** Tells this replica's cache at once; the others hear of it on the bus. */
  readonly forget: (id: string) => void;
}

const { method } = AuthService;

const defaultOverlapSeconds = 3_600;

/** API keys: made, listed, changed, ended and given new secrets, all of them by administrators and their own by users. */
export function apiKeyRoutes(app: App, deps: ApiKeyDeps): void {
  for (const face of [allKeys, ownKeys]) {
    createRoute(app, deps, face);
    listRoute(app, deps, face);
    getRoute(app, deps, face);
    updateRoutes(app, deps, face);
    deleteRoute(app, deps, face);
    rotateRoute(app, deps, face);
  }
}

/** Whom the routes are for. */
interface Face {
  readonly path: string;
  /** Only those of the user who asks. */
  readonly own: boolean;
  readonly config: { readonly permission: 'api-keys:admin' } | { readonly user: true };
  readonly tags: string[];
  /** What tells names of operations apart. */
  readonly noun: string;
  /** `PUT` too, for clients from before. */
  readonly verbs: readonly ('PATCH' | 'PUT')[];
  readonly createBody: typeof createApiKeyBody | typeof createOwnKeyBody;
  readonly updateBody: typeof updateApiKeyBody | typeof updateOwnKeyBody;
  readonly listQuery: typeof keysQuery | ReturnType<typeof pageQuery>;
  /** What a key may do where that is not said. */
  readonly usual: Permission;
}

const allKeys: Face = {
  ...{ path: '/v1/admin/api-keys', own: false, config: { permission: 'api-keys:admin' }, tags: ['API keys'] },
  ...{ noun: 'ApiKey', verbs: ['PATCH', 'PUT'], createBody: createApiKeyBody, updateBody: updateApiKeyBody },
  ...{ listQuery: keysQuery, usual: Permission.OPERATOR },
};

const ownKeys: Face = {
  ...{ path: '/v1/account/api-keys', own: true, config: { user: true }, tags: ['Account'] },
  ...{ noun: 'OwnApiKey', verbs: ['PATCH'], createBody: createOwnKeyBody, updateBody: updateOwnKeyBody },
  ...{ listQuery: pageQuery(500), usual: Permission.OWNER },
};

function createRoute(app: App, { apiKeys, commandTimeoutMs }: ApiKeyDeps, { path, own, ...face }: Face): void {
  const schema = {
    operationId: `create${face.noun}`,
    summary: 'Make an API key',
    description: 'The secret is in this answer and nowhere else.',
    tags: face.tags,
    headers: keyedHeaders,
    body: face.createBody,
    response: responses({ 201: { $ref: 'NewApiKey#' } }, 400, 404, 409, 413, 415, 422, 504),
  };
  app.post(path, { schema, config: face.config }, async (request, reply) => {
    const key = toNewApiKey(request.body, face.usual);
    const context = keyContext(request, commandTimeoutMs);
    const made = await apiKeys.change(method.createApiKey, { ...key, own, context });
    sayWhenReplayed(reply, made.secret);
    return reply.code(201).header('Location', `${path}/${made.apiKey?.id}`).send(showNewApiKey(made));
  });
}

function listRoute(app: App, { apiKeys }: ApiKeyDeps, { path, own, ...face }: Face): void {
  const schema = {
    operationId: `list${face.noun}s`,
    summary: 'List API keys',
    tags: face.tags,
    querystring: face.listQuery,
    response: responses({ 200: { $ref: 'ApiKeyPage#' } }, 422),
  };
  app.get(path, { schema, config: face.config }, async (request, reply) => {
    const query: Static<typeof keysQuery> = request.query;
    const { limit = 0, cursor = '', user_id: userId = '' } = query;
    const question = { principal: principalOf(request), pageSize: limit, pageToken: cursor, userId, own };
    const page = await apiKeys.read(method.listApiKeys, question);
    return reply.send({ items: page.apiKeys.map(showApiKey), next_cursor: page.nextPageToken || null });
  });
}

function getRoute(app: App, { apiKeys }: ApiKeyDeps, { path, own, ...face }: Face): void {
  const schema = {
    operationId: `get${face.noun}`,
    summary: 'Get an API key',
    tags: face.tags,
    params: apiKeyParams,
    response: responses({ 200: { $ref: 'ApiKey#' } }, 404),
  };
  app.get(`${path}/:id`, { schema, config: face.config }, async (request, reply) => {
    const question = { principal: principalOf(request), id: idOf(request.params), own };
    const { apiKey } = await apiKeys.read(method.getApiKey, question);
    return reply.send(showApiKey(apiKey));
  });
}

function updateRoutes(app: App, { apiKeys, commandTimeoutMs, forget }: ApiKeyDeps, { path, own, ...face }: Face): void {
  for (const verb of face.verbs) {
    const schema: FastifySchema & { body: Face['updateBody']; params: typeof apiKeyParams } = {
      operationId: verb === 'PATCH' ? `update${face.noun}` : `update${face.noun}Alias`,
      summary: 'Change an API key',
      tags: face.tags,
      deprecated: verb === 'PUT',
      headers: keyedHeaders,
      params: apiKeyParams,
      body: face.updateBody,
      response: responses({ 200: { $ref: 'ApiKey#' } }, 400, 404, 409, 413, 415, 422, 504),
    };
    app.route({
      method: verb,
      url: `${path}/:id`,
      schema,
      config: face.config,
      handler: async (request, reply) => {
        const id = idOf(request.params);
        const changes = toApiKeyChanges(id, request.body);
        const context = keyContext(request, commandTimeoutMs);
        const { apiKey } = await apiKeys.change(method.updateApiKey, { ...changes, own, context });
        forget(id);
        return reply.send(showApiKey(apiKey));
      },
    });
  }
}

function deleteRoute(app: App, { apiKeys, commandTimeoutMs, forget }: ApiKeyDeps, { path, own, ...face }: Face): void {
  const schema = {
    operationId: `delete${face.noun}`,
    summary: 'End an API key',
    description: 'At once, on every gateway.',
    tags: face.tags,
    headers: keyedHeaders,
    params: apiKeyParams,
    response: responses({ 204: { description: 'It has ended.', type: 'null' } }, 404, 409, 422, 504),
  };
  app.delete(`${path}/:id`, { schema, config: face.config }, async (request, reply) => {
    const context = keyContext(request, commandTimeoutMs);
    const id = idOf(request.params);
    await apiKeys.change(method.deleteApiKey, { id, own, context });
    forget(id);
    return reply.code(204).send();
  });
}

function rotateRoute(app: App, { apiKeys, commandTimeoutMs, forget }: ApiKeyDeps, { path, own, ...face }: Face): void {
  const schema = {
    operationId: `rotate${face.noun}`,
    summary: 'Give an API key a new secret',
    description: 'The old secret works on for the overlap.',
    tags: face.tags,
    headers: keyedHeaders,
    params: apiKeyParams,
    body: rotateApiKeyBody,
    response: responses({ 200: { $ref: 'NewApiKey#' } }, 400, 404, 409, 413, 415, 422, 504),
  };
  app.post(`${path}/:id/rotate`, { schema, config: { ...face.config, bodyOptional: true } }, async (request, reply) => {
    const overlapSeconds = request.body.overlap_seconds ?? defaultOverlapSeconds;
    const context = keyContext(request, commandTimeoutMs);
    const id = idOf(request.params);
    const rotated = await apiKeys.change(method.rotateApiKey, { id, overlapSeconds, own, context });
    forget(id);
    sayWhenReplayed(reply, rotated.secret);
    return reply.send(showNewApiKey(rotated));
  });
}

const keyContext = (request: AnyRequest, commandTimeoutMs: number) =>
  commandContext(request, new Date(Date.now() + commandTimeoutMs));

/** A key that no id can be is as unknown as any other. */
function idOf({ id }: { readonly id: string }): string {
  if (isUuid(id)) return id.toLowerCase();
  throw new DomainError('not_found', 'API_KEY_NOT_FOUND', 'There is no such API key.');
}

/** Only a replay comes without the secret. */
function sayWhenReplayed(reply: AnyReply, secret: string): void {
  if (secret === '') reply.header('Idempotency-Replayed', 'true');
}
