import { DomainError } from '@berth/errors';
import type { CommitConfirm } from '../batches/commit-confirm.ts';
import type { ConfigTree } from '../config-tree.ts';
import { gatewayOf, rulesIn, subnetsIn } from './foreign-objects.ts';
import { defaultRouteInterfaces, interfacesIn, type RouterInterface, vrrpAddresses } from './router-interfaces.ts';
import type { RouterNetworks } from './router-networks.ts';

/** Where a router's values are handed out unless a pool says otherwise. */
export interface RouterPlace {
  /** The interface that forwards come in on. */
  readonly wanInterface: string;
  /** The address that forwards are on. */
  readonly externalIp: string;
  /** The DHCP shared network that mappings go into, and its subnet as a prefix. */
  readonly dhcpNetwork: string;
  readonly dhcpSubnet: string;
  /** Empty when the router names none. */
  readonly gateway: string;
}

/** A router's place in the network, which Berth must know to hand out its values, and how its commits are guarded. */
export interface RouterProfile extends RouterPlace, RouterNetworks {
  readonly commitConfirm: CommitConfirm;
}

/** What the operator said about it. What is absent or empty is read from the router. */
export interface ProfileWishes {
  readonly wanInterface?: string | undefined;
  readonly externalIp?: string | undefined;
  readonly dhcpNetwork?: string | undefined;
  readonly dhcpSubnet?: string | undefined;
}

const ambiguous = (message: string) => new DomainError('invalid', 'ROUTER_PROFILE_AMBIGUOUS', message);
const wrong = (message: string) => new DomainError('invalid', 'ROUTER_PROFILE_WRONG', message);

const listed = (choices: readonly string[]): string => (choices.length === 0 ? 'none' : choices.join(', '));

/**
 * The place of the router with this whole configuration. Throws `ROUTER_PROFILE_AMBIGUOUS` with the choices where the configuration
 * allows several, and `ROUTER_PROFILE_WRONG` with what there is where a wish names something that the router does not have.
 */
export function detectPlace(config: ConfigTree, wishes: ProfileWishes): RouterPlace {
  const wan = wanInterface(config, wishes.wanInterface || undefined);
  return {
    wanInterface: wan.name,
    externalIp: externalIp(config, wan, wishes.externalIp || undefined),
    ...dhcpPlace(config, wishes),
  };
}

/** Throws as `detectPlace` does. */
export function wanInterface(config: ConfigTree, wish: string | undefined): RouterInterface {
  const interfaces = interfacesIn(config);
  const called = (name: string) => interfaces.find((one) => one.name === name);
  if (wish !== undefined) {
    const wished = called(wish);
    if (wished !== undefined) return wished;
    throw wrong(`The router has no interface ${wish}. It has: ${listed(interfaces.map(({ name }) => name))}.`);
  }
  const byRoute = defaultRouteInterfaces(config, interfaces);
  const byRules = [...new Set(rulesIn(config).map((rule) => rule.inboundInterface))].filter(called);
  // Several default routes: the one that others already forward from. No default route: the same.
  const both = byRoute.filter((name) => byRules.includes(name));
  const candidates = byRoute.length === 1 ? byRoute : both.length > 0 ? both : byRoute.length > 0 ? byRoute : byRules;
  const [name, ...others] = candidates;
  const found = name === undefined || others.length > 0 ? undefined : called(name);
  if (found !== undefined) return found;
  const choices = candidates.length > 0 ? candidates : interfaces.filter(addressed).map((one) => one.name);
  throw ambiguous(
    `Which interface leads outside cannot be told from the router. Set BERTH_WAN_INTERFACE to one of: ${listed(choices)}.`,
  );
}

const addressed = ({ addresses, dynamic }: RouterInterface): boolean => addresses.length > 0 || dynamic;

/** Throws as `detectPlace` does. */
export function externalIp(config: ConfigTree, wan: RouterInterface, wish: string | undefined): string {
  const [first] = wan.addresses;
  if (wish === undefined) {
    if (first !== undefined) return first.address;
    throw ambiguous(
      `${wan.name} has no fixed IPv4 address. Set BERTH_EXTERNAL_IP to the address that forwards are on.`,
    );
  }
  const own = [...wan.addresses, ...vrrpAddresses(config)].map(({ address }) => address);
  // What an interface gets from somebody else is not in the configuration, so that any address may be right.
  if (own.includes(wish) || wan.dynamic) return wish;
  throw wrong(`${wan.name} does not have the address ${wish}. It has: ${listed(own)}.`);
}

/** Throws as `detectPlace` does. */
export function dhcpPlace(
  config: ConfigTree,
  { dhcpNetwork, dhcpSubnet }: ProfileWishes,
): Pick<RouterPlace, 'dhcpNetwork' | 'dhcpSubnet' | 'gateway'> {
  const subnets = subnetsIn(config);
  const choices = (some: typeof subnets) => listed(some.map(({ network, subnet }) => `${network} ${subnet}`));
  const fitting = subnets.filter(
    ({ network, subnet }) => (!dhcpNetwork || network === dhcpNetwork) && (!dhcpSubnet || subnet === dhcpSubnet),
  );
  const [found, ...others] = fitting;
  if (found === undefined) {
    const asked = [dhcpNetwork, dhcpSubnet].filter(Boolean).join(' ');
    throw wrong(`The router has no DHCP subnet${asked === '' ? '' : ` ${asked}`}. It has: ${choices(subnets)}.`);
  }
  if (others.length > 0) {
    throw ambiguous(
      `The router has several DHCP subnets. Set BERTH_DHCP_NETWORK and BERTH_DHCP_SUBNET to one of: ${choices(fitting)}.`,
    );
  }
  return { dhcpNetwork: found.network, dhcpSubnet: found.subnet, gateway: gatewayOf(config, found) };
}
