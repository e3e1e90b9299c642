import type { Saga } from '@berth/saga';
import type { Operation } from '../../domain/operations/operation.ts';
import { latest, vmOf } from '../operation-progress.ts';
import { type Books, holderOf } from '../ports.ts';
import { changeRouter } from '../routers/change-router.ts';

/** A VM's lines leave the router; then its name and MAC are free and the rest is in quarantine. Refused, it stays as it was. */
export const decommissionVm: Saga<Operation, Books> = {
  name: 'decommission-vm',
  pivot: changeRouter.name,
  steps: [
    changeRouter,
    {
      name: 'release-values',
      async run(instances, books) {
        const operations = latest(books, instances);
        for (const operation of operations) {
          const vm = vmOf(books, operation);
          books.vms.put({ ...vm, state: 'removed', wanted: null, unsettled: false, updatedAt: books.now });
        }
        await books.claims.release(operations.map(({ vmId }) => vmId));
        await books.values.release(
          operations.map((operation) => {
            const vm = vmOf(books, operation);
            return {
              router: vm.router,
              externalIp: vm.site.externalIp,
              holder: holderOf(vm),
              holdings: undefined,
            };
          }),
          'quarantine',
        );
        return new Map();
      },
      // No undo: the router has let go of it.
    },
  ],
};
