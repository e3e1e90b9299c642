import {
  IpFamily,
  type NumberSpanSchema,
  type PoolSchema,
  PoolState,
  type PoolUseSchema,
  PortProtocol,
  type ReservationSchema,
} from '@berth/contracts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { DescribedPool } from '../../app/pools/pool-ports.ts';
import { formatIpv4 } from '../../domain/ipv4.ts';
import type { NumberRange } from '../../domain/number-range.ts';
import { type Pool, type PoolKind, resourceName } from '../../domain/pools/pool.ts';
import type { Reservation } from '../../domain/pools/pool-change.ts';
import type { PoolUse } from '../../domain/pools/pool-use.ts';

export type PoolInit = MessageInitShape<typeof PoolSchema>;

const states: Record<Pool['state'], PoolState> = {
  active: PoolState.ACTIVE,
  draining: PoolState.DRAINING,
  disabled: PoolState.DISABLED,
};

const protocols = { tcp: PortProtocol.TCP, udp: PortProtocol.UDP } as const;

export const toProtocolCode = (protocol: 'tcp' | 'udp'): PortProtocol => protocols[protocol];

/** A value of such a pool as text: an address, a port or a rule number. */
export const valueText = (kind: PoolKind, value: number): string =>
  kind === 'ip-pools' ? formatIpv4(value) : String(value);

const addressSpan = ({ first, last }: NumberRange) => ({ first: formatIpv4(first), last: formatIpv4(last) });
const numberSpan = ({ first, last }: NumberRange): MessageInitShape<typeof NumberSpanSchema> => ({ first, last });

/** A pool without use and warnings. */
export const toPoolMessage = (pool: Pool): Exclude<PoolInit, { $typeName: string }> => ({
  name: resourceName(pool),
  router: pool.router,
  description: pool.description,
  groups: [...pool.groups],
  isDefault: pool.isDefault,
  state: states[pool.state],
  values: toValues(pool.spec),
  alertThresholds: [...pool.alertThresholds],
  version: BigInt(pool.version),
  fromSettings: pool.fromSettings,
  createdAt: timestampFromDate(pool.createdAt),
  updatedAt: timestampFromDate(pool.updatedAt),
});

function toValues(spec: Pool['spec']): NonNullable<PoolInit['values']> {
  switch (spec.kind) {
    case 'ip-pools': {
      const { cidrs, dns, gateway, leaseSeconds, dhcpNetwork, subnet, subnetId } = spec;
      const spans = { ranges: spec.ranges.map(addressSpan), exclusions: spec.exclusions.map(addressSpan) };
      const lists = { cidrs: [...cidrs], dns: [...dns], ...spans };
      const family = IpFamily.IPV4;
      return { case: 'ip', value: { ...lists, gateway, leaseSeconds, dhcpNetwork, subnet, subnetId, family } };
    }
    case 'port-pools': {
      const { externalIp, interface: name } = spec;
      const spans = { ranges: spec.ranges.map(numberSpan), denied: spec.denied.map(numberSpan) };
      const value = { externalIp, interface: name, ...spans, protocols: spec.protocols.map(toProtocolCode) };
      return { case: 'port', value };
    }
    case 'rule-pools': {
      const value = { ranges: spec.ranges.map(numberSpan), exclusions: spec.exclusions.map(numberSpan) };
      return { case: 'rule', value };
    }
  }
}

const toUse = (use: PoolUse): MessageInitShape<typeof PoolUseSchema> => ({
  size: BigInt(use.size),
  free: BigInt(use.free),
  held: BigInt(use.held),
  reserved: BigInt(use.reserved),
  quarantined: BigInt(use.quarantined),
  foreign: BigInt(use.foreign),
  used: use.used,
  thresholdReached: use.thresholdReached,
  ...(use.takenPerHour !== undefined && { takenPerHour: use.takenPerHour }),
  ...(use.exhaustedAt && { exhaustedAt: timestampFromDate(use.exhaustedAt) }),
});

export const toDescribedMessage = ({ pool, use, warnings }: DescribedPool): PoolInit => ({
  ...toPoolMessage(pool),
  use: toUse(use),
  warnings: warnings.map((warning) => ({ ...warning })),
});

export const toReservationMessage = (one: Reservation): MessageInitShape<typeof ReservationSchema> => ({
  id: one.id,
  pool: resourceName(one.pool),
  first: valueText(one.pool.spec.kind, one.first),
  last: valueText(one.pool.spec.kind, one.last),
  protocols: one.protocols.map(toProtocolCode),
  note: one.note,
  createdBy: one.principalName,
  createdAt: timestampFromDate(one.createdAt),
  ...(one.expiresAt && { expiresAt: timestampFromDate(one.expiresAt) }),
});
