import { poolOverlap } from '../errors.ts';
import { parseAddressRange } from '../ipv4.ts';
import type { NumberRange } from '../number-range.ts';
import { except, inBoth } from '../range-sets.ts';
import type { Router } from '../routers/router.ts';
import type { SpaceKind } from '../values/choose-values.ts';
import type { RouterSite } from '../vms/vm.ts';
import { addressesOf, knownSubnets, subnetOf, usableAddresses } from './known-subnets.ts';
import { type Pool, resourceName } from './pool.ts';

/** External ports that a caller may name. Lower ones are for services of the router itself. */
export const forwardablePorts: NumberRange = { first: 1024, last: 65_535 };

/** A set of numbers in which each has one holder: of a router and kind; ports also of an external address, empty for the others. */
export interface SpaceName {
  readonly kind: SpaceKind;
  readonly externalIp: string;
}

/** What of a space a pool has; of no pool (null): what callers may ask for by range besides. */
export interface SegmentRanges {
  readonly space: SpaceName;
  readonly poolId: string | null;
  readonly ranges: readonly NumberRange[];
}

type Placed = Pick<Router, 'site' | 'gateway' | 'subnets' | 'interfaces'>;

/** The part of its VMs' place in the network that a pool decides; what it leaves out is the router's. */
export function siteOfPool({ spec }: Pick<Pool, 'spec'>, router: Placed): Partial<RouterSite> {
  switch (spec.kind) {
    case 'ip-pools': {
      const subnet = subnetOf(spec, router);
      return subnet ? { dhcpNetwork: subnet.network, dhcpSubnet: subnet.subnet } : {};
    }
    case 'port-pools': {
      const { externalIp } = spec;
      const on = router.interfaces.find(({ addresses }) =>
        addresses.some((address) => address.split('/')[0] === externalIp),
      );
      const wanInterface = spec.interface || (externalIp && on ? on.name : '');
      return { ...(externalIp && { externalIp }), ...(wanInterface && { wanInterface }) };
    }
    case 'rule-pools':
      return {};
  }
}

/** What of each space the pool can hand out: all that it is written to have, but no exclusions, network, broadcast or gateway address. */
export function segmentsOf({ id, spec }: Pick<Pool, 'id' | 'spec'>, router: Placed): SegmentRanges[] {
  switch (spec.kind) {
    case 'ip-pools': {
      const subnet = subnetOf(spec, router);
      const usable = subnet ? inBoth(addressesOf(spec), usableAddresses(subnet)) : [];
      return [{ space: { kind: 'address', externalIp: '' }, poolId: id, ranges: except(usable, spec.exclusions) }];
    }
    case 'port-pools': {
      const externalIp = spec.externalIp || router.site?.externalIp;
      if (externalIp === undefined) return [];
      const ranges = except(spec.ranges, spec.denied);
      return protocolsOf(spec).map((kind) => ({ space: { kind, externalIp }, poolId: id, ranges }));
    }
    case 'rule-pools':
      return [{ space: { kind: 'rule', externalIp: '' }, poolId: id, ranges: except(spec.ranges, spec.exclusions) }];
  }
}

/** The protocols whose ports a pool hands out: those it names, else both. */
export const protocolsOf = ({ protocols }: { readonly protocols: readonly ('tcp' | 'udp')[] }) =>
  protocols.length > 0 ? protocols : (['tcp', 'udp'] as const);

/** Who keeps a value that several pools are written to have: the older pool, and any rather than one that the settings made. */
const bySeniority = (a: Pool, b: Pool): number =>
  Number(a.fromSettings) - Number(b.fromSettings) ||
  a.createdAt.getTime() - b.createdAt.getTime() ||
  (a.id < b.id ? -1 : 1);

const keyOf = ({ kind, externalIp }: SpaceName): string => `${kind} ${externalIp}`;

/**
 * Shares out a router's numbers: no number is in two segments. Of pools that overlap the junior one goes without: a router's report must
 * not fail because its address became another's, nor a change of one pool because of two others. Only a pool that is being `written` (its
 * id) may not overlap another that people made: `conflict` POOL_OVERLAP, naming both. `spaces` are looked at besides those of pools.
 */
