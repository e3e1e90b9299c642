import { DomainError } from '@berth/errors';
import { failed, type Saga, type StepOutcome } from '@berth/saga';
import type { Chosen, Demand } from '../domain/choose-values.ts';
import { claimTaken } from '../domain/errors.ts';
import { newForwards, ruleCount } from '../domain/forward.ts';
import { formatIpv4 } from '../domain/ipv4.ts';
import type { Operation, ProvisionRequest } from '../domain/operation.ts';
import { type Placed, placeVm } from '../domain/place-vm.ts';
import { nameOf, type Source } from '../domain/pool-directory.ts';
import type { PoolRef } from '../domain/vm.ts';
import { changeRouter } from './change-router.ts';
import { latest, mayHaveStood, vmOf } from './operation-progress.ts';
import type { Books, Claim, Holder } from './ports.ts';

/** A provision that is still to get its values. */
interface Asking extends Placed {
  readonly operation: Operation;
  readonly request: ProvisionRequest;
}

export const holderOf = ({ vmId, vmName, ownerGroup }: Operation): Holder => ({ vmId, vmName, ownerGroup });

const claimsOf = ({ operation: { vmId }, request, site }: Asking): (Claim & { readonly shown: string })[] => {
  const claim = (kind: Claim['kind'], scope: string, shown: string) => ({
    vmId,
    kind,
    scope,
    value: shown.toLowerCase(),
    shown,
  });
  return [
    claim('vm_name', '', request.vmName),
    claim('mac', `${request.router} ${site.dhcpSubnet}`, request.macAddress),
    claim('mapping', request.router, request.hostname),
  ];
};

const demandOf = ({ request }: Asking): Demand => ({
  address: { within: request.addressRange },
  ports: request.forwards.map((wish) => ({
    slot: wish.name,
    protocol: wish.protocol ?? 'tcp',
    count: 1,
    exact: wish.externalPort,
    within: request.portRange,
  })),
  rules: [{ slot: '', count: ruleCount(request.forwards) }],
});

const refOf = ({ pool }: Source): PoolRef | null => (pool ? { id: pool.id, name: nameOf(pool) } : null);

function putVm(books: Books, { operation, request, site, sources }: Asking, chosen: Chosen): void {
  const { address, ports } = chosen;
  const rules = chosen.rules.get('');
  if (address === undefined || rules === undefined) throw new Error('an address and rule numbers were asked for');
  const forwards = newForwards(request.forwards, rules, ports);
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
    forwards: [],
    wanted: null,
    unsettled: false,
    revision: 0,
    incarnation: books.incarnation,
    version: 0,
    createdAt: books.now,
    updatedAt: books.now,
  });
  const reserved = [...ports.keys()];
  books.operations.put({ ...operation, wanted: forwards, reserved });
}

/** Takes names and MACs; gives back those whose every claim was free, and puts the others' failures into `outcomes`. */
async function takeClaims(
  books: Books,
  asking: readonly Asking[],
  outcomes: Map<string, StepOutcome>,
): Promise<Asking[]> {
  const taken = await books.claims.take(asking.flatMap(claimsOf));
  const keys = new Set(taken.map(({ vmId, kind }) => `${vmId} ${kind}`));
  return asking.filter((one) => {
    const lost = claimsOf(one).find(({ vmId, kind }) => keys.has(`${vmId} ${kind}`));
    if (lost) outcomes.set(one.operation.id, failed(claimTaken(lost.kind, lost.shown)));
    return lost === undefined;
  });
}

/** Takes address, ports and rule numbers, all of a VM's or none. */
async function takeValues(books: Books, asking: readonly Asking[], outcomes: Map<string, StepOutcome>): Promise<void> {
  const chosen = await books.values.reserve(
    asking.map((one) => ({ holder: holderOf(one.operation), demand: demandOf(one), sources: one.sources })),
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
        await takeValues(books, await takeClaims(books, asking, outcomes), outcomes);
        return outcomes;
      },
      async undo(instances, books) {
        // One that never got a VM of its own, because its id was another's, must not give up what that one holds.
        const own = latest(books, instances).filter(({ wanted, vmId }) => wanted !== null || !books.vms.get(vmId));
        await books.claims.release(own.map(({ vmId }) => vmId));
        for (const how of ['quarantine', 'free'] as const) {
          const given = own
            .filter((operation) => mayHaveStood(operation) === (how === 'quarantine'))
            .map((operation) => ({ router: operation.router, holder: holderOf(operation), slots: undefined }));
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
    {
      name: 'mark-active',
      async run(instances, books) {
        for (const operation of latest(books, instances)) {
          const vm = vmOf(books, operation);
          if (!vm.unsettled) continue;
          const forwards = vm.wanted ?? [];
          books.vms.put({ ...vm, state: 'active', forwards, wanted: null, unsettled: false, updatedAt: books.now });
        }
        return new Map();
      },
      // No undo: the router holds it; this only says so.
    },
  ],
};
