import type { ConfigLeaf } from '../config-leaf.ts';

/** A static DHCP mapping (`service dhcp-server … static-mapping <name>`). */
export interface StaticMapping {
  readonly network: string;
  /** As a prefix, e.g. `10.10.0.0/16`. */
  readonly subnet: string;
  readonly name: string;
  /** With colons; in lower case, unless it was adopted otherwise. */
  readonly macAddress: string;
  readonly ipAddress: string;
  /** What else people wrote, of an adopted one. */
  readonly extra?: readonly ConfigLeaf[];
}

/** A destination NAT rule (`nat destination rule <number>`). Of an adopted one texts may be empty: it does not have that leaf. */
export interface DestinationNatRule {
  readonly number: number;
  readonly inboundInterface: string;
  readonly protocol: 'tcp' | 'udp' | 'tcp_udp';
  readonly destinationAddress: string;
  /** A port, or a range `a-b`. */
  readonly destinationPort: string;
  readonly translationAddress: string;
  readonly translationPort: string;
  /** Address or network that packets must come from; empty for any. */
  readonly sourceAddress: string;
  readonly description: string;
  /** A disabled rule stays on the router, with `disable`. */
  readonly disabled: boolean;
  /** What else people wrote, of an adopted one. */
  readonly extra?: readonly ConfigLeaf[];
}

/** Everything that one resource (a VM) owns on one router. */
export interface Fragment {
  readonly mapping?: StaticMapping;
  readonly rules: readonly DestinationNatRule[];
}

/** What a removed resource owns. */
export const emptyFragment: Fragment = { rules: [] };
