import type { DriftRule } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { Type } from 'typebox';
import { parseIfTag } from '../../../domain/requests/if-match.ts';
import type { DriftReader } from '../../nats/drift-service.ts';
import { idempotencyOf, originOf, principalOf } from '../answer-command.ts';
import type { AnyReply, AnyRequest, App } from '../app-types.ts';
import { ifNoneMatchHeader, keyedConditionalHeaders, taggedResponses } from '../command-docs.ts';
import { digestOf, sendWithTag } from '../entity-tag.ts';
import { strict } from '../json-types.ts';
import { linkToNext } from '../next-link.ts';
import { problems } from '../problem-schemas.ts';
import { checkDriftBody, type DriftDocument, driftPoliciesBody } from './drift-schemas.ts';
import { showDrift, showRules, toRules } from './show-drift.ts';

export interface DriftDeps {
  readonly drift: DriftReader;
}

const path = '/v1/routers/:router/drift';
const tags = ['Drift'];
const params = Type.Object({ router: Type.String({ description: 'The router’s name.' }) });
const json = (schemaId: string, description: string, headers: object = {}) => ({
  description,
  headers,
  content: { 'application/json': { schema: { $ref: `${schemaId}#` } } },
});
const location = { Location: { type: 'string', description: 'Where the report is.' } };
const link = { Link: { type: 'string', description: '`<…>; rel="next"` when there is more.' } };

/** Differences between routers and what Berth applied there, and what is done about them. */
export function driftRoutes(app: App, deps: DriftDeps): void {
  getRoute(app, deps);
  checkRoute(app, deps);
  policyRoutes(app, deps);
}

function getRoute(app: App, { drift }: DriftDeps): void {
  const schema = {
    operationId: 'getDrift',
    summary: 'Get how a router differs from what was applied',
    description: 'The newest comparison: asks nothing of the router. Open differences, the newest first.',
    tags,
    params,
    headers: ifNoneMatchHeader,
    querystring: Type.Object(
      {
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, description: 'Default 100.' })),
        cursor: Type.Optional(Type.String({ maxLength: 100, description: 'From the previous page.' })),
        ended: Type.Optional(Type.Boolean({ description: 'Also those that ended within the last 7 days.' })),
      },
      strict,
    ),
    response: {
      ...taggedResponses('Drift', 'The newest comparison.', link),
      ...problems(401, 403, 404, 422, 429, 500, 503),
    } as unknown,
  };
  app.get(path, { schema, config: { permission: 'routers:read' } }, async (request, reply) => {
    const { limit = 0, cursor = '', ended = false } = request.query;
    const page = { router: request.params.router, pageSize: limit, pageToken: cursor, ended };
    const { report, items, nextPageToken } = await drift.get(principalOf(request), page);
    const document = showDrift(present(report), items, nextPageToken);
    if (nextPageToken !== '') reply.header('Link', linkToNext(request.url, nextPageToken));
    return sendWithTag(request, reply, tagOf(document), () => JSON.stringify(document));
  });
}

function checkRoute(app: App, { drift }: DriftDeps): void {
  const schema = {
    operationId: 'checkDrift',
    summary: 'Compare a router now',
    description:
      'Answers at once with the newest comparison, 202, and starts a new one; with `wait` it answers 200 when that has ended. Several that are asked for at once share a reading.',
    tags,
    params,
    body: checkDriftBody,
    response: {
      200: json('Drift', 'The comparison that was asked for; with `repair` after the repair.'),
      202: json('Drift', 'The newest comparison so far; another one is under way.', location),
      ...problems(400, 401, 403, 404, 413, 415, 422, 429, 500, 503),
    } as unknown,
  };
  const config = { permission: 'routers:admin', bodyOptional: true } as const;
  app.post(`${path}/check`, { schema, config }, async (request, reply) => {
    const { router } = request.params;
    const { repair = false, wait = 0 } = request.body;
    const principal = principalOf(request);
    const { done } = await drift.check(principal, { router, repair, waitMs: Math.round(wait * 1_000) });
    const { report, items, nextPageToken } = await drift.get(principal, { router });
    if (!done) reply.code(202).header('Location', `/v1/routers/${encodeURIComponent(router)}/drift`);
    return sendJson(reply, showDrift(present(report), items, nextPageToken));
  });
}

function policyRoutes(app: App, { drift }: DriftDeps): void {
  const read = {
    operationId: 'listDriftPolicies',
    summary: 'List what is done about differences',
    tags,
    params,
    headers: ifNoneMatchHeader,
    response: {
      ...taggedResponses('DriftPolicies', 'The policies.'),
      ...problems(401, 403, 404, 429, 500, 503),
    } as unknown,
  };
  app.get(`${path}/policies`, { schema: read, config: { permission: 'routers:read' } }, async (request, reply) =>
    sendPolicies(request, reply, await drift.policies(principalOf(request), request.params.router)),
  );
  const replace = {
    operationId: 'setDriftPolicies',
    summary: 'Replace what is done about differences',
    description:
      'All of a router’s policies at once. The router is compared anew, and open differences are judged by them.',
    tags,
    headers: keyedConditionalHeaders,
    params,
    body: driftPoliciesBody,
    response: {
      200: taggedResponses('DriftPolicies', 'The policies as they are now.')[200],
      ...problems(400, 401, 403, 404, 412, 413, 415, 422, 429, 500, 503),
    } as unknown,
  };
  const config = { permission: 'routers:admin', audit: 'driver' } as const;
  app.put(`${path}/policies`, { schema: replace, config }, async (request, reply) => {
    const answer = await drift.setPolicies({
      principal: principalOf(request),
      router: request.params.router,
      rules: toRules(request.body),
      ifTag: parseIfTag(request.headers['if-match']),
      idempotency: idempotencyOf(request),
      origin: originOf(request),
    });
    if (answer.replayed) reply.header('Idempotency-Replayed', 'true');
    return sendPolicies(request, reply, answer);
  });
}

const sendPolicies = (
  request: AnyRequest,
  reply: AnyReply,
  { rules, tag }: { readonly rules: readonly DriftRule[]; readonly tag: string },
): unknown => sendWithTag(request, reply, `"${tag}"`, () => JSON.stringify(showRules(rules)));

const sendJson = (reply: AnyReply, document: object): unknown =>
  reply.type('application/json; charset=utf-8').send(JSON.stringify(document));

/** The age is another one at each moment. */
const tagOf = ({ age_seconds: _, ...document }: DriftDocument): string => `"${digestOf(JSON.stringify(document))}"`;

function present<T>(report: T | undefined): T {
  if (report === undefined) throw new DomainError('bug', 'INTERNAL', 'An answer came without its report.');
  return report;
}
