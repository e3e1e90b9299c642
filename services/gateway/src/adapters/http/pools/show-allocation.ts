import {
  type Allocation,
  type ExplainValueResponse,
  HolderKind,
  PortProtocol,
  type Reservation,
} from '@berth/contracts';
import type { AllocationDocument, ExplainedValueDocument, ReservationDocument } from './allocation-schemas.ts';
import { showTime } from './show-pool.ts';

const holders: Record<HolderKind, AllocationDocument['holder']> = {
  [HolderKind.UNSPECIFIED]: 'foreign',
  [HolderKind.VM]: 'vm',
  [HolderKind.RESERVATION]: 'reservation',
  [HolderKind.PLAN]: 'plan',
  [HolderKind.QUARANTINE]: 'quarantine',
  [HolderKind.FOREIGN]: 'foreign',
};

const protocolWords: Record<PortProtocol, 'tcp' | 'udp' | null> = {
  [PortProtocol.UNSPECIFIED]: null,
  [PortProtocol.TCP]: 'tcp',
  [PortProtocol.UDP]: 'udp',
};

/** A held value, or a run of them. */
export const showAllocation = (allocation: Allocation): AllocationDocument => ({
  pool: allocation.pool || null,
  first: showValue(allocation.first),
  last: showValue(allocation.last || allocation.first),
  protocol: protocolWords[allocation.protocol],
  external_ip: allocation.externalIp || null,
  holder: holders[allocation.holder],
  vm_id: allocation.vmId || null,
  vm_name: allocation.vmName || null,
  forward: allocation.forward || null,
  owner_group: allocation.ownerGroup || null,
  reservation_id: allocation.reservationId || null,
  note: allocation.note || null,
  until: showTime(allocation.until),
});

/** Values kept by hand. */
export const showReservation = (reservation: Reservation): ReservationDocument => ({
  id: reservation.id,
  pool: reservation.pool,
  first: showValue(reservation.first),
  last: showValue(reservation.last || reservation.first),
  protocols: reservation.protocols.flatMap((protocol) => protocolWords[protocol] ?? []),
  note: reservation.note,
  expires_at: showTime(reservation.expiresAt),
  created_by: reservation.createdBy,
  created_at: showTime(reservation.createdAt) ?? new Date(0).toISOString(),
});

/** Who holds a value, and why. */
export const showExplainedValue = (explained: ExplainValueResponse): ExplainedValueDocument => ({
  pool: explained.pool || null,
  free: explained.free,
  available: explained.available,
  holders: explained.holders.map(showAllocation),
  reason: explained.reason,
});

/** Ports and rule numbers as numbers, addresses as text. */
const showValue = (value: string): string | number => (/^[0-9]+$/.test(value) ? Number(value) : value);
