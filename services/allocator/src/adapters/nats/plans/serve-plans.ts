import { randomUUID } from 'node:crypto';
import {
  BulkMode,
  type CommandContext,
  CommandContextSchema,
  type CreatePlanRequest,
  DecommissionVmRequestSchema,
  fromErrorMessage,
  ProvisionVmRequestSchema,
  VmPlanService,
} from '@berth/contracts';
import { DomainError, toDomainError } from '@berth/errors';
import { type Bus, currentTrace, serve } from '@berth/messaging';
import { create } from '@bufbuild/protobuf';
import type { Command } from '../../../app/commands.ts';
import { type ApplyDeps, applyPlan } from '../../../app/plans/apply-plan.ts';
import { createPlan, type PlanWish } from '../../../app/plans/create-plan.ts';
import { discardPlan, getPlan, listPlans } from '../../../app/plans/read-plans.ts';
import { itemIds } from '../../../domain/bulk/bulk.ts';
import { invalid } from '../../../domain/check-fields.ts';
import { longestPlanSeconds, maxPlannedItems } from '../../../domain/plans/plan.ts';
import { modeOf, toBulkOperationMessage } from '../bulk/bulk-messages.ts';
import {
  permittedCaller,
  readContext,
  toChangeForwardsCommand,
  toChangePortsCommand,
  toDecommissionCommand,
  toProvisionCommand,
  toUpdateVmCommand,
} from '../to-commands.ts';
import { toOperationMessage } from '../to-messages.ts';
import { planStateOf, toDryRun, toPlanMessage, toPlanSummary } from './plan-messages.ts';

interface Deps extends ApplyDeps {
  readonly planMs: number;
}

type Asked = Pick<PlanWish, 'kind' | 'mode' | 'commands'>;

/** Answers VmPlanService over NATS. Gives back its stop. */
export function servePlans(bus: Bus, deps: Deps): () => Promise<void> {
  const { method } = VmPlanService;
  const stops = [
    serve(bus, method.createPlan, async (message) => {
      const plan = await createPlan(deps, toWish(message, deps));
      return message.dryRun ? toDryRun(plan) : toPlanMessage(plan);
    }),
    serve(bus, method.getPlan, async ({ principal, planId }) =>
      toPlanMessage(await getPlan(deps, permittedCaller(principal, 'vms:read'), planId)),
    ),
    serve(bus, method.listPlans, async ({ principal, pageSize, pageToken, states }) => {
      const caller = permittedCaller(principal, 'vms:read');
      const { plans, nextToken } = await listPlans(deps, caller, {
        size: pageSize,
        token: pageToken,
        states: states.flatMap(planStateOf),
      });
      return { plans: plans.map(toPlanSummary), nextPageToken: nextToken };
    }),
    serve(bus, method.applyPlan, async ({ context, planId, hash }) => {
      const { ifVersion: _, ...asked } = readContext(context, traceparent());
      const applied = await applyPlan(deps, { ...asked, planId, hash });
      if ('bulk' in applied) return { operation: toBulkOperationMessage(applied.bulk) };
      return { operation: toOperationMessage(applied.operation), replayed: applied.replayed };
    }),
    serve(bus, method.discardPlan, async ({ context, planId }) =>
      toPlanSummary(await discardPlan(deps, readContext(context, traceparent()).caller, planId)),
    ),
  ];
  return async () => void (await Promise.all(stops.map((stop) => stop())));
}

const traceparent = (): string => currentTrace()['traceparent'] ?? '';

function toWish(message: CreatePlanRequest, { planMs, defaultRouter }: Deps): PlanWish {
  const { operationId: id, caller, deadline, key } = readContext(message.context, traceparent());
  const { expiresInSeconds: seconds } = message;
  if (seconds > longestPlanSeconds)
    throw invalid([{ field: 'expires_in_seconds', message: `must be 1 to ${longestPlanSeconds}` }]);
  const asked = toAsked(message, defaultRouter);
  const lifetimeMs = seconds === 0 ? planMs : seconds * 1_000;
  return { id, caller, deadline, key, request: message.request, dryRun: message.dryRun, lifetimeMs, ...asked };
}

function toAsked({ context, command }: CreatePlanRequest, defaultRouter: string): Asked {
  const trace = traceparent();
  const single = (one: Command): Asked => ({ kind: one.kind, mode: null, commands: [one] });
  const own = contextOf(context, randomUUID());
  switch (command.case) {
    case 'provision':
      return single(toProvisionCommand({ ...command.value, context: own }, trace, defaultRouter));
    case 'changePorts':
      return single(toChangePortsCommand({ ...command.value, context: own }, trace));
    case 'changeForwards':
      return single(toChangeForwardsCommand({ ...command.value, context: own }, trace));
    case 'updateVm':
      return single(toUpdateVmCommand({ ...command.value, context: own }, trace));
    case 'decommission':
      return single(toDecommissionCommand({ ...command.value, context: own }, trace));
    case 'bulk':
      return toBulk(command.value, context, defaultRouter);
    default:
      throw new DomainError('invalid', 'MALFORMED_COMMAND', 'The plan says not what it is for.');
  }
}

/** What a trial is done with: with no key, since nothing of it is kept, and whether or not the router answers. */
const contextOf = (context: CommandContext | undefined, operationId: string): CommandContext => {
  const { idempotency: _, ...rest } = context ?? create(CommandContextSchema);
  return create(CommandContextSchema, { ...rest, operationId, mayWait: true });
};

type BulkMessage = Extract<CreatePlanRequest['command'], { case: 'bulk' }>['value'];

function toBulk({ mode: code, items }: BulkMessage, context: CommandContext | undefined, defaultRouter: string): Asked {
  const mode = modeOf(code);
  if (mode === undefined) throw invalid([{ field: 'mode', message: 'must be best_effort or atomic' }]);
  if (items.length < 1 || items.length > maxPlannedItems)
    throw invalid([{ field: 'items', message: `a plan has 1 to ${maxPlannedItems}` }]);
  if (code === BulkMode.ATOMIC && items.some(({ item }) => item.case === 'decommission'))
    throw invalid([{ field: 'mode', message: 'must be best_effort for removals' }]);
  const commands = items.map(({ item }, index): Command | DomainError => {
    const { operationId, vmId } = itemIds(context?.operationId ?? '', index);
    const own = contextOf(context, operationId);
    try {
      if (item.case === 'provision') {
        const message = create(ProvisionVmRequestSchema, { ...item.value, context: own, vmId });
        return toProvisionCommand(message, traceparent(), defaultRouter);
      }
      if (item.case === 'decommission') {
        const message = create(DecommissionVmRequestSchema, { context: own, machineId: item.value.machineId });
        return toDecommissionCommand(message, traceparent());
      }
      if (item.case === 'refused') return fromErrorMessage(item.value);
      throw new DomainError('invalid', 'MALFORMED_COMMAND', 'An item of the bulk says nothing.');
    } catch (error) {
      return toDomainError(error);
    }
  });
  return { kind: 'bulk', mode, commands };
}
