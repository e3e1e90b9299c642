import type { ConfigPath, ConfigTree } from '../config-tree.ts';
import { contains, type Ipv4Range, ipv4Network, isIpv4 } from '../ipv4.ts';
import { childOf, childrenAt, firstValueOf, nodeAt, valuesOf } from '../normal-tree.ts';

/** An address that an interface of the router has. */
export interface InterfaceAddress {
  readonly path: ConfigPath;
  readonly address: string;
  readonly network: Ipv4Range;
}

/** An interface of the router, by the name under which rules know it (`eth0.100` for a VLAN). */
export interface RouterInterface {
  readonly name: string;
  readonly path: ConfigPath;
  /** Its fixed IPv4 addresses, in the order of the configuration. */
  readonly addresses: readonly InterfaceAddress[];
  /** It gets an address from somebody else (DHCP, PPPoE). */
  readonly dynamic: boolean;
}

/** Every interface, VLANs included. */
export const interfacesIn = (config: ConfigTree): readonly RouterInterface[] =>
  childrenAt(config, ['interfaces']).flatMap(([kind]) =>
    childrenAt(config, ['interfaces', kind]).flatMap(([name]) => withVlans(config, name, ['interfaces', kind, name])),
  );

function withVlans(config: ConfigTree, name: string, path: ConfigPath): readonly RouterInterface[] {
  const values = valuesOf(nodeAt(config, [...path, 'address']));
  const itself: RouterInterface = {
    name,
    path,
    addresses: values.flatMap((value) => interfaceAddress(value, [...path, 'address', value])),
    dynamic: values.includes('dhcp') || path[1] === 'pppoe' || path[1] === 'wwan',
  };
  const vlans = ['vif', 'vif-s', 'vif-c'].flatMap((kind) =>
    childrenAt(config, [...path, kind]).flatMap(([tag]) => withVlans(config, `${name}.${tag}`, [...path, kind, tag])),
  );
  return [itself, ...vlans];
}

function interfaceAddress(value: string, path: ConfigPath): InterfaceAddress[] {
  const network = ipv4Network(value);
  return network === undefined ? [] : [{ path, address: value.split('/')[0] ?? '', network }];
}

/** An address that the router shares with others. */
export interface VrrpAddress {
  readonly path: ConfigPath;
  readonly address: string;
  /** The interface of its group; empty when the group names none. */
  readonly interfaceName: string;
}

/** The addresses that the router shares with others by VRRP: a leaf up to 1.3, tags since. */
export function vrrpAddresses(config: ConfigTree): readonly VrrpAddress[] {
  const groups: ConfigPath = ['high-availability', 'vrrp', 'group'];
  return childrenAt(config, groups).flatMap(([group, node]) => {
    const interfaceName = firstValueOf(childOf(node, 'interface')) ?? '';
    return ['address', 'virtual-address'].flatMap((leaf) => {
      const path = [...groups, group, leaf];
      return [...childrenAt(config, path).map(([tag]) => tag), ...valuesOf(nodeAt(config, path))]
        .map((value) => ({ path: [...path, value], address: value.split('/')[0] ?? '', interfaceName }))
        .filter(({ address }) => isIpv4(address));
    });
  });
}

/** The interfaces through which the default route leaves; several when there are several routes. */
export function defaultRouteInterfaces(config: ConfigTree, interfaces: readonly RouterInterface[]): readonly string[] {
  const route: ConfigPath = ['protocols', 'static', 'route', '0.0.0.0/0'];
  const hops = childrenAt(config, [...route, 'next-hop']).map(([hop]) => hop);
  const byHop = interfaces.filter(({ addresses }) =>
    addresses.some(({ network }) => hops.some((hop) => contains(network, hop))),
  );
  const byName = childrenAt(config, [...route, 'interface']).map(([name]) => name);
  return [...new Set([...byHop.map(({ name }) => name), ...byName])];
}
