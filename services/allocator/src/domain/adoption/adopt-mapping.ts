import { parseIpv4 } from '../ipv4.ts';
import { normalizeMac } from '../mac-address.ts';
import { isHostName } from '../text-rules.ts';
import { type NotAdoptable, oddLeaf, shown } from './adopt-rule.ts';
import type { FoundMapping } from './adoption.ts';

/** What else may stand in a mapping: it concerns what the host is told, not which address it gets. */
const mappingExtras = ['description', 'option', 'static-mapping-parameters'];

/** Why a mapping cannot be a VM, looked at alone; undefined when it can. */
export function reasonOfMapping(mapping: FoundMapping): string | undefined {
  const { name, macAddress, ipAddress, disabled, extra } = mapping;
  if (!isHostName(name)) return 'has a name that is not a host name of at most 63 characters: rename it first';
  if (disabled) return 'is disabled: enable it, or delete it';
  if (parseIpv4(ipAddress) === undefined) return 'has no IPv4 address';
  // Other ways to write one would not be found again as they are.
  if (normalizeMac(macAddress) !== macAddress.toLowerCase()) {
    return macAddress === '' ? 'has no MAC address' : `has the MAC address ${macAddress}, which no host has`;
  }
  const unknown = extra.find(({ path }) => !mappingExtras.includes(path[0] ?? ''));
  if (unknown) return `has ${shown(unknown)}, which Berth cannot say: remove it from the mapping first`;
  const odd = oddLeaf(extra);
  return odd && `has ${shown(odd)} with quotes or control characters: change it first`;
}

/** Why mappings cannot be told apart from others, by their places; each of those that share something. */
export function sharedByMappings(mappings: readonly FoundMapping[]): ReadonlyMap<number, NotAdoptable> {
  const reasons = new Map<number, NotAdoptable>();
  const note = (what: string, keyOf: (mapping: FoundMapping) => string) => {
    const places = Map.groupBy(mappings.keys(), (place) => keyOf(mappings[place] as FoundMapping));
    for (const [key, same] of places) {
      if (key === '' || same.length < 2) continue;
      for (const place of same) {
        const other = mappings[same.find((one) => one !== place) ?? place];
        const where = `${other?.name} in ${other?.subnet}`;
        if (!reasons.has(place)) reasons.set(place, { reason: `has its ${what} in common with the mapping ${where}` });
      }
    }
  };
  note('name', ({ name }) => name.toLowerCase());
  note('MAC address', ({ macAddress, subnet }) => (macAddress === '' ? '' : `${subnet} ${macAddress.toLowerCase()}`));
  note('address', ({ ipAddress }) => ipAddress);
  return reasons;
}
