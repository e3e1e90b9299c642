import { failed, finished, type Saga, type StepOutcome } from '@berth/saga';
import { vmNotFound } from '../../domain/errors.ts';
import type { Operation } from '../../domain/operations/operation.ts';
import { vmUnsettled } from '../../domain/plans/plan.ts';
import type { PoolDirectory } from '../../domain/pools/pool-directory.ts';
import { nameOf } from '../../domain/pools/pool-directory.ts';
import { isAs, type RestoreRequest, restoreBlocked, valuesOfRestored } from '../../domain/restore/restore.ts';
import { holdingsOf, withoutHoldings } from '../../domain/values/holdings.ts';
import { isAlive, type PoolRef, type Vm, type Wanted } from '../../domain/vms/vm.ts';
import { claimsOf, type IdentityClaim, sameIdentity } from '../../domain/vms/vm-update.ts';
import { settleForwards } from '../forwards/change-ports.ts';
import { latest, mayHaveStood, vmOf } from '../operation-progress.ts';
import { type Books, type GivenUp, type Holder, holderOf } from '../ports.ts';
import { changeRouter } from '../routers/change-router.ts';
import { keepNeeded, withRecord } from './update-vm.ts';

/** A VM that is to be what it was. */
interface Restoring {
  readonly operation: Operation;
  readonly request: RestoreRequest;
  readonly claims: readonly IdentityClaim[];
}

const newHolder = ({ vmId, vmName, ownerGroup }: Operation): Holder => ({ vmId, vmName, ownerGroup });

const wantedOf = ({ vmName: name, macAddress, hostname, forwards }: RestoreRequest): Wanted => ({
  ...{ name, macAddress, hostname, forwards },
});

/** What was a pool's goes back to that pool, as long as there is one of that id or name. */
function poolOf(pools: PoolDirectory, router: string, ref: PoolRef | null): PoolRef | null {
  const pool = ref && pools.known(router, ref);
  return pool ? { id: pool.id, name: nameOf(pool) } : null;
}

function madeAnew(books: Books, pools: PoolDirectory, { operation, request }: Restoring): Vm {
  const { vmName: name, macAddress, hostname, router, site, internalIp, rules, portRange, metadata, adopted } = request;
  return {
    ...{ id: operation.vmId, name, macAddress, hostname, router, site, internalIp, rules, portRange, metadata },
    ipPool: poolOf(pools, router, request.ipPool),
    portPool: poolOf(pools, router, request.portPool),
    rulePool: poolOf(pools, router, request.rulePool),
    ownerGroup: operation.ownerGroup,
    state: 'provisioning',
    forwards: [],
    wanted: null,
    unsettled: false,
    revision: 0,
    incarnation: books.incarnation,
    version: 0,
    ...(adopted && { adopted: { ...adopted, anew: true } }),
    createdAt: books.now,
    updatedAt: books.now,
  };
}

/** Says which of these cannot be begun, and why; the others. */
function begin(books: Books, instances: readonly Operation[], outcomes: Map<string, StepOutcome>): Restoring[] {
  return latest(books, instances).flatMap((operation): Restoring[] => {
    const { restore: request, wanted, vmId, id } = operation;
    if (wanted !== null) return []; // holds its values already
    if (request === undefined) throw new Error(`operation ${id} has lost its request`);
    const vm = books.vms.get(vmId);
    if (!request.isNew && (vm === undefined || !isAlive(vm))) outcomes.set(id, failed(vmNotFound(request.vmName)));
    else if (vm && (request.isNew || vm.unsettled)) outcomes.set(id, failed(vmUnsettled(vm.name)));
    if (outcomes.has(id)) return [];
    const { vmName: name, macAddress, hostname, router, site, forwards } = request;
    const reserved = vm ? withoutHoldings(holdingsOf(forwards), holdingsOf(vm.forwards)) : [];
    books.operations.put({ ...operation, reserved });
    const claims = claimsOf({ name, macAddress, hostname }, { vmId, router, dhcpSubnet: site.dhcpSubnet });
    return [{ operation: { ...operation, reserved }, request, claims }];
  });
}