export function shareOut(
  router: Placed,
  pools: readonly Pool[],
  spaces: readonly SpaceName[] = [],
  written?: string,
): SegmentRanges[] {
  const shared = new Map<string, { readonly pool: Pool; readonly segment: SegmentRanges }[]>();
  for (const pool of [...pools].sort(bySeniority)) {
    for (const segment of segmentsOf(pool, router)) {
      const seniors = shared.get(keyOf(segment.space)) ?? [];
      const rivals = seniors.filter((senior) => inBoth(senior.segment.ranges, segment.ranges).length > 0);
      const refused = pool.fromSettings
        ? undefined
        : rivals.find((rival) => [rival.pool.id, pool.id].includes(written ?? ''));
      if (refused) throw poolOverlap(resourceName(refused.pool), resourceName(pool));
      const taken = rivals.flatMap((rival) => rival.segment.ranges);
      // What people exclude from their pool is not the settings' to hand out; another pool that people made may have it.
      const others = pool.fromSettings ? seniors.map((senior) => senior.pool) : [];
      const excluded = excludedFrom(segment.space, others, router);
      const own = { ...segment, ranges: except(segment.ranges, [...taken, ...excluded]) };
      shared.set(keyOf(segment.space), [...seniors, { pool, segment: own }]);
    }
  }
  const segments = [...shared.values()].flatMap((entries) => entries.map(({ segment }) => segment));
  return [...segments, ...restOf(router, pools, segments, spaces)];
}

/** What of each space a pool is written to have, and other pools have: `has` is what was shared out to it. */
export const gaveWay = (pool: Pool, router: Placed, has: readonly SegmentRanges[]): SegmentRanges[] =>
  segmentsOf(pool, router).flatMap((segment) => {
    const own = has.find(({ space }) => keyOf(space) === keyOf(segment.space));
    const ranges = except(segment.ranges, own?.ranges ?? []);
    return ranges.length > 0 ? [{ ...segment, ranges }] : [];
  });

/** What callers may ask for by range although it is of no pool. */
function restOf(
  router: Placed,
  pools: readonly Pool[],
  segments: readonly SegmentRanges[],
  spaces: readonly SpaceName[],
): SegmentRanges[] {
  const subnets = [...knownSubnets(router), ...pools.flatMap(({ spec }) => inSubnet(spec, router))];
  const gateways = subnets.flatMap(({ gateway }) => parseAddressRange(gateway) ?? []); // each is missing in its own subnet only
  const site = router.site ? [{ kind: 'tcp', externalIp: router.site.externalIp } as const] : [];
  const all = [...spaces, ...segments.map(({ space }) => space), ...site];
  const externalIps = new Set(
    all.flatMap(({ kind, externalIp }) => (kind === 'tcp' || kind === 'udp' ? externalIp : [])),
  );
  const reachable: (readonly [SpaceName, readonly NumberRange[]])[] = [
    [{ kind: 'address', externalIp: '' }, except(subnets.flatMap(usableAddresses), gateways)],
    ...[...externalIps].flatMap((externalIp) =>
      (['tcp', 'udp'] as const).map((kind) => [{ kind, externalIp }, [forwardablePorts]] as const),
    ),
  ];
  return reachable.map(([space, ranges]) => {
    const pooled = segments.filter((segment) => keyOf(segment.space) === keyOf(space));
    return {
      space,
      poolId: null,
      ranges: except(ranges, [...pooled.flatMap((segment) => segment.ranges), ...excludedFrom(space, pools, router)]),
    };
  });
}

/** What pools are written to have and never hand out. */
const excludedFrom = ({ kind, externalIp }: SpaceName, pools: readonly Pool[], { site }: Placed): NumberRange[] =>
  pools.flatMap(({ spec }) => {
    if (spec.kind === 'ip-pools') return kind === 'address' ? inBoth(addressesOf(spec), spec.exclusions) : [];
    if (spec.kind === 'rule-pools' || !protocolsOf(spec).some((protocol) => protocol === kind)) return [];
    return (spec.externalIp || site?.externalIp) === externalIp ? inBoth(spec.ranges, spec.denied) : [];
  });

const inSubnet = (spec: Pool['spec'], router: Placed) => {
  const subnet = spec.kind === 'ip-pools' ? subnetOf(spec, router) : undefined;
  return subnet ? [subnet] : [];
};
