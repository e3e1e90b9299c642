import { toDomainError } from '@berth/errors';
import { failed, type Progress, resumeSaga, runSaga, type Saga } from '@berth/saga';
import { vmNotFound } from '../../domain/errors.ts';
import type { Operation, OperationKind } from '../../domain/operations/operation.ts';
import { isAlive, type Vm } from '../../domain/vms/vm.ts';
import { changePorts } from '../forwards/change-ports.ts';
import { progressIn } from '../operation-progress.ts';
import type { Books } from '../ports.ts';
import { decommissionVm } from '../vms/decommission-vm.ts';
import { updateVm } from '../vms/update-vm.ts';
import type { StartAttempt } from './start-attempt.ts';

const ofForwards = ({ kind }: Operation): boolean => kind === 'change-ports' || kind === 'change-forwards';

/** Those at the head of a VM's queue that go as its next revision: changes of forwards together, any other alone. */
function nextTogether(waiting: readonly Operation[], { oneByOne }: StartAttempt): readonly Operation[] {
  const [head] = waiting;
  if (head === undefined) return [];
  if (!ofForwards(head) || head.alone || oneByOne) return [head];
  const end = waiting.findIndex((operation) => !ofForwards(operation) || operation.alone);
  return end < 0 ? waiting : waiting.slice(0, end);
}

/** How what waited for a VM ends when that is gone: what should remove it has what it wanted if the VM never came to be. */
const endWithout = (vm: Vm, { kind }: Operation): Progress =>
  kind === 'decommission-vm' && vm.state === 'failed'
    ? { state: 'succeeded' }
    : { state: 'failed', error: vmNotFound(vm.name) };

const sagas: readonly (readonly [Saga<Operation, Books>, readonly OperationKind[]])[] = [
  [changePorts, ['change-ports', 'change-forwards']],
  [updateVm, ['update-vm']],
  [decommissionVm, ['decommission-vm']],
];

/** Starts these; those that broke an attempt before fail instead. */
async function start(books: Books, starting: readonly Operation[], attempt: StartAttempt): Promise<void> {
  const options = { deps: books, store: progressIn(books) };
  const broken = starting.filter((operation) => attempt.errorOf(operation));
  const sound = starting.filter((operation) => !attempt.errorOf(operation));
  for (const [saga, kinds] of sagas) {
    const ofSaga = ({ kind }: Operation) => kinds.includes(kind);
    const failing = broken.filter(ofSaga).map((instance) => ({
      instance,
      step: saga.steps[0]?.name ?? '',
      outcome: failed(toDomainError(attempt.errorOf(instance))),
    }));
    await resumeSaga(saga, failing, options);
    await attempt.each(sound.filter(ofSaga), async (operations) => {
      await runSaga(saga, operations, options);
    });
  }
}

/** Starts what waited for these VMs, as far as they are settled: in the transaction that settled them. */
export async function startWaiting(books: Books, vmIds: readonly string[], attempt: StartAttempt): Promise<void> {
  for (;;) {
    const open = (await books.operations.openOf(vmIds)).filter(({ state }) => state === 'pending');
    const store = progressIn(books);
    const starting: Operation[] = [];
    for (const [vmId, waiting] of Map.groupBy(open, (operation) => operation.vmId)) {
      const vm = books.vms.get(vmId);
      if (vm === undefined || vm.unsettled) continue;
      if (isAlive(vm)) starting.push(...nextTogether(waiting, attempt));
      else await store.save(waiting.map((instance) => ({ instance, progress: endWithout(vm, instance) })));
    }
    if (starting.length === 0) return;
    // Each round ends the first operation of a queue or sends its VM's revision, so this comes to an end.
    await start(books, starting, attempt);
  }
}
