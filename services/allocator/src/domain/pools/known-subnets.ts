import { hostAddresses, parseIpv4, parsePrefix } from '../ipv4.ts';
import type { NumberRange } from '../number-range.ts';
import { except, inBoth } from '../range-sets.ts';
import type { Router } from '../routers/router.ts';
import type { IpPoolSpec } from './pool.ts';

/** A DHCP subnet that VMs can be in. */
export interface VmSubnet {
  /** The DHCP shared network; empty when nobody says. */
  readonly network: string;
  /** As a prefix. */
  readonly subnet: string;
  /** Empty when nobody says. */
  readonly gateway: string;
}

type Place = Pick<Router, 'site' | 'gateway' | 'subnets'>;

/** The router's DHCP subnets; the one that its own site is in comes first. */
export function knownSubnets({ site, gateway, subnets }: Place): VmSubnet[] {
  const told = subnets.map(({ network, subnet, gateway }) => ({ network, subnet, gateway }));
  if (site === null) return told;
  const { dhcpNetwork, dhcpSubnet } = site;
  const own = { network: dhcpNetwork, subnet: dhcpSubnet, gateway };
  return [own, ...told.filter(({ network, subnet }) => network !== dhcpNetwork || subnet !== dhcpSubnet)];
}

/** What a host of the subnet can have: no network, broadcast or gateway address. */
export function usableAddresses({ subnet, gateway }: VmSubnet): NumberRange[] {
  const prefix = parsePrefix(subnet);
  if (prefix === undefined) return [];
  const router = parseIpv4(gateway);
  return except([hostAddresses(prefix)], router === undefined ? [] : [{ first: router, last: router }]);
}

/** All addresses that a pool is written to have, before anything is taken out. */
export const addressesOf = ({ cidrs, ranges }: Pick<IpPoolSpec, 'cidrs' | 'ranges'>): NumberRange[] => [
  ...cidrs.flatMap((cidr) => parsePrefix(cidr) ?? []),
  ...ranges,
];

/** The one subnet that the pool's VMs are in: the one it names, else the router's first one with addresses of it. */
export function subnetOf(pool: IpPoolSpec, place: Place): VmSubnet | undefined {
  const known = knownSubnets(place).filter(({ network }) => ['', network].includes(pool.dhcpNetwork));
  const addresses = addressesOf(pool);
  const found = pool.subnet
    ? known.find(({ subnet }) => subnet === pool.subnet)
    : known.find(
        ({ subnet }) =>
          inBoth(
            addresses,
            [parsePrefix(subnet)].flatMap((range) => range ?? []),
          ).length > 0,
      );
  if (found === undefined && pool.subnet === '') return undefined;
  return {
    network: pool.dhcpNetwork || (found?.network ?? place.site?.dhcpNetwork ?? ''),
    subnet: pool.subnet || (found?.subnet ?? ''),
    gateway: pool.gateway || (found?.gateway ?? ''),
  };
}
