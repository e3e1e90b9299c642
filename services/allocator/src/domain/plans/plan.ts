import { createHash } from 'node:crypto';
import { DomainError } from '@berth/errors';
import type { BulkMode, BulkState, ItemError } from '../bulk/bulk.ts';
import { ruleNumbersOf, stands } from '../forwards/forward.ts';
import type { OperationKind, OperationState } from '../operations/operation.ts';
import { type DesiredFragment, desiredFragment } from '../vms/desired-fragment.ts';
import type { Vm, Wanted } from '../vms/vm.ts';

/** `making`: what its routers would be sent is not known yet, and nobody sees it. `failed`: it was applied, and its operation has failed. */
export type PlanState = 'making' | 'open' | 'applied' | 'failed' | 'expired' | 'outdated' | 'discarded';

/** Of an operation or a bulk. */
export type PlanOperationState = OperationState | BulkState;

/** What a VM would have on its router; null: nothing. */
export interface PlannedChange {
  readonly router: string;
  readonly vmId: string;
  readonly desired: DesiredFragment | null;
}

/** A forward as it would be. */
export interface PlannedForward {
  readonly name: string;
  readonly protocol: string;
  readonly externalPort: number;
  readonly externalPortEnd: number;
  readonly internalPort: number;
  readonly internalPortEnd: number;
  readonly ruleNumbers: readonly number[];
  readonly enabled: boolean;
}

/** A VM as it would be, or as it was before its removal. */
export interface PlannedVm {
  readonly vmId: string;
  readonly vmName: string;
  readonly router: string;
  readonly ownerGroup: string;
  readonly removed: boolean;
  readonly internalIp: string;
  readonly macAddress: string;
  readonly hostname: string;
  readonly natRuleBase: number;
  readonly forwards: readonly PlannedForward[];
}

/** An operation on a router, and the VM that it is for. */
export interface ForeseenOperation {
  readonly op: 'set' | 'delete';
  readonly path: readonly string[];
  readonly vmId: string;
}

/** What one router would be sent, as the driver foresees it. */
export interface ForeseenRouter {
  readonly router: string;
  readonly operations: readonly ForeseenOperation[];
  readonly inverse: readonly ForeseenOperation[];
  readonly restartsDhcp: boolean;
  readonly estimateMs: number;
  readonly commits: number;
  /** A digest of what this stands on. */
  readonly base: string;
  readonly conflicts: readonly { readonly vmId: string; readonly path: string; readonly message: string }[];
}

/** What is known of a plan once its commands were tried. */
export interface TriedPlan {
  readonly changes: readonly PlannedChange[];
  /** Of the VMs that it changes and that are there already: the revision that each has on its router. */
  readonly versions: Readonly<Record<string, number>>;
  readonly vms: readonly PlannedVm[];
  /** Of a best effort bulk: which items would be refused. */
  readonly refused: readonly ItemError[];
  readonly warnings: readonly string[];
}

