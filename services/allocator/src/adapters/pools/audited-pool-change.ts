import { type AuditedChange, type AuditedState, differences } from '@berth/contracts';
import type { NumberRange } from '../../domain/number-range.ts';
import { type Pool, type PoolKind, type PoolSpec, resourceName } from '../../domain/pools/pool.ts';
import type { PoolChange, Reservation } from '../../domain/pools/pool-change.ts';
import { valueText } from './to-pool-messages.ts';

/** A change as the audit log tells it; undefined where only a level was passed. */
export function auditedPoolChange(change: PoolChange): AuditedChange | undefined {
  const { kind, pool, at } = change;
  const resource = { id: resourceName(pool), name: pool.name };
  switch (kind) {
    case 'created':
      return { action: 'pool.created', resource, at, after: shown(pool) };
    case 'updated':
      return { action: 'pool.changed', resource, at, ...differences(shown(change.before), shown(pool)) };
    case 'deleted':
      return { action: 'pool.deleted', resource, at, before: shown(pool) };
    case 'reserved':
      return {
        action: 'reservation.created',
        ...ofReservation(change.reservation),
        at,
        after: held(change.reservation),
      };
    case 'released':
      return {
        action: 'reservation.released',
        ...ofReservation(change.reservation),
        ...{ at, before: held(change.reservation) },
      };
    case 'threshold':
      return undefined;
  }
}

const ofReservation = ({ id, pool }: Reservation) => ({
  resource: { id, name: resourceName(pool) },
});

/** The names are those of the API. */
const shown = ({
  name,
  router,
  description,
  groups,
  isDefault,
  state,
  alertThresholds,
  ...pool
}: Pool): AuditedState => ({
  ...{ name, router, description, groups, default: isDefault, state, ...values(pool.spec) },
  ...{ alert_thresholds: alertThresholds, from_settings: pool.fromSettings, version: pool.version },
});

function values(spec: PoolSpec): Readonly<Record<string, unknown>> {
  const texts = (ranges: readonly NumberRange[]) => ranges.map((range) => rangeText(spec.kind, range));
  switch (spec.kind) {
    case 'ip-pools': {
      const { cidrs, gateway, dns, leaseSeconds, dhcpNetwork, subnet, subnetId } = spec;
      return {
        ...{ cidrs, ranges: texts(spec.ranges), exclusions: texts(spec.exclusions), gateway, dns },
        ...{ lease_seconds: leaseSeconds, dhcp_network: dhcpNetwork, subnet, subnet_id: subnetId },
      };
    }
    case 'port-pools': {
      const { externalIp, protocols } = spec;
      const spans = { ranges: texts(spec.ranges), denied: texts(spec.denied) };
      return { external_ip: externalIp, interface: spec.interface, ...spans, protocols };
    }
    case 'rule-pools':
      return { ranges: texts(spec.ranges), exclusions: texts(spec.exclusions) };
  }
}

const held = ({ pool, protocols, note, expiresAt, ...range }: Reservation): AuditedState => ({
  ...{ pool: resourceName(pool), values: rangeText(pool.spec.kind, range), protocols, note },
  expires_at: expiresAt?.toISOString() ?? null,
});

const rangeText = (kind: PoolKind, { first, last }: NumberRange): string =>
  first === last ? valueText(kind, first) : `${valueText(kind, first)}-${valueText(kind, last)}`;
