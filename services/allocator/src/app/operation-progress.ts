import { toWire } from '@berth/errors';
import type { Progress, SagaStore } from '@berth/saga';
import { operationCancelled } from '../domain/errors.ts';
import type { Operation } from '../domain/operations/operation.ts';
import { asConfirmed, type Vm } from '../domain/vms/vm.ts';
import type { Books } from './ports.ts';

/** These operations as this transaction knows them: earlier steps may have changed them. */
export const latest = (books: Books, operations: readonly Operation[]): Operation[] =>
  operations.map((operation) => books.operations.get(operation.id) ?? operation);

/** The VM of an operation that has one. */
export function vmOf(books: Books, { id, vmId }: Operation): Vm {
  const vm = books.vms.get(vmId);
  if (vm === undefined) throw new Error(`the VM of operation ${id} is not loaded`);
  return vm;
}

/** Its values may have been live: it was sent, and no verdict says that they never stood, or an earlier one that they may have. */
export const mayHaveStood = ({ revision, refusal, stood }: Operation): boolean =>
  revision > 0 && (stood || (refusal?.stood ?? true));

/** The VM as the operation left it; for a removal: as it was. */
const resultOf = ({ kind, wanted }: Operation, vm: Vm): Vm =>
  kind === 'decommission-vm' ? asConfirmed(vm) : { ...vm, ...wanted, wanted: null, unsettled: false };

function ended(books: Books, operation: Operation, progress: Progress): Operation {
  const end = { step: '', updatedAt: books.now } as const;
  if (progress.state === 'failed') {
    const cancelled = progress.error.code === operationCancelled().code;
    if (cancelled) return { ...operation, ...end, state: 'cancelled' };
    return { ...operation, ...end, state: 'failed', error: toWire(progress.error) };
  }
  return { ...operation, ...end, state: 'succeeded', result: resultOf(operation, vmOf(books, operation)) };
}

/** Keeps each operation's progress in its own row, and tells of those that ended: all in the transaction that did the work. */
export const progressIn = (books: Books): SagaStore<Operation> => ({
  async save(progressed) {
    for (const { instance, progress } of progressed) {
      const [operation = instance] = latest(books, [instance]);
      if (progress.state === 'waiting') {
        books.operations.put({ ...operation, state: 'running', step: progress.step, updatedAt: books.now });
      } else if (progress.state === 'again') {
        // One that was sent has failed in company: its next try is its alone.
        const alone = operation.alone || (operation.revision > 0 && operation.refusal?.withdrawn !== true);
        const start = {
          state: 'pending',
          step: '',
          revision: 0,
          sentAt: null,
          wanted: null,
          reserved: [],
          stood: false,
          alone,
        } as const;
        books.operations.put({ ...operation, ...start, updatedAt: books.now });
      } else if (progress.state === 'failed' && operation.fresh) {
        books.operations.forget(operation.id); // refused: nothing is stored, the caller has the answer
      } else {
        const end = ended(books, operation, progress);
        books.operations.put(end);
        books.sendEnded(end);
      }
    }
    books.vms.beginVersion();
  },
});
