import { DomainError } from '@berth/errors';
import { failed, type Saga, type StepOutcome } from '@berth/saga';
import { type AdoptionRequest, addressOf, valuesOfForward } from '../../domain/adoption/adoption.ts';
import { claimTaken } from '../../domain/errors.ts';
import type { Forward } from '../../domain/forwards/forward.ts';
import type { NumberRange } from '../../domain/number-range.ts';
import type { Operation } from '../../domain/operations/operation.ts';
import { nameOf, type PoolDirectory, type Source } from '../../domain/pools/pool-directory.ts';
import { type Placed, placeVm } from '../../domain/vms/place-vm.ts';
import type { PoolRef, RouterSite } from '../../domain/vms/vm.ts';
import { claimsOf, type IdentityClaim } from '../../domain/vms/vm-update.ts';
import { latest } from '../operation-progress.ts';
import type { Books, TakenOver } from '../ports.ts';
import { changeRouter } from '../routers/change-router.ts';
import { markActive } from './mark-active.ts';

/** An adoption that is still to get its values. */
interface Adopting {
  readonly operation: Operation;
  readonly request: AdoptionRequest;
  readonly site: RouterSite;
  readonly sources: Placed['sources'];
}

const anywhere = { addressRange: undefined, pools: { ip: '', port: '', rule: '' } } as const;

/** Its lines stay where they stand: in the mapping's subnet, on the external address that its rules name. */
function placeOf(operation: Operation, request: AdoptionRequest, books: Books, pools: PoolDirectory): Adopting {
  const router = books.routers.get(request.router);
  if (router === undefined) throw new Error(`the router ${request.router} is not locked`);
  const { site, sources } = placeVm(router, pools, anywhere, operation.ownerGroup);
  const named = request.forwards.map(({ form }) => form?.destinationAddress ?? '').find((address) => address !== '');
  const { network: dhcpNetwork, subnet: dhcpSubnet } = request.mapping;
  return {
    operation,
    request,
    site: { ...site, dhcpNetwork, dhcpSubnet, externalIp: named ?? site.externalIp },
    sources,
  };
}

/** Names and MAC: the VM's name must be free, the others are the mapping's. Those that lost one are named, with what they lost. */
async function takeNames(books: Books, asking: readonly Adopting[]): Promise<ReadonlyMap<string, IdentityClaim>> {
  const claims = asking.map(({ operation: { vmId }, request, site }) => {
    const { vmName: name, macAddress, hostname, router } = request;
    return claimsOf({ name, macAddress, hostname }, { vmId, router, dhcpSubnet: site.dhcpSubnet });
  });
  const isName = ({ kind }: IdentityClaim) => kind === 'vm_name';
  const all = claims.flat();
  const lost = [
    ...(await books.claims.take(all.filter(isName))),
    ...(await books.claims.takeOver(all.filter((claim) => !isName(claim)))),
  ];
  return new Map(
    asking.flatMap(({ operation }, place) => {
      const own = claims[place]?.find((claim) =>
        lost.some((one) => one.vmId === claim.vmId && one.kind === claim.kind),
      );
      return own ? [[operation.id, own] as const] : [];
    }),
  );
}

/** A VM without rules needs a rule number as its block; others have that of their lowest rule. */
async function blocksOf(
  books: Books,
  asking: readonly Adopting[],
): Promise<ReadonlyMap<string, NumberRange | DomainError>> {
  const blocks = new Map<string, NumberRange | DomainError>();
  for (const { operation, request } of asking) {
    const [lowest] = request.forwards;
    if (lowest?.ownRules) blocks.set(operation.id, lowest.ownRules);
  }
  const without = asking.filter(({ operation }) => !blocks.has(operation.id));
  const chosen = await books.values.reserve(
    without.map(({ operation: { vmId, vmName, ownerGroup }, sources }) => ({
      holder: { vmId, vmName, ownerGroup },
      demand: { address: undefined, ports: [], rules: [{ slot: '', count: 1 }] },
      sources,
    })),
  );
  for (const [place, { operation }] of without.entries()) {
    const result = chosen[place];
    if (result instanceof DomainError) blocks.set(operation.id, result);
    else if (result) blocks.set(operation.id, result.rules.get('') ?? { first: 0, last: 0 });
  }
  return blocks;
}

/** The first forward has the number of the VM's block, the others theirs. */
const inBlock = (forwards: readonly Forward[]): readonly Forward[] =>
  forwards.map((forward, place) =>
    place === 0 ? { ...forward, blockRule: forward.ownRules?.first ?? null, ownRules: null } : forward,
  );

