import type { DomainError } from '@berth/errors';
import { digestOfFragment, digestOfVm, notRestorable } from '../../domain/restore/restore.ts';
import { vmOfFragment } from '../../domain/restore/vm-of-fragment.ts';
import type { DesiredFragment } from '../../domain/vms/desired-fragment.ts';
import type { Vm } from '../../domain/vms/vm.ts';
import type { Caller } from '../commands.ts';
import type { PlanDeps } from '../plans/create-plan.ts';
import type { CommandPlan } from '../plans/plan-ports.ts';
import { planRestore, type RestoreWish } from './plan-restore.ts';

/** What Berth had on a router at a moment, VM by VM. */
export interface PastFragments {
  /** When the entry ended whose result it is. */
  readonly at: Date;
  readonly fragments: readonly {
    readonly vmId: string;
    readonly ownerGroup: string;
    readonly fragment: DesiredFragment | null;
  }[];
}

/** A VM as an operation left it. */
export interface PastVm {
  readonly vm: Vm;
  /** When the operation was accepted. */
  readonly askedAt: Date;
}

/** What the books remember, without locks. */
export interface RestoreReader {
  /** The living VMs of a router. */
  alive(router: string): Promise<readonly Vm[]>;
  /** A page of those that the router has confirmed and that are not gone, by id. */
  confirmed(router: string, page: { readonly after: string; readonly most: number }): Promise<readonly Vm[]>;
  /** What operations left of these VMs, the oldest first, and as the last the VMs as they are or were last. */
  past(vmIds: readonly string[]): Promise<readonly PastVm[]>;
}

export interface RollbackDeps extends PlanDeps {
  readonly reader: RestoreReader;
  readonly pastFragments: (caller: Caller, router: string) => Promise<PastFragments>;
}

/** Plans the way back to what Berth had on a router at a moment. */
export async function planRollback(deps: RollbackDeps, wish: RestoreWish): Promise<CommandPlan> {
  const { at, fragments } = await deps.pastFragments(wish.caller, wish.router);
  const alive = await deps.reader.alive(wish.router);
  const then = await vmsThen(deps.reader, { at, fragments }, alive, wish.router);
  return planRestore(deps, wish, { vms: then, isGone: () => true }, alive);
}

/** The VMs as they were: those that nothing has changed since as they are, the others as their operations tell. */
async function vmsThen(
  reader: RestoreReader,
  { at, fragments }: PastFragments,
  alive: readonly Vm[],
  router: string,
): Promise<(Vm | DomainError)[]> {
  const now = new Map(alive.map((vm) => [vm.id, vm]));
  const unchanged = (vmId: string, digest: string): Vm | undefined => {
    const vm = now.get(vmId);
    return vm && !vm.unsettled && vm.updatedAt <= at && digestOfVm(vm) === digest ? vm : undefined;
  };
  const wanted = fragments.flatMap(({ vmId, ownerGroup, fragment }) => {
    const digest = fragment ? digestOfFragment(fragment) : '';
    return [{ vmId, ownerGroup, fragment, digest, same: unchanged(vmId, digest) }];
  });
  const past = await reader.past(wanted.flatMap(({ vmId, same }) => (same ? [] : [vmId])));
  const byVm = Map.groupBy(past, ({ vm }) => vm.id);
  return wanted.map(({ vmId, ownerGroup, fragment, digest, same }) => {
    if (same) return same;
    const known = byVm.get(vmId) ?? [];
    const fitting = known.filter(({ vm }) => vm.router === router && digestOfVm(vm) === digest);
    const found = fitting.findLast(({ askedAt }) => askedAt <= at) ?? fitting[0];
    if (found) return found.vm;
    const last = known.at(-1)?.vm;
    if (fragment === null) return notRestorable(last?.name ?? vmId, 'it had rules and no mapping');
    const made = vmOfFragment(fragment, { ownerGroup, last });
    return made && digestOfVm(made) === digest
      ? made
      : notRestorable(last?.name ?? fragment.mapping.name, 'nothing tells what it was beyond its lines');
  });
}
