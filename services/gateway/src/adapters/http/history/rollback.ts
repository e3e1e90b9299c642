import { Type } from 'typebox';
import { FieldChecks } from '../../../domain/field-checks.ts';
import { parseMoment } from '../../../domain/history/history-moment.ts';
import type { PlanService } from '../../nats/plan-service.ts';
import { type AnswerCommandDeps, commandContext } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { commandHeaders } from '../command-docs.ts';
import { showPlan } from '../plans/show-plan.ts';
import { problems } from '../problem-schemas.ts';
import { routerParams } from './history-schemas.ts';
import { rollbackBody } from './rollback-schemas.ts';
import { momentOnWire } from './router-commits.ts';

export interface RollbackDeps extends AnswerCommandDeps {
  readonly plans: PlanService;
}

export const planHeaders = { 'idempotency-key': commandHeaders.properties['idempotency-key'] };
export const plannedResponses = {
  201: {
    description: 'The plan. Applying it is a bulk.',
    headers: { Location: { type: 'string', description: '/v1/plans/{id}' } },
    content: { 'application/json': { schema: { $ref: 'Plan#' } } },
  },
  ...problems(400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503),
};

/** The way back to what Berth had on a router, as a plan. */
export function rollbackRoutes(app: App, deps: RollbackDeps): void {
  const schema = {
    operationId: 'planRollback',
    summary: 'Roll back to a commit',
    description:
      'Plans the way back: VMs that were removed since come back with the values they had, those made since go, and those that changed are changed back. `POST /v1/plans/{id}/apply` does it. Only Berth’s part; needs a key of no group.',
    tags: ['History'],
    params: routerParams,
    headers: Type.Object(planHeaders),
    body: rollbackBody,
    response: plannedResponses as unknown,
  };
  app.post(
    '/v1/routers/:router/rollback',
    { schema, config: { permission: 'routers:admin' } },
    async (request, reply) => {
      const { to, reduce = false, in_parts: inParts = false, expires_in_seconds: expiresInSeconds = 0 } = request.body;
      const checks = new FieldChecks();
      const moment = checks.of('to', () => parseMoment(String(to)));
      checks.finish();
      const { router } = request.params;
      const plan = await deps.plans.rollback({
        context: commandContext(request, new Date(Date.now() + deps.commands.timing.commandTimeoutMs)),
        ...{ router, reduce, inParts, expiresInSeconds },
        ...(moment && { to: momentOnWire(moment) }),
        request: `POST /v1/routers/${router}/rollback`,
      });
      return reply.code(201).header('Location', `/v1/plans/${plan.id}`).send(showPlan(plan, request.scope.traceId));
    },
  );
}
