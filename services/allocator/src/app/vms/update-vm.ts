import { isDeepStrictEqual } from 'node:util';
import { DomainError } from '@berth/errors';
import { failed, finished, type Saga, type StepOutcome } from '@berth/saga';
import { claimTaken, poolNotForGroup } from '../../domain/errors.ts';
import type { Operation } from '../../domain/operations/operation.ts';
import { nameOf } from '../../domain/pools/pool-directory.ts';
import { assertAvailable } from '../../domain/routers/router.ts';
import { settledOf, type Vm } from '../../domain/vms/vm.ts';
import {
  claimsOf,
  type Identity,
  type IdentityClaim,
  identityAfter,
  sameIdentity,
} from '../../domain/vms/vm-update.ts';
import { latest, vmOf } from '../operation-progress.ts';
import type { Books } from '../ports.ts';
import { changeRouter, tellAgain } from '../routers/change-router.ts';
import { takeClaims } from '../values/take-claims.ts';

const updateOf = ({ id, update }: Operation) => {
  if (update === null) throw new Error(`operation ${id} says not what to change`);
  return update;
};

/** What may change what a VM is known by. */
const renames: ReadonlySet<Operation['kind']> = new Set(['update-vm', 'restore-vm']);

const heldBy = ({ id: vmId, router, site }: Vm, identity: Identity): IdentityClaim[] =>
  claimsOf(identity, { vmId, router, dhcpSubnet: site.dhcpSubnet });

/** What a VM must hold: what it is known by, and what open updates of it, each after the ones before it, will make of that. */
function neededClaims(vm: Vm, open: readonly Operation[]): IdentityClaim[] {
  const identities: Identity[] = [vm];
  for (const operation of open) {
    const last = identities.at(-1) ?? vm;
    identities.push(operation.wanted ?? (operation.update ? identityAfter(last, operation.update) : last));
  }
  return identities.flatMap((identity) => heldBy(vm, identity));
}

/** Gives up what these VMs hold beyond what they and their open updates need. */
export async function keepNeeded(books: Books, vms: readonly Vm[], ended: readonly Operation[]): Promise<void> {
  if (vms.length === 0) return;
  const endedIds = new Set(ended.map(({ id }) => id));
  const open = (await books.operations.openOf(vms.map(({ id }) => id))).filter(
    ({ id, kind }) => renames.has(kind) && !endedIds.has(id),
  );
  const kept = vms.flatMap((vm) =>
    neededClaims(
      vm,
      open.filter(({ vmId }) => vmId === vm.id),
    ),
  );
  await books.claims.keepOnly(
    vms.map(({ id }) => id),
    kept,
  );
}

/** Claims of an update that waits behind others are taken when it is accepted, so that nobody else gets them meanwhile. */
export async function reserveForLater(
  books: Books,
  operations: readonly Operation[],
): Promise<ReadonlyMap<string, IdentityClaim>> {
  if (operations.length === 0) return new Map();
  const ids = new Set(operations.map(({ id }) => id));
  const open = await books.operations.openOf(operations.map(({ vmId }) => vmId));
  const asking = operations.map((operation) => {
    const vm = vmOf(books, operation);
    const before = open.filter(({ id, kind, vmId }) => renames.has(kind) && vmId === vm.id && !ids.has(id));
    return { operation, claims: neededClaims(vm, [...before, operation]) };
  });
  const lost = await takeClaims(books, asking);
  const losers = operations.filter(({ id }) => lost.has(id));
  await keepNeeded(
    books,
    losers.map((operation) => vmOf(books, operation)),
    losers,
  );
  return lost;
}

/** Throws when the VM may not belong to the group: its values are of a pool that is for others. */
async function assertPoolsFor(books: Books, vm: Vm, group: string): Promise<void> {
  const pools = await books.pools();
  for (const ref of [vm.ipPool, vm.portPool, vm.rulePool]) {
    const pool = ref && pools.byId(ref.id);
    if (pool && pool.groups.length > 0 && !pool.groups.includes(group)) throw poolNotForGroup(nameOf(pool), group);
  }
}

/** The VM with what an update changes beside its lines on the router. */
export function withRecord(vm: Vm, { update }: Operation): Vm {
  const { metadata = vm.metadata, ownerGroup = vm.ownerGroup } = update ?? {};
  return { ...vm, metadata, ownerGroup };
}

/** An update that is to take what its VM will be known by. */
interface Asking {
  readonly operation: Operation;
  readonly vm: Vm;
  readonly identity: Identity;
  readonly claims: readonly IdentityClaim[];
}

/** What an update comes to; undefined when it is done without the router. */
async function planUpdate(books: Books, operation: Operation): Promise<Asking | undefined> {
  const vm = vmOf(books, operation);
  const update = updateOf(operation);
  const { ownerGroup } = update;
  if (ownerGroup !== undefined && ownerGroup !== vm.ownerGroup) await assertPoolsFor(books, vm, ownerGroup);
  const identity = identityAfter(vm, update);
  if (sameIdentity(identity, vm)) {
    const after = withRecord(vm, operation);
    if (after.ownerGroup !== vm.ownerGroup) tellAgain(books, after, operation);
    else if (!isDeepStrictEqual(after, vm)) books.vms.put({ ...after, updatedAt: books.now });
    return undefined;
  }
  const router = books.routers.get(vm.router);
  if (operation.impatient && router) assertAvailable(router, false);
  return { operation, vm, identity, claims: heldBy(vm, identity) };
}

/** A VM's name, MAC, mapping name, metadata or group becomes another; refused by the router, the VM is as it was. */
export const updateVm: Saga<Operation, Books> = {
  name: 'update-vm',
  pivot: changeRouter.name,
  steps: [
    {
      name: 'take-names',
      async run(instances, books) {
        const outcomes = new Map<string, StepOutcome>();
        const asking: Asking[] = [];
        const done: Operation[] = [];
        for (const operation of latest(books, instances).filter(({ wanted }) => wanted === null)) {
          try {
            const asked = await planUpdate(books, operation);
            if (asked) asking.push(asked);
            else done.push(operation);
          } catch (error) {
            if (!(error instanceof DomainError)) throw error;
            outcomes.set(operation.id, failed(error));
          }
        }
        for (const { id } of done) outcomes.set(id, finished);
        await keepNeeded(books, vmsOf(books, done), done);
        const lost = await takeClaims(books, asking);
        for (const { operation, vm, identity } of asking) {
          const claim = lost.get(operation.id);
          if (claim) outcomes.set(operation.id, failed(claimTaken(claim.kind, claim.shown)));
          else books.operations.put({ ...operation, wanted: { ...settledOf(vm), ...identity } });
        }
        return outcomes;
      },
      async undo(instances, books) {
        await keepNeeded(books, vmsOf(books, instances), instances);
      },
    },
    changeRouter,
    {
      name: 'settle-update',
      async run(instances, books) {
        const operations = latest(books, instances);
        for (const operation of operations) {
          const vm = vmOf(books, operation);
          if (!vm.unsettled) continue;
          const settled = { wanted: null, unsettled: false, updatedAt: books.now };
          books.vms.put({ ...withRecord(vm, operation), ...operation.wanted, ...settled });
        }
        await keepNeeded(books, vmsOf(books, operations), operations);
        return new Map();
      },
      // No undo: the router holds it; this only says so.
    },
  ],
};

const vmsOf = (books: Books, operations: readonly Operation[]): Vm[] =>
  operations.map((operation) => vmOf(books, operation));
