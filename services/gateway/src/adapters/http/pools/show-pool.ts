import {
  type AddressSpan,
  type NumberSpan,
  type Pool,
  PoolState,
  type PoolUse,
  type PoolWarning,
  PortProtocol,
} from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';
import { type PoolKind, poolKinds } from '../../../domain/pools/pool-terms.ts';
import type { IpPoolDocument, PoolDocument, PortPoolDocument, RulePoolDocument } from './pool-schemas.ts';

const stateWords: Record<PoolState, PoolDocument['state']> = {
  [PoolState.UNSPECIFIED]: 'active',
  [PoolState.ACTIVE]: 'active',
  [PoolState.DRAINING]: 'draining',
  [PoolState.DISABLED]: 'disabled',
};

/** A pool of whatever kind. */
export function showPool(pool: Pool): PoolDocument {
  const common = showCommon(pool);
  switch (pool.values.case) {
    case 'ip': {
      const { cidrs, ranges, exclusions, gateway, dns, leaseSeconds, dhcpNetwork, subnet, subnetId } =
        pool.values.value;
      return {
        ...common,
        ...{ cidrs, ranges: ranges.map(showAddresses), exclusions: exclusions.map(showAddresses) },
        ...{ gateway: gateway || null, dns, lease_seconds: leaseSeconds || null },
        ...{ dhcp_network: dhcpNetwork || null, subnet: subnet || null, subnet_id: subnetId || null },
      } satisfies IpPoolDocument;
    }
    case 'port': {
      const { externalIp, interface: inbound, ranges, denied, protocols } = pool.values.value;
      return {
        ...common,
        ...{ external_ip: externalIp || null, interface: inbound || null },
        ...{ ranges: ranges.map(showNumbers), denied: denied.map(showNumbers), protocols: showProtocols(protocols) },
      } satisfies PortPoolDocument;
    }
    case 'rule': {
      const { ranges, exclusions } = pool.values.value;
      return {
        ...common,
        ...{ ranges: ranges.map(showNumbers), exclusions: exclusions.map(showNumbers) },
      } satisfies RulePoolDocument;
    }
    default:
      throw new DomainError('bug', 'INTERNAL', 'An answer came without the values of its pool.');
  }
}

/** The kind and the name of a pool such as `ip-pools/edge`. */
export function partsOf(resource: string): { kind: PoolKind; name: string } {
  const slash = resource.indexOf('/');
  const kind = poolKinds.find((one) => one === resource.slice(0, slash));
  if (kind === undefined) throw new DomainError('bug', 'INTERNAL', 'An answer names a pool of an unknown kind.');
  return { kind, name: resource.slice(slash + 1) };
}

export const showTime = (time: Timestamp | undefined): string | null =>
  time ? timestampDate(time).toISOString() : null;

const showCommon = (pool: Pool) => ({
  ...partsOf(pool.name),
  resource: pool.name,
  router: pool.router,
  description: pool.description,
  groups: pool.groups,
  default: pool.isDefault,
  state: stateWords[pool.state],
  alert_thresholds: pool.alertThresholds,
  version: Number(pool.version),
  from_settings: pool.fromSettings,
  use: pool.use ? showUse(pool.use) : null,
  warnings: pool.warnings.map(showWarning),
  created_at: showTime(pool.createdAt) ?? new Date(0).toISOString(),
  updated_at: showTime(pool.updatedAt) ?? new Date(0).toISOString(),
});

const showUse = (use: PoolUse) => ({
  size: Number(use.size),
  free: Number(use.free),
  held: Number(use.held),
  reserved: Number(use.reserved),
  quarantined: Number(use.quarantined),
  foreign: Number(use.foreign),
  used: use.used,
  threshold_reached: use.thresholdReached || null,
  taken_per_hour: use.takenPerHour ?? null,
  exhausted_at: showTime(use.exhaustedAt),
});

const showWarning = ({ code, message, path }: PoolWarning) => ({ code, message, path: path || null });

const showAddresses = ({ first, last }: AddressSpan) => ({ first, last: last || first });

const showNumbers = ({ first, last }: NumberSpan) => ({ first, last: last || first });

/** None means both. */
const showProtocols = (protocols: readonly PortProtocol[]): ('tcp' | 'udp')[] => {
  const has = (protocol: PortProtocol) => protocols.length === 0 || protocols.includes(protocol);
  return [...(has(PortProtocol.TCP) ? ['tcp' as const] : []), ...(has(PortProtocol.UDP) ? ['udp' as const] : [])];
};
