import type { PoolKind, PoolState } from './pool.ts';

/** A span as it is asked for; a `last` that is empty or 0 means the same as `first`. */
export interface SpanDraft<Value> {
  readonly first: Value;
  readonly last: Value;
}

/** Addresses as they are asked for. */
export interface IpDraft {
  readonly kind: 'ip-pools';
  readonly cidrs: readonly string[];
  readonly ranges: readonly SpanDraft<string>[];
  readonly exclusions: readonly SpanDraft<string>[];
  readonly gateway: string;
  readonly dns: readonly string[];
  readonly leaseSeconds: number;
  readonly dhcpNetwork: string;
  readonly subnet: string;
  readonly subnetId: number;
  /** Whether IPv6 was asked for by name. */
  readonly wantsIpv6: boolean;
}

/** External ports as they are asked for. */
export interface PortDraft {
  readonly kind: 'port-pools';
  readonly externalIp: string;
  readonly interface: string;
  readonly ranges: readonly SpanDraft<number>[];
  readonly denied: readonly SpanDraft<number>[];
  /** undefined: one that nobody knows. */
  readonly protocols: readonly ('tcp' | 'udp' | undefined)[];
}

/** Rule numbers as they are asked for. */
export interface RuleDraft {
  readonly kind: 'rule-pools';
  readonly ranges: readonly SpanDraft<number>[];
  readonly exclusions: readonly SpanDraft<number>[];
}

/** A pool as it is asked for: nothing of it has been checked. */
export interface PoolDraft {
  /** "ip-pools/edge". */
  readonly name: string;
  readonly router: string;
  readonly description: string;
  readonly groups: readonly string[];
  readonly isDefault: boolean;
  /** undefined: one that nobody knows. */
  readonly state: PoolState | undefined;
  readonly alertThresholds: readonly number[];
  readonly values: IpDraft | PortDraft | RuleDraft | undefined;
}

/** How the fields below each kind of pool are called. */
export const fieldOfKind: Readonly<Record<PoolKind, string>> = {
  'ip-pools': 'ip',
  'port-pools': 'port',
  'rule-pools': 'rule',
};
