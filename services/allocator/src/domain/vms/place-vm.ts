import { invalid } from '../check-fields.ts';
import { parsePrefix } from '../ipv4.ts';
import { includes, type NumberRange } from '../number-range.ts';
import type { ProvisionRequest } from '../operations/operation.ts';
import { knownSubnets, type VmSubnet } from '../pools/known-subnets.ts';
import type { PoolDirectory } from '../pools/pool-directory.ts';
import { type Router, siteOf } from '../routers/router.ts';
import type { Sources } from '../values/choose-values.ts';
import type { RouterSite, Vm } from './vm.ts';

/** Where a new VM's lines go on its router, and where its values come from. */
export interface Placed {
  readonly site: RouterSite;
  readonly sources: Sources;
}

type Wish = Pick<ProvisionRequest, 'addressRange' | 'pools'>;

/**
 * Finds a VM's pools and, with them, its place in the network. Throws UNKNOWN_POOL, `invalid` when the wished addresses are of no subnet
 * that is known, and `unavailable` before the router's place is known.
 */
export function placeVm(
  router: Router,
  pools: PoolDirectory,
  { addressRange, pools: named }: Wish,
  group: string,
): Placed {
  const who = { router: router.name, group };
  const address = pools.source(who, 'ip-pools', named.ip, 'pool');
  const ports = pools.source(who, 'port-pools', named.port, 'port_pool');
  const rules = pools.source(who, 'rule-pools', named.rule, 'rule_pool');
  const site: RouterSite = { ...siteOf(router), ...address.pool?.site, ...ports.pool?.site };
  const subnet =
    addressRange && subnetOfRange(addressRange, { network: site.dhcpNetwork, subnet: site.dhcpSubnet }, router, pools);
  const inPool = subnet === undefined || subnet.subnet === site.dhcpSubnet;
  return {
    site: subnet ? { ...site, dhcpNetwork: subnet.network, dhcpSubnet: subnet.subnet } : site,
    sources: {
      router: router.name,
      externalIp: site.externalIp,
      // A pool's VMs are in one subnet: a range of another one is of no pool, or not to be had.
      address: inPool || address.only ? address : { pool: undefined, only: false },
      ports,
      rules,
    },
  };
}

/** The subnet that a wished range lies in: the pool's own before others. */
function subnetOfRange(
  range: NumberRange,
  own: Omit<VmSubnet, 'gateway'>,
  router: Router,
  pools: PoolDirectory,
): Omit<VmSubnet, 'gateway'> {
  const ofPools = pools
    .onRouter(router.name)
    .flatMap(({ site: { dhcpNetwork, dhcpSubnet } }) =>
      dhcpNetwork !== undefined && dhcpSubnet !== undefined ? [{ network: dhcpNetwork, subnet: dhcpSubnet }] : [],
    );
  const known = [own, ...knownSubnets(router), ...ofPools];
  const found = known.find(({ subnet }) => {
    const prefix = parsePrefix(subnet);
    return prefix && includes(prefix, range);
  });
  if (found) return found;
  const subnets = [...new Set(known.map(({ subnet }) => subnet))].join(', ');
  throw invalid([{ field: 'ip_range', message: `must lie within a DHCP subnet of the router: ${subnets}` }]);
}

/**
 * Where a VM gets further values from: the pools that its first ones are of. Of a pool that is gone: its group's default, as far as that
 * is on the VM's external address.
 */
export function sourcesOf(vm: Vm, pools: PoolDirectory): Sources {
  const { router, ownerGroup, site } = vm;
  const fallback = pools.defaultFor(router, 'port-pools', ownerGroup);
  const onSameAddress = fallback?.site.externalIp === undefined || fallback.site.externalIp === site.externalIp;
  const known = (pool: { readonly id: string } | null) => (pool ? pools.byId(pool.id) : undefined);
  return {
    router,
    externalIp: site.externalIp,
    address: { pool: known(vm.ipPool), only: vm.ipPool !== null },
    ports: { pool: known(vm.portPool) ?? (onSameAddress ? fallback : undefined), only: false },
    rules: { pool: known(vm.rulePool) ?? pools.defaultFor(router, 'rule-pools', ownerGroup), only: false },
  };
}
