import { DomainError } from '@berth/errors';
import { Type } from 'typebox';
import { followOperation } from '../../../app/operations/follow-operation.ts';
import { hasEnded } from '../../../app/operations/operations.ts';
import { waitMsOf } from '../../../domain/requests/prefer.ts';
import { isUuid } from '../../../domain/vms/vm-name.ts';
import type { QueueReader } from '../../nats/queue-reader.ts';
import { type AnswerCommandDeps, applyPreference, callerGone, preferenceOf, principalOf } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { commandHeaders } from '../command-docs.ts';
import { problems } from '../problem-schemas.ts';
import { showOperation } from './show-operation.ts';

/** What became of a request. */
export function operationRoutes(app: App, deps: AnswerCommandDeps & { readonly queue: QueueReader }): void {
  const schema = {
    operationId: 'getOperation',
    summary: 'Get an operation',
    description:
      'As it stands now, how far it has come and when it should end; with `Prefer: wait=N` as soon as it has ended.',
    tags: ['Operations'],
    headers: Type.Object({ prefer: commandHeaders.properties.prefer }),
    params: Type.Object({ id: Type.String({ description: 'The operation’s id.' }) }),
    response: { 200: { $ref: 'Operation#' }, ...problems(401, 403, 404, 429, 500, 503) } as unknown,
  };
  app.get('/v1/operations/:id', { schema, config: { permission: 'operations:read' } }, async (request, reply) => {
    const operationId = operationIdOf(request.params);
    const preference = preferenceOf(request);
    const operation = await followOperation(deps.commands, {
      principal: principalOf(request),
      operationId,
      waitMs: waitMsOf(preference, 0),
      callerGone: callerGone(reply),
    });
    applyPreference(reply, preference, hasEnded(operation));
    const place = await deps.queue.placeOf(principalOf(request), operation);
    return reply.send(showOperation(operation, request.scope.traceId, place));
  });
}

/** Throws for what cannot be an operation's id. */
export function operationIdOf({ id }: { readonly id: string }): string {
  if (isUuid(id)) return id.toLowerCase();
  throw new DomainError('not_found', 'OPERATION_NOT_FOUND', 'There is no such operation.');
}
