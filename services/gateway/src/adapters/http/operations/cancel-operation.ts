import type { Operation, Principal } from '@berth/contracts';
import { Type } from 'typebox';
import { followOperation } from '../../../app/operations/follow-operation.ts';
import { hasEnded } from '../../../app/operations/operations.ts';
import { waitMsOf } from '../../../domain/requests/prefer.ts';
import { type AnswerCommandDeps, applyPreference, callerGone, preferenceOf, principalOf } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { commandHeaders } from '../command-docs.ts';
import { emptyBody } from '../common-schemas.ts';
import { problems } from '../problem-schemas.ts';
import { operationIdOf } from './operations.ts';
import { showOperation } from './show-operation.ts';

/** Cancels operations. Patient with silence: a repeat does no harm. */
export type CancelOperation = (principal: Principal, operationId: string) => Promise<Operation>;

/** Cancelling what has not begun. */
export function cancelOperationRoutes(app: App, deps: AnswerCommandDeps & { readonly cancel: CancelOperation }): void {
  const schema = {
    operationId: 'cancelOperation',
    summary: 'Cancel an operation',
    description:
      'Until a commit on the router has begun with it; then all that it reserved is free again at once. After that: 409 `OPERATION_UNDER_WAY`. A repeat is answered with 200 again. Of a bulk, the items that have not begun are cancelled (of an atomic one all is taken back); with `Prefer: wait=N` the answer waits for the end of the others.',
    tags: ['Operations'],
    headers: Type.Object({ prefer: commandHeaders.properties.prefer }),
    params: Type.Object({ id: Type.String({ description: 'The operation’s id.' }) }),
    body: emptyBody,
    response: {
      200: { $ref: 'Operation#' },
      ...problems(400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503),
    } as unknown,
  };
  const config = { permission: 'vms:write', bodyOptional: true } as const;
  app.post('/v1/operations/:id/cancel', { schema, config }, async (request, reply) => {
    const operationId = operationIdOf(request.params);
    const principal = principalOf(request);
    const preference = preferenceOf(request);
    const cancelled = await deps.cancel(principal, operationId);
    const waitMs = waitMsOf(preference, 0);
    const operation =
      waitMs > 0 && !hasEnded(cancelled)
        ? await followOperation(deps.commands, { principal, operationId, waitMs, callerGone: callerGone(reply) })
        : cancelled;
    applyPreference(reply, preference, hasEnded(operation));
    return reply.send(showOperation(operation, request.scope.traceId));
  });
}
