import { type Branch, valueAt } from './config-tree.ts';
import { ipv4Network } from './ipv4.ts';
import type { VerifyRule } from './verify-nat.ts';

const WITH_PORTS = ['tcp', 'udp', 'tcp_udp'];

/** nat.py of 1.3: the interface is one leaf and must be there, the translation must have an address. */
export const verifyNatRule13: VerifyRule = (direction, name, rule, view) => {
  const where = `${direction === 'source' ? 'Source' : 'Destination'} NAT configuration error in rule ${name}:`;
  const leaf = direction === 'source' ? 'outbound-interface' : 'inbound-interface';
  const at = valueAt(rule, leaf);
  if (at === undefined) return { warnings: [], error: `${where}\n${leaf} not specified` };
  // The router asks whether the name is a part of the word "any".
  const isThere = 'any'.includes(at) || view.system.interfaces.has(at);
  const warnings = isThere ? [] : [`rule "${name}" interface "${at}" does not exist on this system`];
  if (valueAt(rule, 'translation', 'address') === undefined && !rule.children.has('exclude'))
    return { warnings, error: `${where}\ntranslation address not specified` };
  return { warnings, error: portError(rule, where) };
};

function portError(rule: Branch, where: string): string | undefined {
  const hasPort = ['translation', 'destination', 'source'].some((side) => valueAt(rule, side, 'port') !== undefined);
  if (!hasPort) return undefined;
  if (!WITH_PORTS.includes(valueAt(rule, 'protocol') ?? 'all'))
    return `${where}\nports can only be specified when protocol is either tcp, udp or tcp_udp!`;
  if (ipv4Network(valueAt(rule, 'translation', 'address') ?? '') === undefined) return undefined;
  return (
    `${where}\nCannot use ports with an IPv4net type translation address as it\n` +
    'statically maps a whole network of addresses onto another\nnetwork of addresses'
  );
}
