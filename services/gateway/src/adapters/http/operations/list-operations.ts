import { OperationKind, OperationState } from '@berth/contracts';
import type { Static } from 'typebox';
import type { OperationLister, OperationQuery } from '../../../app/operations/list-operations.ts';
import { FieldChecks } from '../../../domain/field-checks.ts';
import { parseTime } from '../../../domain/parse-time.ts';
import { parsePlainText } from '../../../domain/router-text.ts';
import { principalOf } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { linkToNext } from '../next-link.ts';
import { problems } from '../problem-schemas.ts';
import { listOperationsQuery } from './operation-schemas.ts';
import { showListedOperation } from './show-operation.ts';

const defaultLimit = 100;

const states: Record<'pending' | 'running' | 'succeeded' | 'failed' | 'cancelled', OperationState> = {
  pending: OperationState.PENDING,
  running: OperationState.RUNNING,
  succeeded: OperationState.SUCCEEDED,
  failed: OperationState.FAILED,
  cancelled: OperationState.CANCELLED,
};

const kinds = {
  provision_vm: OperationKind.PROVISION_VM,
  change_ports: OperationKind.CHANGE_PORTS,
  change_forwards: OperationKind.CHANGE_FORWARDS,
  update_vm: OperationKind.UPDATE_VM,
  decommission_vm: OperationKind.DECOMMISSION_VM,
  adopt_vm: OperationKind.ADOPT_VM,
} as const;

/** Operations page by page. */
export function listOperationsRoutes(app: App, deps: { readonly operations: OperationLister }): void {
  const schema = {
    operationId: 'listOperations',
    summary: 'List operations',
    description: `Those to which all of the filters apply, the newest first; of bulks, their items' operations. A page has ${defaultLimit} unless \`limit\` says otherwise. What the router’s queue and commits tell (position, ETA, the stages in_commit and saved) is shown by each operation alone.`,
    tags: ['Operations'],
    querystring: listOperationsQuery,
    response: {
      200: {
        description: 'A page of operations.',
        headers: { Link: { type: 'string', description: '`<…>; rel="next"` when there is more.' } },
        content: { 'application/json': { schema: { $ref: 'OperationPage#' } } },
      },
      ...problems(401, 403, 422, 429, 500, 503),
    } as unknown,
  };
  app.get('/v1/operations', { schema, config: { permission: 'operations:read' } }, async (request, reply) => {
    const { limit: size = defaultLimit, cursor: token = '' } = request.query;
    const page = await deps.operations.list(principalOf(request), { size, token }, toQuery(request.query));
    if (page.nextPageToken !== '') reply.header('Link', linkToNext(request.url, page.nextPageToken));
    return reply.send({
      items: page.operations.map((operation) => showListedOperation(operation, request.scope.traceId)),
      next_cursor: page.nextPageToken || null,
    });
  });
}

function toQuery({ state, kind, vm, since }: Static<typeof listOperationsQuery>): OperationQuery {
  const checks = new FieldChecks();
  checks.of('vm', () => vm !== undefined && parsePlainText(vm));
  const from = since === undefined ? undefined : checks.of('since', () => parseTime(since));
  checks.finish();
  return {
    states: (state ?? []).map((one) => states[one]),
    kinds: (kind ?? []).map((one) => kinds[one]),
    machineId: vm ?? '',
    since: from,
  };
}
