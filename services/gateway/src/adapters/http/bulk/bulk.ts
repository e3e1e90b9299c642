import type { App } from '../app-types.ts';
import { commandHeaders } from '../command-docs.ts';
import { problems } from '../problem-schemas.ts';
import { schemaCompiler } from '../requests/schema-compiler.ts';
import { provisionVmBody } from '../vms/vm-schemas.ts';
import { answerBulk, type BulkDeps } from './bulk-accept.ts';
import { bulkBodyBytes, bulkBodyOf, discardRest, ndjson, registerNdjson } from './bulk-body.ts';
import { type ItemKind, provisionItem, removalItem } from './bulk-items.ts';
import { bulkDecommissionBody, bulkProvisionBody, bulkQuery, decommissionItem } from './bulk-schemas.ts';
import { bulkRoute, itemsRoute } from './bulk-views.ts';

/** Many VMs in one request, and what became of them. */
export function bulkRoutes(app: App, deps: BulkDeps): void {
  registerNdjson(app);
  takingRoute(app, deps, {
    url: '/v1/vms/bulk-provision',
    operationId: 'bulkProvision',
    summary: 'Provision many VMs',
    body: bulkProvisionBody,
    line: provisionVmBody,
    kind: provisionItem,
  });
  takingRoute(app, deps, {
    url: '/v1/vms/bulk-decommission',
    operationId: 'bulkDecommission',
    summary: 'Decommission many VMs',
    body: bulkDecommissionBody,
    line: decommissionItem,
    kind: removalItem,
  });
  bulkRoute(app, deps);
  itemsRoute(app, deps);
}

interface Taking {
  readonly url: string;
  readonly operationId: string;
  readonly summary: string;
  readonly body: object;
  readonly line: object;
  readonly kind: ItemKind;
}

function takingRoute(app: App, deps: BulkDeps, { url, operationId, summary, body, line, kind }: Taking): void {
  const schema = {
    operationId,
    summary,
    description:
      'Up to 10,000 items (2,000 in an atomic bulk), as `{mode, items}`, as a list, or one per line (`application/x-ndjson`); the latter two with `?mode=`. What became of each is answered in the order of the items; as lines when `Accept` names NDJSON. An item that is wrong fails alone, except in an atomic bulk.',
    tags: ['Bulks'],
    headers: commandHeaders,
    querystring: bulkQuery,
    body: { content: { 'application/json': { schema: body }, [ndjson]: { schema: line } } },
    response: takingResponses as unknown,
  };
  const options = {
    schema,
    bodyLimit: bulkBodyBytes,
    config: { permission: 'vms:write', plannable: true, bulk: true } as const,
    // Items are checked one by one as they are read; the schema of the whole is for the documentation.
    validatorCompiler: ((route) =>
      route.httpPart === 'body' ? () => true : schemaCompiler(route)) as typeof schemaCompiler,
  };
  app.post(url, options, async (request, reply) => {
    try {
      return await answerBulk(deps, request, reply, { kind, body: bulkBodyOf(request) });
    } catch (error) {
      await discardRest(request.body);
      throw error;
    }
  });
}

const takingResponses = {
  ...Object.fromEntries(
    Object.entries({ 200: 'All items succeeded.', 207: 'Some items failed.' }).map(([status, description]) => [
      status,
      {
        description,
        headers: { Location: { type: 'string', description: '/v1/bulks/{id}' } },
        content: {
          'application/json': { schema: { $ref: 'BulkResult#' } },
          [ndjson]: { schema: { $ref: 'BulkItem#' } },
        },
      },
    ]),
  ),
  202: {
    description: 'Accepted; it goes on. `Location` is where to look, and the body is how far it is.',
    headers: { Location: { type: 'string', description: '/v1/bulks/{id}' } },
    content: { 'application/json': { schema: { $ref: 'Bulk#' } } },
  },
  ...problems(400, 401, 403, 409, 413, 415, 422, 429, 500, 502, 503, 504, 507),
};
