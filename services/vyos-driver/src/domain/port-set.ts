import { portOfService } from './service-names.ts';

/** Ports from `first` to `last`, both included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

const everyPort: PortRange = { first: 1, last: 65_535 };

/**
 * The ports that a rule's port leaf matches: a port, a range, a service name, or a comma list of them. A negation matches all others,
 * which is taken as every port. A name that is not known matches nothing: Debian lists none between 30,000 and 60,000.
 */
export function portsOf(text: string): readonly PortRange[] {
  const items = text.split(',').map((item) => item.trim());
  if (items.some((item) => item.startsWith('!'))) return [everyPort];
  return items.flatMap((item) => {
    const [, first, last] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(item) ?? [];
    if (first !== undefined) return [{ first: Number(first), last: Number(last ?? first) }];
    const known = portOfService(item);
    return known === undefined ? [] : [{ first: known, last: known }];
  });
}

/** The transport protocols that a rule's protocol leaf matches, as far as ports go. Anything that is not one of the three may be either. */
export function protocolsOf(text: string | undefined): readonly ('tcp' | 'udp')[] {
  return text === 'tcp' || text === 'udp' ? [text] : ['tcp', 'udp'];
}

export const overlap = (a: PortRange, b: PortRange): boolean => a.first <= b.last && b.first <= a.last;