/** What a command would do. `Command`: what is asked for, with all that could come out otherwise the next time chosen. */
export interface Plan<Command> extends TriedPlan {
  readonly id: string;
  readonly state: PlanState;
  readonly kind: OperationKind | 'bulk';
  /** The request that it stands for, for people. */
  readonly request: string;
  readonly principalId: string;
  readonly principalGroup: string;
  /** The user who asked for it, with whichever key; empty: nobody. */
  readonly userId: string;
  readonly routers: readonly string[];
  /** Null: not a bulk. */
  readonly mode: BulkMode | null;
  readonly commands: readonly Command[];
  readonly foreseen: readonly ForeseenRouter[];
  /** Another plan with the same hash does the same. */
  readonly hash: string;
  readonly operationId: string | null;
  /** How what applying it started stands; null before. */
  readonly operationState: PlanOperationState | null;
  /** Why it cannot be applied (any more), for people; empty where the state says it all. */
  readonly reason: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** At most so many items of a bulk are planned as a whole: all of it is one answer. */
export const maxPlannedItems = 200;
/** So many VMs are a part of a rollback that has more: with many forwards, what 200 come to would not fit into an answer. */
export const plannedPart = 100;
/** A plan holds its values for at most so long. */
export const longestPlanSeconds = 3_600;
/** At most so many plans of one principal hold values at the same time. */
export const maxLivePlans = 100;

/** What the driver would be told of a VM. */
export const plannedChange = (vm: Vm, wanted: Wanted | null): PlannedChange => ({
  router: vm.router,
  vmId: vm.id,
  desired: wanted && desiredFragment(vm, wanted),
});

/** A VM as it will be when it has what is wanted; `wanted` null: it will be gone. */
export function plannedVm(vm: Vm, wanted: Wanted | null): PlannedVm {
  const { name, macAddress, hostname, forwards } = wanted ?? vm;
  return {
    ...{ vmId: vm.id, vmName: name, router: vm.router, ownerGroup: vm.ownerGroup, removed: wanted === null },
    ...{ internalIp: vm.internalIp, macAddress, hostname, natRuleBase: vm.rules.first },
    forwards: forwards.filter(stands).map((forward) => ({
      name: forward.name,
      protocol: forward.protocol,
      externalPort: forward.external?.first ?? 0,
      externalPortEnd: forward.external?.last ?? 0,
      internalPort: forward.internal.first,
      internalPortEnd: forward.internal.last,
      ruleNumbers: ruleNumbersOf(forward),
      enabled: forward.state === 'enabled',
    })),
  };
}

/** A digest that tells plans apart by what they do. */
export const digestOf = (...parts: readonly unknown[]): string =>
  createHash('sha256')
    .update(JSON.stringify(parts.map(inOrder)))
    .digest('hex');

/** The same with the names of every object in one order: a database gives them back in its own. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;
  const named = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(
    named.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, member]) => [name, inOrder(member)]),
  );
}

export const planNotFound = (id: string): DomainError =>
  new DomainError('not_found', 'PLAN_NOT_FOUND', `There is no plan "${id}".`);

export const planOutdated = (why: string): DomainError =>
  new DomainError('conflict', 'PLAN_OUTDATED', `What the plan stands on has changed: ${why} Make a new plan.`);

export const planHashMismatch = (actual: string): DomainError =>
  new DomainError('precondition_failed', 'PLAN_HASH_MISMATCH', `The plan's hash is ${actual}: this is another plan.`);

export const tooManyPlans = (): DomainError =>
  new DomainError(
    'rate_limited',
    'TOO_MANY_PLANS',
    `${maxLivePlans} of your plans hold values: apply or discard some, or wait until they expire.`,
    { retryAfterSeconds: 60 },
  );

/** A change of the VM is on its way: what it will come to is not known, so nothing can be planned on top of it. */
export const vmUnsettled = (name: string): DomainError =>
  new DomainError(
    'conflict',
    'VM_UNSETTLED',
    `A change of the VM ${name} is on its way: plan again once it has ended.`,
  );

/** What a plan that holds things could not be made in time for. */
export const planTooSlow = (): DomainError =>
  new DomainError('unavailable', 'PLAN_NOT_MADE', 'The plan could not be made in time. Nothing is held.', {
    retryAfterSeconds: 1,
  });

/** Whether it has started something, whatever became of that. */
export const wasApplied = ({ state }: { readonly state: PlanState }): boolean =>
  state === 'applied' || state === 'failed';

const undone: Partial<Record<PlanOperationState, string>> = {
  failed: ', and its operation has failed: make a new plan',
  cancelled: ', and its operation was cancelled: make a new plan',
};

function planApplied(operationId: string | null, became: PlanOperationState | null): DomainError {
  const details = operationId === null ? {} : { operationId };
  const more = (became && undone[became]) ?? '';
  return new DomainError('conflict', 'PLAN_APPLIED', `The plan was applied already${more}.`, details);
}

/** Throws unless the plan can still be applied. */
export function assertApplicable<Command>({ state, operationId, foreseen, ...plan }: Plan<Command>): void {
  if (wasApplied({ state })) throw planApplied(operationId, plan.operationState);
  if (state === 'expired')
    throw new DomainError('conflict', 'PLAN_EXPIRED', 'The plan has expired: what it held is free.');
  if (state === 'discarded') throw new DomainError('conflict', 'PLAN_DISCARDED', 'The plan was given up.');
  if (state === 'outdated') throw planOutdated(plan.reason || 'it was found so before.');
  const [conflict] = foreseen.flatMap(({ conflicts }) => conflicts);
  if (conflict) throw new DomainError('conflict', 'PLAN_CONFLICTS', `The router would refuse it. ${conflict.message}`);
}
