import {
  CommitConfirmState,
  ConflictKind,
  RouterChangeSettledSchema,
  RouterState,
  RouterStateChangedSchema,
  RouterStatusSchema,
  streams,
  subjects,
  Verdict,
} from '@berth/contracts';
import { binaryMessage, eventMessage, type OutgoingMessage } from '@berth/messaging';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { CommitConfirm } from '../../domain/batches/commit-confirm.ts';
import type { Conflict } from '../../domain/changes/verdict.ts';
import type { RouterPlace, RouterProfile } from '../../domain/inventory/inventory.ts';
import type { RouterState as DomainState } from '../../domain/routers/router-state.ts';

/** A row of `verdicts`. Moments in milliseconds since 1970. */
export interface VerdictRow {
  readonly router: string;
  readonly resource_id: string;
  readonly incarnation: string;
  readonly number: string;
  readonly verdict: 'applied' | 'rejected' | 'withdrawn';
  readonly code: string;
  readonly message: string;
  readonly stood: boolean;
  readonly batch_id: string | null;
  readonly settled_ms: number;
  readonly conflict: Conflict | null;
}

export const verdictColumns = `router, resource_id, incarnation, number, verdict, code, message, stood, batch_id, conflict,
  round(extract(epoch FROM settled_at) * 1000)::float8 AS settled_ms`;

/** The part of a `routers` row that all are told. `retry_after_ms` is reckoned by the database. */
export interface StatusRow {
  readonly name: string;
  readonly state: DomainState;
  readonly reason: string;
  readonly since_ms: number;
  readonly retry_after_ms: number | null;
  readonly status_epoch: string;
  readonly status_sequence: string;
  readonly version: string;
  /** One that was stored before routers told their networks, or how commits are confirmed, has none. */
  readonly profile: (RouterPlace & Partial<RouterProfile>) | null;
  readonly inventory: string;
}

export const statusColumns = `name, state, reason, round(extract(epoch FROM since) * 1000)::float8 AS since_ms,
  extract(epoch FROM retry_at - clock_timestamp())::float8 * 1000 AS retry_after_ms,
  status_epoch, status_sequence, version, profile, inventory`;

export const stateOnWire: Record<DomainState, RouterState> = {
  unseen: RouterState.UNSPECIFIED,
  ok: RouterState.OK,
  unreachable: RouterState.UNREACHABLE,
  breaker_open: RouterState.BREAKER_OPEN,
  unknown: RouterState.UNKNOWN,
  blocked: RouterState.BLOCKED,
  disabled: RouterState.DISABLED,
  removed: RouterState.REMOVED,
};

const confirmOnWire: Record<CommitConfirm['state'], CommitConfirmState> = {
  active: CommitConfirmState.ACTIVE,
  off: CommitConfirmState.OFF,
  unavailable: CommitConfirmState.UNAVAILABLE,
  would_reboot: CommitConfirmState.WOULD_REBOOT,
};

const conflictOnWire: Record<Conflict['kind'], ConflictKind> = {
  address: ConflictKind.ADDRESS,
  mac: ConflictKind.MAC,
  mapping_name: ConflictKind.MAPPING_NAME,
  rule_number: ConflictKind.RULE_NUMBER,
  port: ConflictKind.PORT,
};

const verdictOnWire: Record<VerdictRow['verdict'], Verdict> = {
  applied: Verdict.APPLIED,
  rejected: Verdict.REJECTED,
  withdrawn: Verdict.WITHDRAWN,
};

export const settledMessage = (row: VerdictRow): OutgoingMessage =>
  binaryMessage(streams.routerEvents, subjects.routerChangeSettled(row.router), RouterChangeSettledSchema, {
    router: row.router,
    resourceId: row.resource_id,
    revision: { incarnation: BigInt(row.incarnation), number: BigInt(row.number) },
    verdict: verdictOnWire[row.verdict],
    code: row.code,
    message: row.message,
    stood: row.stood,
    batchId: row.batch_id ?? '',
    settledAt: timestampFromMs(row.settled_ms),
    ...(row.conflict === null ? {} : { conflict: { ...row.conflict, kind: conflictOnWire[row.conflict.kind] } }),
  });

/** A profile as a message. */
export const profileOnWire = ({
  subnets = [],
  interfaces = [],
  commitConfirm,
  ...place
}: NonNullable<StatusRow['profile']>) => ({
  ...place,
  subnets: subnets.map((one) => ({ ...one, nameServers: [...one.nameServers] })),
  interfaces: interfaces.map((one) => ({ ...one, addresses: [...one.addresses] })),
  ...(commitConfirm === undefined
    ? {}
    : { commitConfirm: { ...commitConfirm, state: confirmOnWire[commitConfirm.state] } }),
});

export const statusOfRow = (row: StatusRow): MessageInitShape<typeof RouterStatusSchema> => ({
  router: row.name,
  epoch: BigInt(row.status_epoch),
  sequence: BigInt(row.status_sequence),
  state: stateOnWire[row.state],
  retryAfterSeconds: Math.max(0, Math.ceil((row.retry_after_ms ?? 0) / 1_000)),
  reason: row.reason,
  since: timestampFromMs(row.since_ms),
  ...(row.profile === null ? {} : { profile: profileOnWire(row.profile) }),
  inventory: BigInt(row.inventory),
  version: row.version,
});

/** The public event of a router that stands otherwise than before. */
export const stateChangedMessage = (row: StatusRow, before: DomainState): OutgoingMessage =>
  eventMessage(
    {
      stream: streams.events,
      subject: subjects.routerStateChanged(row.name),
      type: 'berth.router.state.changed',
      source: 'berth/vyos-driver',
      about: row.name,
    },
    RouterStateChangedSchema,
    {
      router: row.name,
      state: stateOnWire[row.state],
      previousState: stateOnWire[before],
      reason: row.reason,
      since: timestampFromMs(row.since_ms),
    },
  );

export const statusMessage = (row: StatusRow): OutgoingMessage =>
  binaryMessage(streams.routerEvents, subjects.routerStatus(row.name), RouterStatusSchema, statusOfRow(row));
