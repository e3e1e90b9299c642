import {
  type ConfigOperation,
  ConfigVerb,
  fromErrorMessage,
  OperationKind,
  OperationState,
  type PlannedVm,
  PlanState,
  type RouterPlan,
  type VmPlan,
} from '@berth/contracts';
import { type ConfigCommand, configLines, configTrees } from '../../../domain/history/config-lines.ts';
import { problemOf } from '../requests/problem-reply.ts';
import { showTime } from '../show-time.ts';
import type { PlanDocument, RouterPlanDocument } from './plan-schemas.ts';

const states: Record<PlanState, PlanDocument['state']> = {
  [PlanState.UNSPECIFIED]: 'dry_run',
  [PlanState.OPEN]: 'open',
  [PlanState.APPLIED]: 'applied',
  [PlanState.FAILED]: 'failed',
  [PlanState.EXPIRED]: 'expired',
  [PlanState.OUTDATED]: 'outdated',
  [PlanState.DISCARDED]: 'discarded',
};

const operationStates: Record<OperationState, PlanDocument['operation_state']> = {
  [OperationState.UNSPECIFIED]: null,
  [OperationState.PENDING]: 'pending',
  [OperationState.RUNNING]: 'running',
  [OperationState.SUCCEEDED]: 'succeeded',
  [OperationState.FAILED]: 'failed',
  [OperationState.CANCELLED]: 'cancelled',
};

const kinds: Record<OperationKind, PlanDocument['kind']> = {
  [OperationKind.UNSPECIFIED]: 'provision_vm',
  [OperationKind.PROVISION_VM]: 'provision_vm',
  [OperationKind.CHANGE_PORTS]: 'change_ports',
  [OperationKind.DECOMMISSION_VM]: 'decommission_vm',
  [OperationKind.CHANGE_FORWARDS]: 'change_forwards',
  [OperationKind.UPDATE_VM]: 'update_vm',
  [OperationKind.BULK]: 'bulk',
  [OperationKind.ADOPT_VM]: 'provision_vm', // never planned
  [OperationKind.RESTORE_VM]: 'restore_vm',
};

const toCommand = ({ verb, path }: ConfigOperation): ConfigCommand => ({
  op: verb === ConfigVerb.DELETE ? 'delete' : 'set',
  path,
});

function showRouter({ router, changes }: RouterPlan): RouterPlanDocument {
  const { operations = [], inverse = [], conflicts = [] } = changes ?? {};
  const commands = operations.map(toCommand);
  const back = inverse.map(toCommand);
  return {
    router,
    operations: operations.map((operation) => ({
      op: operation.verb === ConfigVerb.DELETE ? 'delete' : 'set',
      path: operation.path,
      vm_id: operation.resourceId || null,
    })),
    lines: configLines(commands),
    tree: configTrees(commands),
    inverse: { lines: configLines(back), tree: configTrees(back) },
    restarts_dhcp: changes?.restartsDhcp ?? false,
    estimated_seconds: (changes?.estimateMs ?? 0) / 1_000,
    commits: changes?.commits ?? 0,
    conflicts: conflicts.map(({ resourceId, conflict, message }) => ({
      vm_id: resourceId,
      path: conflict?.path || null,
      message,
    })),
  };
}

const showVmPlan = (vm: PlannedVm): PlanDocument['vms'][number] => ({
  vm_id: vm.vmId,
  vm_name: vm.vmName,
  router: vm.router,
  owner_group: vm.ownerGroup || null,
  removed: vm.removed,
  internal_ip: vm.internalIp,
  mac_address: vm.macAddress,
  hostname: vm.hostname,
  nat_rule_base: vm.natRuleBase || null,
  forwards: vm.forwards.map((forward) => ({
    name: forward.name,
    protocol: forward.protocol,
    external_port: forward.externalPort,
    external_port_end: forward.externalPortEnd,
    internal_port: forward.internalPort,
    internal_port_end: forward.internalPortEnd,
    rule_numbers: forward.ruleNumbers,
    enabled: forward.enabled,
  })),
});

/** What a plan is without its operations and VMs. */
export const showPlanSummary = (plan: VmPlan) => ({
  id: plan.id || null,
  hash: plan.hash,
  state: states[plan.state],
  kind: kinds[plan.kind],
  request: plan.request,
  warnings: plan.warnings,
  created_at: showTime(plan.createdAt),
  expires_at: plan.expiresAt === undefined ? null : showTime(plan.expiresAt),
  operation_id: plan.operationId || null,
  operation_state: operationStates[plan.operationState],
  reason: plan.reason || null,
});

/** A plan, whole. `traceId` is that of the request that asks for it. */
export const showPlan = (plan: VmPlan, traceId: string): PlanDocument => ({
  ...showPlanSummary(plan),
  routers: plan.routers.map(showRouter),
  vms: plan.vms.map(showVmPlan),
  refused: plan.refused.flatMap(({ index, error }) =>
    error ? [{ index, problem: problemOf(fromErrorMessage(error), { instance: `items[${index}]`, traceId }) }] : [],
  ),
});

const planStates: Record<Exclude<PlanDocument['state'], 'dry_run'>, PlanState> = {
  open: PlanState.OPEN,
  applied: PlanState.APPLIED,
  failed: PlanState.FAILED,
  expired: PlanState.EXPIRED,
  outdated: PlanState.OUTDATED,
  discarded: PlanState.DISCARDED,
};

/** The state as it is asked for. */
export const planStateOf = (state: keyof typeof planStates): PlanState => planStates[state];
