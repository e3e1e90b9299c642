/** A static DHCP mapping (`service dhcp-server … static-mapping <name>`). */
export interface StaticMapping {
  readonly network: string;
  /** As a prefix, e.g. `10.10.0.0/16`. */
  readonly subnet: string;
  readonly name: string;
  /** Lower case with colons. */
  readonly macAddress: string;
  readonly ipAddress: string;
}

/** A destination NAT rule (`nat destination rule <number>`). */
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
}

/** Everything that one resource (a VM) owns on one router. */
export interface Fragment {
  readonly mapping?: StaticMapping;
  readonly rules: readonly DestinationNatRule[];
}

/** What a removed resource owns. */
export const emptyFragment: Fragment = { rules: [] };
