import type { ConfigTree } from '../config-tree.ts';
import { type FoundSubnet, gatewayOf, subnetsIn, subnetValues } from './foreign-objects.ts';
import { interfacesIn, vrrpAddresses } from './router-interfaces.ts';

/** A DHCP subnet: the fields of `berth.driver.v1.DhcpSubnet`. */
export interface DhcpSubnet {
  readonly network: string;
  /** As a prefix. */
  readonly subnet: string;
  /** 0 when the router names none (before 1.5). */
  readonly subnetId: number;
  /** Empty when the router names none. */
  readonly gateway: string;
  readonly nameServers: readonly string[];
  /** 0 when the router names no time. */
  readonly leaseSeconds: number;
}

/** An interface with addresses: the fields of `berth.driver.v1.RouterInterface`. */
export interface AddressedInterface {
  readonly name: string;
  /** Its fixed IPv4 addresses in the order of the configuration, those of VRRP groups on it last. */
  readonly addresses: readonly string[];
  /** It gets an address from somebody else. */
  readonly dynamic: boolean;
}

/** Everything on a router that pools can be on. */
export interface RouterNetworks {
  readonly subnets: readonly DhcpSubnet[];
  readonly interfaces: readonly AddressedInterface[];
}

/** The DHCP subnets of the router with this whole configuration, and its interfaces that have an IPv4 address or get one. */
export const networksIn = (config: ConfigTree): RouterNetworks => ({
  subnets: subnetsIn(config).map((found) => dhcpSubnet(config, found)),
  interfaces: addressedInterfaces(config),
});

const dhcpSubnet = (config: ConfigTree, found: FoundSubnet): DhcpSubnet => ({
  network: found.network,
  subnet: found.subnet,
  subnetId: Number(subnetValues(config, found, 'subnet-id')[0] ?? 0),
  gateway: gatewayOf(config, found),
  nameServers: subnetValues(config, found, 'name-server'),
  leaseSeconds: Number(subnetValues(config, found, 'lease')[0] ?? 0),
});

function addressedInterfaces(config: ConfigTree): readonly AddressedInterface[] {
  const shared = vrrpAddresses(config);
  return interfacesIn(config)
    .map(({ name, addresses, dynamic }) => {
      const own = addresses.map(({ address }) => address);
      const byVrrp = shared.filter((one) => one.interfaceName === name).map(({ address }) => address);
      return { name, addresses: [...new Set([...own, ...byVrrp])], dynamic };
    })
    .filter(({ addresses, dynamic }) => addresses.length > 0 || dynamic);
}