/** Takes names and values, all of a VM's or none; what is in the way is told whole. */
async function takeAll(
  books: Books,
  asking: readonly Restoring[],
  outcomes: Map<string, StepOutcome>,
): Promise<Restoring[]> {
  const lost = await books.claims.take(asking.flatMap(({ claims }) => claims));
  const values = await books.values.takeBack(
    asking.map(({ operation, request }) => ({
      ...{ holder: newHolder(operation), router: request.router, formerId: request.formerId },
      values: valuesOfRestored(request),
    })),
  );
  const taken: Restoring[] = [];
  for (const [place, one] of asking.entries()) {
    const names = lost.filter(({ vmId }) => vmId === one.operation.vmId);
    const blocked = [...(await books.claims.holders(names)), ...(values[place] ?? [])];
    if (blocked.length > 0) outcomes.set(one.operation.id, failed(restoreBlocked(one.request.vmName, blocked)));
    else taken.push(one);
  }
  return taken;
}

function put(books: Books, pools: PoolDirectory, one: Restoring, outcomes: Map<string, StepOutcome>): void {
  const { operation, request } = one;
  const wanted = wantedOf(request);
  if (request.isNew) {
    books.vms.put(madeAnew(books, pools, one));
    books.operations.put({ ...operation, wanted });
    return;
  }
  const vm = vmOf(books, operation);
  const after = withRecord(vm, operation);
  const stays = sameIdentity(vm, wanted) && isAs(vm, { ...vm, forwards: wanted.forwards });
  if (stays) {
    books.vms.put({ ...after, updatedAt: books.now });
    outcomes.set(operation.id, finished);
    return;
  }
  books.operations.put({ ...operation, wanted });
}

const givenUp = (operation: Operation, vm: Vm | undefined): GivenUp => ({
  router: operation.router,
  externalIp: vm?.site.externalIp ?? '',
  holder: vm ? holderOf(vm) : newHolder(operation),
  holdings: operation.update === null ? undefined : operation.reserved,
});

/** A VM is what it was, with every value that it had: made anew, or changed back. Refused, all is as before. */
export const restoreVm: Saga<Operation, Books> = {
  name: 'restore-vm',
  pivot: changeRouter.name,
  steps: [
    {
      name: 'take-back-values',
      async run(instances, books) {
        const outcomes = new Map<string, StepOutcome>();
        await books.vms.load(instances.map(({ vmId }) => vmId));
        const asking = begin(books, instances, outcomes);
        const taken = await takeAll(books, asking, outcomes);
        const pools = await books.pools();
        for (const one of taken) put(books, pools, one, outcomes);
        return outcomes;
      },
      async undo(instances, books) {
        // One that never got a VM of its own, because its id was another's, must not give up what that one holds.
        const operations = latest(books, instances).filter(
          ({ update, wanted, vmId }) => update !== null || wanted !== null || !books.vms.get(vmId),
        );
        const made = operations.filter(({ update }) => update === null);
        const changed = operations.filter(({ update }) => update !== null);
        await books.claims.release(made.map(({ vmId }) => vmId));
        await keepNeeded(books, vmsOf(books, changed), changed);
        for (const how of ['quarantine', 'free'] as const) {
          const given = operations.filter((operation) => mayHaveStood(operation) === (how === 'quarantine'));
          await books.values.release(
            given.map((operation) => givenUp(operation, books.vms.get(operation.vmId))),
            how,
          );
        }
        for (const { vmId, revision } of made) {
          const vm = books.vms.get(vmId);
          if (vm && revision === 0) books.vms.forget(vmId);
          else if (vm) books.vms.put({ ...vm, state: 'failed', wanted: null, updatedAt: books.now });
        }
      },
    },
    changeRouter,
    {
      name: 'settle-restored',
      async run(instances, books) {
        const settled = latest(books, instances).flatMap((operation) => {
          const vm = vmOf(books, operation);
          if (!vm.unsettled) return [];
          if (operation.update === null) {
            const end = { wanted: null, unsettled: false, state: 'active', updatedAt: books.now } as const;
            books.vms.put({ ...vm, ...operation.wanted, ...end });
            return [];
          }
          const values = settleForwards(books, vm, [operation]);
          books.vms.put(withRecord(vmOf(books, operation), operation));
          return [values];
        });
        await books.values.release(
          settled.map(({ stood }) => stood),
          'quarantine',
        );
        await books.values.release(
          settled.map(({ neverStood }) => neverStood),
          'free',
        );
        await books.values.rename(settled.map(({ renamed }) => renamed));
        const changed = latest(books, instances).filter(({ update }) => update !== null);
        await keepNeeded(books, vmsOf(books, changed), changed);
        return new Map();
      },
      // No undo: the router holds it; this only says so.
    },
  ],
};

const vmsOf = (books: Books, operations: readonly Operation[]): Vm[] =>
  operations.flatMap(({ vmId }) => books.vms.get(vmId) ?? []);
