import type { CreatePlanRequestSchema } from '@berth/contracts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { PlanService } from '../../nats/plan-service.ts';
import type { ContextInit } from '../answer-command.ts';
import type { AnyReply, AnyRequest } from '../app-types.ts';
import type { Planning } from './planning.ts';
import { showPlan } from './show-plan.ts';

/** What can be planned, in the terms of the plan service. */
export type PlannedCommand = NonNullable<MessageInitShape<typeof CreatePlanRequestSchema>['command']>;

/**
 * Answers what a request would do, without doing it. `context`: of this request, of which a plan that was asked for takes the version only: all
 * else is of the request for the plan.
 */
export async function answerPlan(
  { plans }: { readonly plans: PlanService },
  request: AnyRequest,
  reply: AnyReply,
  { planning, command, context }: { planning: Planning; command: PlannedCommand; context: ContextInit },
): Promise<unknown> {
  const { idempotency: _, ...unkeyed } = context;
  const plan = await plans.create({
    context: planning.dryRun ? unkeyed : { ...planning.context, ifVersion: context.ifVersion ?? 0n },
    dryRun: planning.dryRun,
    expiresInSeconds: planning.dryRun ? 0 : planning.expiresInSeconds,
    request: `${request.method} ${request.url.split('?', 1)[0] ?? ''}`,
    command,
  });
  if (!planning.dryRun && plan.id !== planning.context.operationId) reply.header('Idempotency-Replayed', 'true');
  return reply.code(200).send(showPlan(plan, request.scope.traceId));
}
