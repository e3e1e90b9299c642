import { type Step, waiting } from '@berth/saga';
import type { Operation } from '../../domain/operations/operation.ts';
import { settledOf, type Vm } from '../../domain/vms/vm.ts';
import { latest, vmOf } from '../operation-progress.ts';
import type { Books } from '../ports.ts';

/** Gives the VM its next revision and sends it, for all of these operations together. */
export function sendRevision(books: Books, vm: Vm, operations: readonly Operation[]): void {
  const last = operations.at(-1);
  const removal = last?.kind === 'decommission-vm';
  const wanted = removal ? null : (last?.wanted ?? settledOf(vm));
  const next: Vm = {
    ...vm,
    state: removal ? 'removing' : vm.state,
    wanted,
    unsettled: true,
    revision: vm.revision + 1,
    incarnation: books.incarnation,
    updatedAt: books.now,
  };
  books.vms.put(next);
  for (const operation of operations) {
    books.operations.put({ ...operation, revision: next.revision, sentAt: books.now });
  }
  books.sendChange(next, wanted, operations);
}

/**
 * Sends what a settled VM has as a revision of its own, since something beside its lines changed that the driver judges by. Nobody waits for
 * its verdict: the router is not asked for what it has.
 */
export function tellAgain(books: Books, vm: Vm, operation: Operation): void {
  const told: Vm = { ...vm, revision: vm.revision + 1, incarnation: books.incarnation, updatedAt: books.now };
  books.vms.put(told);
  books.sendChange(told, settledOf(told), [operation]);
}

/** Makes the router's last word the settled state again. */
function takeBack(books: Books, vm: Vm, operations: readonly Operation[]): void {
  const refused = operations.every(({ refusal }) => refusal !== undefined);
  const settled: Vm = {
    ...vm,
    state: vm.state === 'removing' ? 'active' : vm.state,
    wanted: null,
    unsettled: false,
    // A refused revision left the router as it was. Without a verdict it may land yet: a newer one must overtake it.
    revision: refused ? vm.revision : vm.revision + 1,
    updatedAt: books.now,
  };
  books.vms.put(settled);
  if (!refused) books.sendChange(settled, vm.state === 'provisioning' ? null : settledOf(vm), operations);
}

const byVm = (books: Books, operations: readonly Operation[]) =>
  Map.groupBy(latest(books, operations), ({ vmId }) => vmId).values();

/** Asks the driver for what the operations want, one revision per VM, and waits for its verdict. */
export const changeRouter: Step<Operation, Books> = {
  name: 'change-router',

  async run(instances, books) {
    for (const operations of byVm(books, instances)) {
      const [first] = operations;
      if (first === undefined) continue;
      const vm = vmOf(books, first);
      if (!vm.unsettled) sendRevision(books, vm, operations);
      else if (operations.some(({ revision }) => revision !== vm.revision)) {
        throw new Error(`VM ${vm.id} has a revision on its way that is not of operation ${first.id}`);
      } // else: asked already
    }
    return new Map(instances.map(({ id }) => [id, waiting]));
  },

  async undo(instances, books) {
    for (const operations of byVm(books, instances)) {
      const vm = operations[0] && books.vms.get(operations[0].vmId);
      if (vm?.unsettled && operations.some(({ revision }) => revision === vm.revision)) takeBack(books, vm, operations);
    }
  },
};
