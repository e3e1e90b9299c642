import type { NumberRange } from '../number-range.ts';

/** The kinds of pools, as the first part of their names. */
export const poolKinds = ['ip-pools', 'port-pools', 'rule-pools'] as const;
export type PoolKind = (typeof poolKinds)[number];

/** `active` hands out values; the others hand out nothing, and what is held stays. Only one that drains, or of which nothing is held, goes. */
export type PoolState = 'active' | 'draining' | 'disabled';

/** Addresses, as numbers; from prefixes as well as ranges. */
export interface IpPoolSpec {
  readonly kind: 'ip-pools';
  /** As written: prefixes. */
  readonly cidrs: readonly string[];
  readonly ranges: readonly NumberRange[];
  readonly exclusions: readonly NumberRange[];
  /** Empty: what the router says. So are the others. */
  readonly gateway: string;
  readonly dns: readonly string[];
  readonly leaseSeconds: number;
  readonly dhcpNetwork: string;
  readonly subnet: string;
  readonly subnetId: number;
}

/** External ports. */
export interface PortPoolSpec {
  readonly kind: 'port-pools';
  /** Empty: the router's address that forwards are on. */
  readonly externalIp: string;
  /** Empty: the router's interface that forwards come in on. */
  readonly interface: string;
  readonly ranges: readonly NumberRange[];
  readonly denied: readonly NumberRange[];
  readonly protocols: readonly ('tcp' | 'udp')[];
}

/** Destination NAT rule numbers. */
export interface RulePoolSpec {
  readonly kind: 'rule-pools';
  readonly ranges: readonly NumberRange[];
  readonly exclusions: readonly NumberRange[];
}

export type PoolSpec = IpPoolSpec | PortPoolSpec | RulePoolSpec;

/** A managed pool on one router, as people describe it. */
export interface Pool {
  /** A UUID; people know it by kind and name. */
  readonly id: string;
  readonly name: string;
  readonly router: string;
  readonly description: string;
  /** The groups whose VMs may have values from it; empty: all. */
  readonly groups: readonly string[];
  /** VMs of `groups` (or of every group without a default of its own) that name no pool get their values from it. */
  readonly isDefault: boolean;
  readonly state: PoolState;
  readonly spec: PoolSpec;
  /** Ascending fractions of use; empty: the defaults. */
  readonly alertThresholds: readonly number[];
  /** Its values are kept in step with the settings until they are changed by hand; until then it makes room for other pools. */
  readonly fromSettings: boolean;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** As people and messages name it: "ip-pools/edge". */
export const resourceName = ({ name, spec }: Pick<Pool, 'name' | 'spec'>): string => `${spec.kind}/${name}`;
