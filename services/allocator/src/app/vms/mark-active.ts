import type { Step } from '@berth/saga';
import type { Operation } from '../../domain/operations/operation.ts';
import { latest, vmOf } from '../operation-progress.ts';
import type { Books } from '../ports.ts';

/** What the router has confirmed of a new VM is what it is. */
export const markActive: Step<Operation, Books> = {
  name: 'mark-active',
  async run(instances, books) {
    for (const operation of latest(books, instances)) {
      const vm = vmOf(books, operation);
      if (!vm.unsettled) continue;
      const settled = { wanted: null, unsettled: false, updatedAt: books.now };
      books.vms.put({ ...vm, ...vm.wanted, ...settled, state: 'active' });
    }
    return new Map();
  },
  // No undo: the router holds it; this only says so.
};
