import { again, failed, resumeSaga, type Saga } from '@berth/saga';
import { operationCancelled } from '../../domain/errors.ts';
import type { Operation } from '../../domain/operations/operation.ts';
import { progressIn, vmOf } from '../operation-progress.ts';
import type { Books } from '../ports.ts';
import { sendRevision } from '../routers/change-router.ts';

/** How to go on with operations. */
interface Going {
  /** All open operations of the VM. */
  readonly open: readonly Operation[];
  readonly sagaOf: (operation: Operation) => Saga<Operation, Books>;
}

/**
 * The driver has taken back the revision that carried these operations of one VM: those that should be cancelled are undone, and the others
 * wait to be sent again. A provision behind which the VM's removal waits is one that should: nobody will miss it. When none should any
 * more, because the removal was cancelled itself meanwhile, the same is sent once more.
 */
export async function takeBackWithdrawn(
  books: Books,
  operations: readonly Operation[],
  { open, sagaOf }: Going,
): Promise<void> {
  const [first] = operations;
  if (first === undefined) return;
  const removed = open.some(
    ({ vmId, kind, state }) => vmId === first.vmId && kind === 'decommission-vm' && state === 'pending',
  );
  const shouldEnd = ({ cancelAsked, kind }: Operation) => cancelAsked || (kind === 'provision-vm' && removed);
  if (!operations.some(shouldEnd)) {
    sendRevision(books, vmOf(books, first), operations);
    return;
  }
  const resumed = operations.map((instance) => {
    books.operations.put({ ...instance, refusal: { stood: false, withdrawn: true } });
    const outcome = shouldEnd(instance) ? failed(operationCancelled()) : again;
    return { instance, step: instance.step, outcome };
  });
  await resumeSaga(sagaOf(first), resumed, { deps: books, store: progressIn(books) });
}
