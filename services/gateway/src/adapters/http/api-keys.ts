import { AuthService } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import type { FastifySchema } from 'fastify';
import { isUuid } from '../../domain/vm-name.ts';
import type { AuthAsk } from '../nats/auth-service.ts';
import { commandContext, principalOf } from './answer-command.ts';
import { toApiKeyChanges, toNewApiKey } from './api-key-commands.ts';
import type { AnyReply, AnyRequest, App } from './app-types.ts';
import { keyedHeaders } from './command-docs.ts';
import { apiKeyParams, createApiKeyBody, rotateApiKeyBody, updateApiKeyBody } from './documents/api-key.ts';
import { pageQuery } from './documents/ports.ts';
import { type ProblemStatus, problems } from './documents/problem.ts';
import { showApiKey, showNewApiKey } from './show-api-key.ts';

/** What the routes need: the service, and after how long a command is refused. */
export interface ApiKeyDeps {
  readonly apiKeys: AuthAsk;
  readonly commandTimeoutMs: number;
  /** Tells this replica's cache at once; the others hear of it on the bus. */
  readonly forget: (id: string) => void;
}

const { method } = AuthService;

const path = '/v1/admin/api-keys';
const onePath = `${path}/:id`;
const config = { permission: 'api-keys:admin' } as const;
const tags = ['API keys'];
const defaultOverlapSeconds = 3_600;

const responses = (status: number, document: object, ...more: ProblemStatus[]) =>
  ({ [status]: document, ...problems(401, 403, 429, 500, 503, ...more) }) as unknown;

/** API keys: made, listed, changed, ended and given new secrets. */
export function apiKeyRoutes(app: App, deps: ApiKeyDeps): void {
  createRoute(app, deps);
  listRoute(app, deps);
  getRoute(app, deps);
  updateRoutes(app, deps);
  deleteRoute(app, deps);
  rotateRoute(app, deps);
}

function createRoute(app: App, { apiKeys, commandTimeoutMs }: ApiKeyDeps): void {
  const schema = {
    operationId: 'createApiKey',
    summary: 'Make an API key',
    description: 'The secret is in this answer and nowhere else.',
    tags,
    headers: keyedHeaders,
    body: createApiKeyBody,
    response: responses(201, { $ref: 'NewApiKey#' }, 400, 409, 413, 415, 422, 504),
  };
  app.post(path, { schema, config }, async (request, reply) => {
    const key = toNewApiKey(request.body);
    const context = keyContext(request, commandTimeoutMs);
    const made = await apiKeys.change(method.createApiKey, { ...key, context });
    sayWhenReplayed(reply, made.secret);
    return reply.code(201).header('Location', `${path}/${made.apiKey?.id}`).send(showNewApiKey(made));
  });
}

function listRoute(app: App, { apiKeys }: ApiKeyDeps): void {
  const schema = {
    operationId: 'listApiKeys',
    summary: 'List API keys',
    tags,
    querystring: pageQuery(500),
    response: responses(200, { $ref: 'ApiKeyPage#' }, 422),
  };
  app.get(path, { schema, config }, async (request, reply) => {
    const { limit = 0, cursor = '' } = request.query;
    const question = { principal: principalOf(request), pageSize: limit, pageToken: cursor };
    const page = await apiKeys.read(method.listApiKeys, question);
    return reply.send({ items: page.apiKeys.map(showApiKey), next_cursor: page.nextPageToken || null });
  });
}

function getRoute(app: App, { apiKeys }: ApiKeyDeps): void {
  const schema = {
    operationId: 'getApiKey',
    summary: 'Get an API key',
    tags,
    params: apiKeyParams,
    response: responses(200, { $ref: 'ApiKey#' }, 404),
  };
  app.get(onePath, { schema, config }, async (request, reply) => {
    const question = { principal: principalOf(request), id: idOf(request.params) };
    const { apiKey } = await apiKeys.read(method.getApiKey, question);
    return reply.send(showApiKey(apiKey));
  });
}

function updateRoutes(app: App, { apiKeys, commandTimeoutMs, forget }: ApiKeyDeps): void {
  for (const verb of ['PATCH', 'PUT'] as const) {
    const schema: FastifySchema & { body: typeof updateApiKeyBody; params: typeof apiKeyParams } = {
      operationId: verb === 'PATCH' ? 'updateApiKey' : 'updateApiKeyAlias',
      summary: 'Change an API key',
      tags,
      deprecated: verb === 'PUT',
      headers: keyedHeaders,
      params: apiKeyParams,
      body: updateApiKeyBody,
      response: responses(200, { $ref: 'ApiKey#' }, 400, 404, 409, 413, 415, 422, 504),
    };
    app.route({
      method: verb,
      url: onePath,
      schema,
      config,
      handler: async (request, reply) => {
        const id = idOf(request.params);
        const changes = toApiKeyChanges(id, request.body);
        const context = keyContext(request, commandTimeoutMs);
        const { apiKey } = await apiKeys.change(method.updateApiKey, { ...changes, context });
        forget(id);
        return reply.send(showApiKey(apiKey));
      },
    });
  }
}

function deleteRoute(app: App, { apiKeys, commandTimeoutMs, forget }: ApiKeyDeps): void {
  const schema = {
    operationId: 'deleteApiKey',
    summary: 'End an API key',
    description: 'At once, on every gateway.',
    tags,
    headers: keyedHeaders,
    params: apiKeyParams,
    response: responses(204, { description: 'It has ended.', type: 'null' }, 404, 409, 422, 504),
  };
  app.delete(onePath, { schema, config }, async (request, reply) => {
    const context = keyContext(request, commandTimeoutMs);
    const id = idOf(request.params);
    await apiKeys.change(method.deleteApiKey, { id, context });
    forget(id);
    return reply.code(204).send();
  });
}

function rotateRoute(app: App, { apiKeys, commandTimeoutMs, forget }: ApiKeyDeps): void {
  const schema = {
    operationId: 'rotateApiKey',
    summary: 'Give an API key a new secret',
    description: 'The old secret works on for the overlap.',
    tags,
    headers: keyedHeaders,
    params: apiKeyParams,
    body: rotateApiKeyBody,
    response: responses(200, { $ref: 'NewApiKey#' }, 400, 404, 409, 413, 415, 422, 504),
  };
  app.post(`${onePath}/rotate`, { schema, config: { ...config, bodyOptional: true } }, async (request, reply) => {
    const overlapSeconds = request.body.overlap_seconds ?? defaultOverlapSeconds;
    const context = keyContext(request, commandTimeoutMs);
    const id = idOf(request.params);
    const rotated = await apiKeys.change(method.rotateApiKey, { id, overlapSeconds, context });
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
