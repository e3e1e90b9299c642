import { type ConfigPath, type ConfigTree, keyOfPath } from '../config-tree.ts';
import { ipv4Network, ipv4Text, isIpv4 } from '../ipv4.ts';
import { childrenAt, firstValueOf, nodeAt, valuesOf } from '../normal-tree.ts';
import { portsOf, protocolsOf } from '../port-set.ts';
import { type FoundRule, gatewayOf, mappingsIn, rulesIn, subnetsIn } from './foreign-objects.ts';
import { interfacesIn, vrrpAddresses } from './router-interfaces.ts';
import { routerListeners } from './router-listeners.ts';

export { networksIn } from './router-networks.ts';
export { detectPlace, type ProfileWishes, type RouterPlace, type RouterProfile } from './router-profile.ts';

export type HoldingKind = 'rule_number' | 'port' | 'address' | 'dynamic_range' | 'mac' | 'mapping_name';

/** One thing that others hold on the router: the fields of `berth.driver.v1.ForeignHolding`. Those that a kind has no use for are 0 or empty. */
export interface ForeignHolding {
  readonly kind: HoldingKind;
  /** Rule number: both the same. Port: the range. */
  readonly firstNumber: number;
  readonly lastNumber: number;
  /** Address, MAC (lower case) or mapping name. Dynamic range: the first address. Port: the address, empty for any. */
  readonly value: string;
  /** Dynamic range: the last address. */
  readonly lastValue: string;
  /** Port: `tcp` or `udp`. */
  readonly protocol: string;
  /** Where it stands on the router, for people. */
  readonly path: string;
}

/**
 * Everything in `config` (the whole configuration) that must not be handed out: what stands at no key of `ownedKeys`, and the router's own
 * addresses and ports. In doubt more than is held: a disabled rule may be enabled, a rule on another interface be moved, and a negated port
 * or address matches everything else. A rule without a destination port holds its number only, though it may take packets first.
 */
export function foreignHoldings(config: ConfigTree, ownedKeys: ReadonlySet<string>): ForeignHolding[] {
  const ours = new Set(
    mappingsIn(config)
      .filter(({ path }) => ownedKeys.has(keyOfPath(path)))
      .map(({ ipAddress }) => ipAddress),
  );
  const all = [
    ...rulesIn(config, ownedKeys).flatMap((rule) => ofRule(rule, ours)),
    ...routerListeners(config).map(({ path, protocol, port, address }) =>
      holding('port', path, { firstNumber: port, lastNumber: port, protocol, value: address }),
    ),
    ...mappingsIn(config, ownedKeys).flatMap(({ path, name, mac, ipAddress }) => [
      holding('mapping_name', path, { value: name }),
      ...(mac === '' ? [] : [holding('mac', path, { value: mac })]),
      ...address(path, ipAddress),
    ]),
    ...ofSubnets(config),
    ...ownAddresses(config),
  ];
  return [...new Map(all.map((one) => [JSON.stringify({ ...one, path: '' }), one])).values()];
}

const holding = (kind: HoldingKind, path: ConfigPath, some: Partial<ForeignHolding>): ForeignHolding => ({
  kind,
  firstNumber: 0,
  lastNumber: 0,
  value: '',
  lastValue: '',
  protocol: '',
  ...some,
  path: path.join(' '),
});

const address = (path: ConfigPath, value: string): ForeignHolding[] =>
  isIpv4(value) ? [holding('address', path, { value })] : [];

function ofRule(rule: FoundRule, ours: ReadonlySet<string>): ForeignHolding[] {
  const { path, destinationAddress, translationAddress } = rule;
  const number = Number(rule.number);
  const numbers = Number.isInteger(number)
    ? [holding('rule_number', path, { firstNumber: number, lastNumber: number })]
    : [];
  // A network, a range or a negation: no single address, so its ports are held on any.
  const value = isIpv4(destinationAddress) ? destinationAddress : '';
  const ports = portsOf(rule.destinationPort).flatMap(({ first, last }) =>
    protocolsOf(rule.protocol).map((protocol) =>
      holding('port', path, { firstNumber: first, lastNumber: last, protocol, value }),
    ),
  );
  // Where others forward to, there is a host, with or without a mapping; unless it is a machine of ours.
  const target = ours.has(translationAddress) ? [] : address([...path, 'translation', 'address'], translationAddress);
  return [...numbers, ...ports, ...target];
}

function ofSubnets(config: ConfigTree): ForeignHolding[] {
  return subnetsIn(config).flatMap((found) => {
    const { path, subnet } = found;
    const network = ipv4Network(subnet);
    const ends = network === undefined ? [] : [ipv4Text(network.first), ipv4Text(network.last)];
    const ranges = childrenAt(config, [...path, 'range']).flatMap(([name]) => {
      const at = [...path, 'range', name];
      const value = firstValueOf(nodeAt(config, [...at, 'start'])) ?? '';
      const lastValue = firstValueOf(nodeAt(config, [...at, 'stop'])) ?? '';
      return isIpv4(value) && isIpv4(lastValue) ? [holding('dynamic_range', at, { value, lastValue })] : [];
    });
    return [
      ...ends.flatMap((end) => address(path, end)),
      ...address([...path, 'default-router'], gatewayOf(config, found)),
      ...valuesOf(nodeAt(config, [...path, 'exclude'])).flatMap((one) => address([...path, 'exclude', one], one)),
      ...ranges,
    ];
  });
}

const ownAddresses = (config: ConfigTree): ForeignHolding[] =>
  [...interfacesIn(config).flatMap(({ addresses }) => addresses), ...vrrpAddresses(config)].flatMap(
    ({ path, address: own }) => address(path, own),
  );
