import type { FieldError } from '@berth/errors';
import { parseIpv4, parsePrefix } from '../ipv4.ts';
import { includes } from '../number-range.ts';
import type { Router } from '../routers/router.ts';
import { addressesOf, knownSubnets, subnetOf } from './known-subnets.ts';
import type { IpPoolSpec, PoolSpec, PortPoolSpec } from './pool.ts';
import { segmentsOf } from './pool-segments.ts';

/** What is known of where a router stands. What it has not told is empty. */
export type RouterPlace = Pick<Router, 'site' | 'gateway' | 'subnets' | 'interfaces'>;

/** What of a pool does not fit its router, by field; each names what there is instead. Says nothing about what the router has not told. */
export function misplaced(spec: PoolSpec, place: RouterPlace): FieldError[] {
  if (spec.kind === 'ip-pools') return misplacedAddresses(spec, place);
  if (spec.kind === 'port-pools') return misplacedPorts(spec, place);
  return [];
}

const list = (choices: readonly string[]): string => [...new Set(choices)].slice(0, 20).join(', ');

function misplacedAddresses(spec: IpPoolSpec, place: RouterPlace): FieldError[] {
  const known = knownSubnets(place);
  const networks = known.map(({ network }) => network);
  const subnets = list(known.map(({ subnet }) => subnet));
  const isTold = place.subnets.length > 0;
  const wrong: FieldError[] = [];
  if (isTold && spec.dhcpNetwork !== '' && !networks.includes(spec.dhcpNetwork)) {
    wrong.push({ field: 'ip.dhcp_network', message: `the router has the shared networks ${list(networks)}` });
  }
  if (isTold && spec.subnet !== '' && !known.some(({ subnet }) => subnet === spec.subnet)) {
    wrong.push({ field: 'ip.subnet', message: `the router has the DHCP subnets ${subnets}` });
  }
  if (wrong.length > 0 || (known.length === 0 && spec.subnet === '')) return wrong;
  return outsideSubnet(spec, place, subnets);
}

/** VMs of a pool are in one subnet: all of its addresses lie there. */
function outsideSubnet(spec: IpPoolSpec, place: RouterPlace, choices: string): FieldError[] {
  const subnet = subnetOf(spec, place);
  const home = subnet && parsePrefix(subnet.subnet);
  const message = subnet
    ? `must lie within the DHCP subnet ${subnet.subnet}; the router has ${choices}`
    : `must lie within a DHCP subnet that the router has: ${choices}`;
  const outside = addressesOf(spec).flatMap((range, index) => {
    if (home && includes(home, range)) return [];
    const inRanges = index - spec.cidrs.length;
    return [{ field: inRanges < 0 ? `ip.cidrs[${index}]` : `ip.ranges[${inRanges}]`, message }];
  });
  if (outside.length > 0) return outside;
  const gateway = parseIpv4(spec.gateway);
  if (gateway !== undefined && home && !includes(home, { first: gateway, last: gateway })) {
    return [{ field: 'ip.gateway', message: `lies outside of the DHCP subnet ${subnet.subnet}` }];
  }
  const isUseless = segmentsOf({ id: '', spec }, place).every(({ ranges }) => ranges.length === 0);
  return isUseless ? [{ field: 'ip.ranges', message: 'holds no address that a VM can have' }] : [];
}

function misplacedPorts({ externalIp, interface: name }: PortPoolSpec, { interfaces }: RouterPlace): FieldError[] {
  if (interfaces.length === 0) return [];
  const wrong: FieldError[] = [];
  if (name !== '' && !interfaces.some((one) => one.name === name)) {
    const choices = list(interfaces.map((one) => one.name));
    wrong.push({ field: 'port.interface', message: `the router has the interfaces ${choices}` });
  }
  const addresses = interfaces.flatMap((one) => one.addresses.map((address) => address.split('/')[0] ?? address));
  const mayHaveOthers = interfaces.some(({ dynamic }) => dynamic); // an address that it gets from somebody else is not told
  if (externalIp !== '' && !mayHaveOthers && !addresses.includes(externalIp)) {
    wrong.push({ field: 'port.external_ip', message: `the router has the addresses ${list(addresses)}` });
  }
  return wrong;
}
