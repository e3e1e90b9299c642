import { DomainError } from '@berth/errors';
import { Type } from 'typebox';
import { followOperation } from '../../../app/operations/follow-operation.ts';
import { hasEnded } from '../../../app/operations/operations.ts';
import { waitMsOf } from '../../../domain/requests/prefer.ts';
import { isUuid } from '../../../domain/vms/vm-name.ts';
import { applyPreference, callerGone, preferenceOf, principalOf } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { commandHeaders } from '../command-docs.ts';
import { problems } from '../problem-schemas.ts';
import type { BulkDeps } from './bulk-accept.ts';
import { bulkItemsQuery } from './bulk-schemas.ts';
import { showBulk, showItem } from './bulk-show.ts';

const bulkParams = Type.Object({ id: Type.String({ description: 'The bulk’s id.' }) });

/** How far a bulk is. */
export function bulkRoute(app: App, deps: BulkDeps): void {
  const schema = {
    operationId: 'getBulk',
    summary: 'Get a bulk',
    description: 'How far it is now; with `Prefer: wait=N` as soon as it has ended.',
    tags: ['Bulks'],
    headers: Type.Object({ prefer: commandHeaders.properties.prefer }),
    params: bulkParams,
    response: { 200: { $ref: 'Bulk#' }, ...problems(401, 403, 404, 429, 500, 503) } as unknown,
  };
  app.get('/v1/bulks/:id', { schema, config: { permission: 'operations:read' } }, async (request, reply) => {
    const principal = principalOf(request);
    const bulkId = bulkIdOf(request.params);
    await deps.bulks.get(principal, bulkId); // other operations' ids are not bulks
    const preference = preferenceOf(request);
    const operation = await followOperation(deps.commands, {
      principal,
      operationId: bulkId,
      waitMs: waitMsOf(preference, 0),
      callerGone: callerGone(reply),
    });
    applyPreference(reply, preference, hasEnded(operation));
    return reply.send(showBulk(await deps.bulks.get(principal, bulkId), request.scope.traceId));
  });
}

/** What became of the items of a bulk. */
export function itemsRoute(app: App, deps: BulkDeps): void {
  const schema = {
    operationId: 'listBulkItems',
    summary: 'List what became of a bulk’s items',
    description: 'In their order, those that have not ended too.',
    tags: ['Bulks'],
    params: bulkParams,
    querystring: bulkItemsQuery,
    response: {
      200: {
        description: 'A page of items.',
        headers: { Link: { type: 'string', description: '`<…>; rel="next"` when there is more.' } },
        content: { 'application/json': { schema: { $ref: 'BulkItemPage#' } } },
      },
      ...problems(401, 403, 404, 422, 429, 500, 503),
    } as unknown,
  };
  app.get('/v1/bulks/:id/items', { schema, config: { permission: 'operations:read' } }, async (request, reply) => {
    const bulkId = bulkIdOf(request.params);
    const { offset = 0, limit = 500 } = request.query;
    const page = await deps.bulks.items(principalOf(request), { bulkId, offset, size: limit });
    const next = page.more ? offset + page.results.length : null;
    if (next !== null) {
      reply.header('Link', `</v1/bulks/${bulkId}/items?offset=${next}&limit=${limit}>; rel="next"`);
    }
    const { traceId } = request.scope;
    return reply.send({
      id: bulkId,
      results: page.results.map((item) => showItem(item, bulkId, traceId)),
      next_offset: next,
    });
  });
}

function bulkIdOf({ id }: { readonly id: string }): string {
  if (isUuid(id)) return id.toLowerCase();
  throw new DomainError('not_found', 'BULK_NOT_FOUND', 'There is no such bulk.');
}
