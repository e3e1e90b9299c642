import type { ConfigTree } from './config-tree.ts';

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

export function foreignHoldings(_config: ConfigTree, _ownedKeys: ReadonlySet<string>): ForeignHolding[] {
  throw new Error('not yet');
}

export { detectProfile, type ProfileWishes, type RouterProfile } from './router-profile.ts';