const takenOver = ({ operation: { vmId }, request }: Adopting): TakenOver => ({
  vmId,
  router: request.router,
  values: [
    addressOf(request.mapping),
    ...request.forwards.flatMap((forward, place) =>
      valuesOfForward(forward).map((value) => (place === 0 && value.kind === 'rule' ? { ...value, slot: '' } : value)),
    ),
  ],
});

const refOf = ({ pool }: Source): PoolRef | null => (pool ? { id: pool.id, name: nameOf(pool) } : null);

function putVm(
  books: Books,
  { operation, request, site, sources }: Adopting,
  rules: NumberRange,
  ipPool: PoolRef | null,
) {
  const { vmName: name, macAddress, hostname, mapping, metadata } = request;
  const forwards = inBlock(request.forwards);
  const onDefaultAddress = sources.externalIp === site.externalIp;
  books.vms.put({
    ...{ id: operation.vmId, name, macAddress, hostname, router: request.router, site, rules, metadata },
    internalIp: mapping.ipAddress,
    portRange: null,
    ipPool,
    portPool: onDefaultAddress ? refOf(sources.ports) : null,
    rulePool: refOf(sources.rules),
    ownerGroup: operation.ownerGroup,
    state: 'provisioning',
    forwards: [],
    wanted: null,
    unsettled: false,
    revision: 0,
    incarnation: books.incarnation,
    version: 0,
    adopted: { macAsWritten: mapping.macAddress, extra: mapping.extra },
    createdAt: books.now,
    updatedAt: books.now,
  });
  books.operations.put({ ...operation, wanted: { name, macAddress, hostname, forwards } });
}

/** Takes over names and values, all of a VM's or none, and makes the VM of them. */
async function takeOver(books: Books, asking: readonly Adopting[], outcomes: Map<string, StepOutcome>): Promise<void> {
  const pools = await books.pools();
  const lost = await takeNames(books, asking);
  for (const [id, { kind, shown }] of lost) outcomes.set(id, failed(claimTaken(kind, shown)));
  const named = asking.filter(({ operation }) => !lost.has(operation.id));
  const blocks = await blocksOf(books, named);
  const placed = named.flatMap((one) => {
    const block = blocks.get(one.operation.id);
    if (block instanceof DomainError) outcomes.set(one.operation.id, failed(block));
    return block === undefined || block instanceof DomainError ? [] : [{ one, block }];
  });
  const results = await books.values.takeOver(placed.map(({ one }) => takenOver(one)));
  for (const [place, { one, block }] of placed.entries()) {
    const { error, addressPool = null } = results[place] ?? {};
    const pool = addressPool === null ? undefined : pools.byId(addressPool);
    if (error) outcomes.set(one.operation.id, failed(error));
    else putVm(books, one, block, pool ? { id: pool.id, name: nameOf(pool) } : null);
  }
}

/**
 * A mapping and rules that people made become a VM in the books, and then, if they stand as they were found, Berth's on the router. What the
 * driver does not find so is others' again.
 */
export const adoptVm: Saga<Operation, Books> = {
  name: 'adopt-vm',
  pivot: changeRouter.name,
  steps: [
    {
      name: 'take-over-values',
      async run(instances, books) {
        const outcomes = new Map<string, StepOutcome>();
        await books.vms.load(instances.map(({ vmId }) => vmId));
        const pools = await books.pools();
        const asking: Adopting[] = [];
        for (const operation of latest(books, instances)) {
          const { adoption, wanted, vmId, id } = operation;
          if (wanted !== null) continue; // holds its values already
          if (books.vms.get(vmId)) outcomes.set(id, failed(claimTaken('vm_id', vmId)));
          else if (adoption === undefined) throw new Error(`operation ${id} has lost its request`);
          else asking.push(placeOf(operation, adoption, books, pools));
        }
        await takeOver(books, asking, outcomes);
        return outcomes;
      },
      async undo(instances, books) {
        // One that never got a VM of its own, because its id was another's, must not give up what that one holds.
        const own = latest(books, instances).filter(({ wanted, vmId }) => wanted !== null || !books.vms.get(vmId));
        await books.claims.release(own.map(({ vmId }) => vmId));
        // Not ours on the router: at once others' again, and nobody's in between.
        await books.values.release(
          own.map(({ router, vmId, vmName, ownerGroup }) => {
            return { router, externalIp: '', holder: { vmId, vmName, ownerGroup }, holdings: undefined };
          }),
          'free',
        );
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
