import { type Progress, runSaga } from '@berth/saga';
import { vmNotFound } from '../domain/errors.ts';
import type { Operation } from '../domain/operation.ts';
import { isAlive, type Vm } from '../domain/vm.ts';
import { changePorts } from './change-ports.ts';
import { decommissionVm } from './decommission-vm.ts';
import { progressIn } from './operation-progress.ts';
import type { Books } from './ports.ts';
import { updateVm } from './update-vm.ts';

const ofForwards = ({ kind }: Operation): boolean => kind === 'change-ports' || kind === 'change-forwards';

/** Those at the head of a VM's queue that go as its next revision: changes of forwards together, any other alone. */
function nextTogether(waiting: readonly Operation[]): readonly Operation[] {
  const [head] = waiting;
  if (head === undefined) return [];
  if (!ofForwards(head) || head.alone) return [head];
  const end = waiting.findIndex((operation) => !ofForwards(operation) || operation.alone);
  return end < 0 ? waiting : waiting.slice(0, end);
}

/** How what waited for a VM ends when that is gone: what should remove it has what it wanted if the VM never came to be. */
const endWithout = (vm: Vm, { kind }: Operation): Progress =>
  kind === 'decommission-vm' && vm.state === 'failed'
    ? { state: 'succeeded' }
    : { state: 'failed', error: vmNotFound(vm.name) };

/** Starts what waited for these VMs, as far as they are settled: in the transaction that settled them. */
export async function startWaiting(books: Books, vmIds: readonly string[]): Promise<void> {
  for (;;) {
    const open = (await books.operations.openOf(vmIds)).filter(({ state }) => state === 'pending');
    const store = progressIn(books);
    const starting: Operation[] = [];
    for (const [vmId, waiting] of Map.groupBy(open, (operation) => operation.vmId)) {
      const vm = books.vms.get(vmId);
      if (vm === undefined || vm.unsettled) continue;
      if (isAlive(vm)) starting.push(...nextTogether(waiting));
      else await store.save(waiting.map((instance) => ({ instance, progress: endWithout(vm, instance) })));
    }
    if (starting.length === 0) return;
    // Each round ends the first operation of a queue or sends its VM's revision, so this comes to an end.
    const of = (kind: Operation['kind']) => starting.filter((operation) => operation.kind === kind);
    await runSaga(changePorts, starting.filter(ofForwards), { deps: books, store });
    await runSaga(updateVm, of('update-vm'), { deps: books, store });
    await runSaga(decommissionVm, of('decommission-vm'), { deps: books, store });
  }
}
