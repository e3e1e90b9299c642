import type { ConfigTree } from './config-tree.ts';

/** A router's place in the network: what Berth must know to hand out its values. */
export interface RouterProfile {
  readonly wanInterface: string;
  readonly externalIp: string;
  readonly dhcpNetwork: string;
  /** As a prefix. */
  readonly dhcpSubnet: string;
  /** Empty when the router names none. */
  readonly gateway: string;
}

/** What the operator said about it. What is absent or empty is read from the router. */
export interface ProfileWishes {
  readonly wanInterface?: string | undefined;
  readonly externalIp?: string | undefined;
  readonly dhcpNetwork?: string | undefined;
  readonly dhcpSubnet?: string | undefined;
}

export function detectProfile(_config: ConfigTree, _wishes: ProfileWishes): RouterProfile {
  throw new Error('not yet');
}
