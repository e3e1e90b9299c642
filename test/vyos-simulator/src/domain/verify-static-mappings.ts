import { type Branch, branchAt, sortedNames, valueAt } from './config-tree.ts';
import { contains, type Ipv4Block, ipv4ToNumber } from './ipv4.ts';

/**
 * The rules for the static mappings of one subnet (service_dhcp-server.py of 1.5). Duplicates are looked for within the
 * subnet only, disabled mappings are skipped, and MACs are compared as text: two cases of one MAC pass.
 */
export function staticMappingError(mappings: Branch, block: Ipv4Block, where: string): string | undefined {
  const taken = { 'ip-address': new Set<string>(), mac: new Set<string>(), duid: new Set<string>() };
  const words = { 'ip-address': 'IP address', mac: 'MAC address', duid: 'DUID' } as const;
  for (const name of sortedNames(mappings)) {
    const mapping = branchAt(mappings, name);
    const address = valueAt(mapping, 'ip-address');
    const error = address === undefined ? undefined : addressError(name, mapping, address, block, where);
    if (error !== undefined) return error;
    if (mapping?.children.has('disable')) continue;
    for (const key of ['ip-address', 'mac', 'duid'] as const) {
      const value = valueAt(mapping, key);
      if (value === undefined) continue;
      if (taken[key].has(value))
        return `Configured ${words[key]} for static mapping "${name}" already exists on another static mapping`;
      taken[key].add(value);
    }
  }
  return undefined;
}

function addressError(
  name: string,
  mapping: Branch | undefined,
  address: string,
  block: Ipv4Block,
  where: string,
): string | undefined {
  if (!contains(block, ipv4ToNumber(address) ?? -1)) {
    return `Configured static lease address for mapping "${name}" is\nnot within shared-network "${where}"!`;
  }
  if (mapping?.children.has('mac') !== mapping?.children.has('duid')) return undefined;
  return `Either MAC address or Client identifier (DUID) is required for static mapping "${name}" within shared-network "${where}"!`;
}
