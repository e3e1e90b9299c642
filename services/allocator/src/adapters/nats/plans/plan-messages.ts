import {
  ConfigVerb,
  ErrorSchema,
  OperationKind,
  OperationState,
  PlanState,
  type VmPlan,
  VmPlanSchema,
} from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { CommandPlan } from '../../../app/plans/plan-ports.ts';
import type { ForeseenOperation, ForeseenRouter } from '../../../domain/plans/plan.ts';

/** An answer that is larger does not fit into a message. */
const mostBytes = 900_000;

const states: Record<CommandPlan['state'], PlanState> = {
  making: PlanState.OPEN,
  open: PlanState.OPEN,
  applied: PlanState.APPLIED,
  failed: PlanState.FAILED,
  expired: PlanState.EXPIRED,
  outdated: PlanState.OUTDATED,
  discarded: PlanState.DISCARDED,
};

/** Those of the state; a plan that is being made is shown to nobody. */
export const planStateOf = (state: PlanState): CommandPlan['state'][] =>
  state === PlanState.OPEN ? ['open'] : shownStates.filter((one) => states[one] === state);

const shownStates = ['applied', 'failed', 'expired', 'outdated', 'discarded'] as const;

const operationStates: Record<NonNullable<CommandPlan['operationState']>, OperationState> = {
  staged: OperationState.PENDING,
  pending: OperationState.PENDING,
  running: OperationState.RUNNING,
  succeeded: OperationState.SUCCEEDED,
  failed: OperationState.FAILED,
  cancelled: OperationState.CANCELLED,
};

const kinds: Record<CommandPlan['kind'], OperationKind> = {
  'provision-vm': OperationKind.PROVISION_VM,
  'change-ports': OperationKind.CHANGE_PORTS,
  'change-forwards': OperationKind.CHANGE_FORWARDS,
  'update-vm': OperationKind.UPDATE_VM,
  'decommission-vm': OperationKind.DECOMMISSION_VM,
  'adopt-vm': OperationKind.ADOPT_VM,
  'restore-vm': OperationKind.RESTORE_VM,
  bulk: OperationKind.BULK,
};

const toOperation = ({ op, path, vmId }: ForeseenOperation) => ({
  verb: op === 'set' ? ConfigVerb.SET : ConfigVerb.DELETE,
  path: [...path],
  resourceId: vmId,
});

const toRouterPlan = ({ router, operations, inverse, conflicts, ...rest }: ForeseenRouter) => ({
  router,
  changes: {
    ...rest,
    operations: operations.map(toOperation),
    inverse: inverse.map(toOperation),
    conflicts: conflicts.map(({ vmId, path, message }) => ({ resourceId: vmId, conflict: { path }, message })),
  },
});

const summaryOf = (plan: CommandPlan) => ({
  id: plan.id,
  state: states[plan.state],
  kind: kinds[plan.kind],
  request: plan.request,
  hash: plan.hash,
  warnings: [...plan.warnings],
  principalId: plan.principalId,
  operationId: plan.operationId ?? '',
  operationState: plan.operationState ? operationStates[plan.operationState] : OperationState.UNSPECIFIED,
  reason: plan.reason,
  createdAt: timestampFromDate(plan.createdAt),
  expiresAt: timestampFromDate(plan.expiresAt),
});

/** A plan without what can be large. */
export const toPlanSummary = (plan: CommandPlan): VmPlan => create(VmPlanSchema, summaryOf(plan));

/** A plan, whole. Throws `PLAN_TOO_LARGE` when it is more than an answer holds. */
export function toPlanMessage(plan: CommandPlan): VmPlan {
  const message = create(VmPlanSchema, {
    ...summaryOf(plan),
    routers: plan.foreseen.map(toRouterPlan),
    vms: plan.vms.map((vm) => ({
      ...vm,
      forwards: vm.forwards.map((forward) => ({ ...forward, ruleNumbers: [...forward.ruleNumbers] })),
    })),
    refused: plan.refused.map(({ index, error }) => ({
      index,
      error: create(ErrorSchema, { ...error, fields: error.fields.map((field) => ({ ...field })) }),
    })),
  });
  if (toBinary(VmPlanSchema, message).length <= mostBytes) return message;
  throw new DomainError('too_large', 'PLAN_TOO_LARGE', 'It comes to more than one plan holds: plan less at once.');
}

/** A dry run: nothing is kept, so there is nothing to be found by an id or to expire. */
export function toDryRun(plan: CommandPlan): VmPlan {
  const message = toPlanMessage(plan);
  message.id = '';
  message.state = PlanState.UNSPECIFIED;
  delete message.expiresAt;
  return message;
}
