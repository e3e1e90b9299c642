import { DomainError } from '@berth/errors';
import { itemIds } from '../../domain/bulk/bulk.ts';
import { derivedId } from '../../domain/derived-id.ts';
import { maxPlannedItems, plannedPart } from '../../domain/plans/plan.ts';
import {
  isAs,
  nothingToRestore,
  restoreRequestOf,
  rollbackBlocked,
  rollbackTooLarge,
  standsAt,
} from '../../domain/restore/restore.ts';
import { isAlive, type Vm } from '../../domain/vms/vm.ts';
import type { Caller, Command } from '../commands.ts';
import { createPlan, type PlanDeps } from '../plans/create-plan.ts';
import type { CommandPlan } from '../plans/plan-ports.ts';
import type { KeyUse } from '../ports.ts';

/** Who asks for a router's owned part as it was. */
export interface RestoreWish {
  readonly id: string;
  readonly caller: Caller;
  readonly deadline: Date;
  readonly key: KeyUse | undefined;
  readonly requestId: string;
  readonly traceparent: string;
  readonly router: string;
  /** For people. */
  readonly request: string;
  readonly lifetimeMs: number;
  /** VMs that cannot be what they were are left out; else nothing is planned. */
  readonly reduce: boolean;
  /** Only the first VMs are planned, when there are many; else more than a plan takes are refused. */
  readonly inParts: boolean;
}

/** What shall be there: VMs as they were, under the ids of then, or why one cannot be told any more. */
export interface RestoreTarget {
  readonly vms: readonly (Vm | DomainError)[];
  /** Which of the VMs that are there now shall not be. */
  readonly isGone: (vm: Vm) => boolean;
}

/**
 * Plans the changes that make the router's VMs what they were: those that are gone come back under new ids, those that came since go, and
 * those that changed are changed back. One whose place another of the same name has now is taken for that one.
 */
export async function planRestore(
  deps: PlanDeps,
  wish: RestoreWish,
  { vms, isGone }: RestoreTarget,
  alive: readonly Vm[],
): Promise<CommandPlan> {
  const byId = new Map(alive.map((vm) => [vm.id, vm]));
  const byName = new Map(alive.map((vm) => [vm.name.toLowerCase(), vm]));
  const stays = new Set<string>();
  const commands: ((index: number) => Command | DomainError)[] = [];
  for (const then of vms) {
    if (then instanceof DomainError) {
      commands.push(() => then);
      continue;
    }
    const named = byName.get(then.name.toLowerCase());
    const now = byId.get(then.id) ?? (named && standsAt(named, then) ? named : undefined);
    if (now) stays.add(now.id);
    if (now && !now.unsettled && isAs(now, then)) continue;
    commands.push((index) => restoring(wish, { then, now, index }));
  }
  const going = alive.filter((vm) => isAlive(vm) && !stays.has(vm.id) && isGone(vm));
  for (const { id } of going)
    commands.push((index) => ({ ...common(wish, index), kind: 'decommission-vm', machineId: id }));
  if (commands.length === 0) throw nothingToRestore();
  if (commands.length > maxPlannedItems && !wish.inParts) throw rollbackTooLarge(commands.length, maxPlannedItems);
  return createPlan(deps, {
    ...{ id: wish.id, caller: wish.caller, deadline: wish.deadline, key: wish.key, request: wish.request },
    ...{ kind: 'bulk', mode: 'best-effort', lifetimeMs: wish.lifetimeMs, dryRun: false },
    commands: commands.slice(0, wish.inParts ? plannedPart : maxPlannedItems).map((make, index) => make(index)),
    ...(wish.reduce ? {} : { refuse: rollbackBlocked }),
  });
}

/** What a trial is done with: whether or not the router answers, and with no key, since nothing of it is kept. */
const common = ({ id, caller, deadline, requestId, traceparent }: RestoreWish, index: number) => ({
  ...{ operationId: itemIds(id, index).operationId, caller, deadline, requestId, traceparent },
  ...{ key: undefined, mayWait: true, ifVersion: 0 },
});

function restoring(
  wish: RestoreWish,
  { then, now, index }: { readonly then: Vm; readonly now: Vm | undefined; readonly index: number },
): Command {
  const request = restoreRequestOf(then, { isNew: now === undefined, formerId: now ? null : then.id });
  const vmId = now?.id ?? derivedId(wish.id, `vm ${index}`);
  return { ...common(wish, index), kind: 'restore-vm', vmId, ownerGroup: then.ownerGroup, request };
}
