import { DomainError } from '@berth/errors';
import { failed, type Saga, type StepOutcome } from '@berth/saga';
import { claimTaken } from '../../domain/errors.ts';
import { type Forward, moveBlock } from '../../domain/forwards/forward.ts';
import { blockLength } from '../../domain/forwards/new-forwards.ts';
import { formatIpv4 } from '../../domain/ipv4.ts';
import type { Operation, ProvisionRequest } from '../../domain/operations/operation.ts';
import { nameOf, type Source } from '../../domain/pools/pool-directory.ts';
import type { Chosen, Demand } from '../../domain/values/choose-values.ts';
import { demandsFor, toHoldings, withTaken } from '../../domain/values/holdings.ts';
import { type Placed, placeVm } from '../../domain/vms/place-vm.ts';
import type { PoolRef } from '../../domain/vms/vm.ts';
import { claimsOf, type IdentityClaim } from '../../domain/vms/vm-update.ts';
import { latest, mayHaveStood } from '../operation-progress.ts';
import type { Books, Holder } from '../ports.ts';
import { changeRouter } from '../routers/change-router.ts';
import { takeClaims } from '../values/take-claims.ts';
import { markActive } from './mark-active.ts';

/** A provision that is still to get its values. */
interface Asking extends Placed {
  readonly operation: Operation;
  readonly request: ProvisionRequest;
}

const newHolder = ({ vmId, vmName, ownerGroup }: Operation): Holder => ({ vmId, vmName, ownerGroup });

const claimsFor = ({ operation: { vmId }, request, site }: Asking): IdentityClaim[] => {
  const { vmName: name, macAddress, hostname, router } = request;
  return claimsOf({ name, macAddress, hostname }, { vmId, router, dhcpSubnet: site.dhcpSubnet });
};

/** Ports and rule numbers of its forwards, and the block of which each of them has one. */
function demandOf({ request }: Asking): Demand {
  const { ports, rules } = demandsFor(request.forwards, [], request.portRange);
  const block = { slot: '', count: blockLength(request.forwards) };
  return { address: { within: request.addressRange }, ports, rules: [block, ...rules] };
}

const refOf = ({ pool }: Source): PoolRef | null => (pool ? { id: pool.id, name: nameOf(pool) } : null);

function putVm(books: Books, { operation, request, site, sources }: Asking, chosen: Chosen): void {
  const { address } = chosen;
  const rules = chosen.rules.get('');
  if (address === undefined || rules === undefined) throw new Error('an address and rule numbers were asked for');
  const forwards = moveBlock(withTaken(request.forwards, chosen.taken), rules.first);
  books.vms.put({
    id: operation.vmId,
    name: request.vmName,
    macAddress: request.macAddress,
    hostname: request.hostname,
    router: request.router,
    site,
    internalIp: formatIpv4(address),
    rules,
    portRange: request.portRange ?? null,
    ipPool: chosen.addressOfPool ? refOf(sources.address) : null,
    portPool: refOf(sources.ports),
    rulePool: refOf(sources.rules),
    metadata: request.metadata,
    ownerGroup: operation.ownerGroup,
    state: 'provisioning',
    // The router has confirmed none; those of the template are known by name already.
    forwards: forwards.filter(({ ofTemplate }) => ofTemplate).map(withoutNumbers),
    wanted: null,
    unsettled: false,
    revision: 0,
    incarnation: books.incarnation,
    version: 0,
    createdAt: books.now,
    updatedAt: books.now,
  });
  const { vmName: name, macAddress, hostname } = request;
  const reserved = toHoldings(chosen.taken);
  books.operations.put({ ...operation, wanted: { name, macAddress, hostname, forwards }, reserved });
}

/** A forward as one that never stood. */
const withoutNumbers = (forward: Forward): Forward => ({
  ...forward,
  state: 'absent',
  external: null,
  ownRules: null,
});

/** Takes address, ports and rule numbers, all of a VM's or none. */
async function takeValues(books: Books, asking: readonly Asking[], outcomes: Map<string, StepOutcome>): Promise<void> {
  const chosen = await books.values.reserve(
    asking.map((one) => ({ holder: newHolder(one.operation), demand: demandOf(one), sources: one.sources })),
  );
  for (const [index, one] of asking.entries()) {
    const result = chosen[index];
    if (result instanceof DomainError) outcomes.set(one.operation.id, failed(result));
    else if (result) putVm(books, one, result);
  }
}

/** A VM gets all of its values, its lines on the router, and is there; or nothing of it stays. */
export const provisionVm: Saga<Operation, Books> = {
  name: 'provision-vm',
  pivot: changeRouter.name,
  steps: [
    {
      name: 'reserve-values',
      async run(instances, books) {
        const outcomes = new Map<string, StepOutcome>();
        await books.vms.load(instances.map(({ vmId }) => vmId));
        const pools = await books.pools();
        const asking: Asking[] = [];
        for (const operation of latest(books, instances)) {
          const { request, wanted, vmId } = operation;
          if (wanted !== null) continue; // holds its values already
          if (books.vms.get(vmId)) outcomes.set(operation.id, failed(claimTaken('vm_id', vmId)));
          else if (request === undefined) throw new Error(`operation ${operation.id} has lost its request`);
          else {
            const router = books.routers.get(request.router);
            if (router === undefined) throw new Error(`the router ${request.router} is not locked`);
            asking.push({ operation, request, ...placeVm(router, pools, request, operation.ownerGroup) });
          }
        }
        const lost = await takeClaims(
          books,
          asking.map((one) => ({ operation: one.operation, claims: claimsFor(one) })),
        );
        for (const [id, { kind, shown }] of lost) outcomes.set(id, failed(claimTaken(kind, shown)));
        await takeValues(
          books,
          asking.filter(({ operation }) => !lost.has(operation.id)),
          outcomes,
        );
        return outcomes;
      },
      async undo(instances, books) {
        // One that never got a VM of its own, because its id was another's, must not give up what that one holds.
        const own = latest(books, instances).filter(({ wanted, vmId }) => wanted !== null || !books.vms.get(vmId));
        await books.claims.release(own.map(({ vmId }) => vmId));
        for (const how of ['quarantine', 'free'] as const) {
          const given = own
            .filter((operation) => mayHaveStood(operation) === (how === 'quarantine'))
            .map((operation) => ({
              router: operation.router,
              externalIp: '',
              holder: newHolder(operation),
              holdings: undefined,
            }));
          await books.values.release(given, how);
        }
        for (const { vmId, revision } of own) {
          const vm = books.vms.get(vmId);
          if (vm && revision === 0) books.vms.forget(vmId);
          else if (vm) books.vms.put({ ...vm, state: 'failed', wanted: null, updatedAt: books.now });
        }
      },
    },
    changeRouter,
    markActive,
  ],
};
