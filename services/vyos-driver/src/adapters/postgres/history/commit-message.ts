import { CommitKind, type CommitSchema, CommitState, RouterCommittedSchema, streams, subjects } from '@berth/contracts';
import { eventMessage, type OutgoingMessage } from '@berth/messaging';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { EntryKind, EntryState } from '../../../domain/history/history-entry.ts';
import type { EntryPlace, NewEntry } from './history-rows.ts';

export const kindOnWire: Record<EntryKind, CommitKind> = {
  change: CommitKind.CHANGE,
  repair: CommitKind.REPAIR,
  way_back: CommitKind.WAY_BACK,
  foreign: CommitKind.FOREIGN,
  drift: CommitKind.DRIFT,
  baseline: CommitKind.BASELINE,
  adoption: CommitKind.ADOPTION,
  accepted: CommitKind.ACCEPTED,
  upgrade: CommitKind.UPGRADE,
};

export const stateOnWire: Record<EntryState, CommitState> = {
  applied: CommitState.APPLIED,
  refused: CommitState.REFUSED,
  partial: CommitState.PARTIAL,
  settled: CommitState.SETTLED,
  observed: CommitState.OBSERVED,
};

/** A row of `history_commits` without what changed. Times as Postgres text. */
export interface CommitRow {
  readonly id: string;
  readonly router: string;
  readonly number: string;
  readonly kind: EntryKind;
  readonly state: EntryState;
  readonly started_at: string;
  readonly ended_at: string;
  readonly duration_ms: number | null;
  readonly estimate_ms: number | null;
  readonly epoch: string;
  readonly message: string;
  readonly operations: number;
  readonly changed_lines: number;
  readonly resource_count: number;
  readonly principals: readonly string[];
}

export const commitColumns = `id, router, number, kind, state, started_at, ended_at, duration_ms, estimate_ms, epoch, message, operations,
  changed_lines, resource_count, principals`;

const timeOf = (text: string) => timestampFromMs(new Date(text).getTime());

export const commitOfRow = (row: CommitRow): MessageInitShape<typeof CommitSchema> => ({
  id: row.id,
  number: BigInt(row.number),
  router: row.router,
  kind: kindOnWire[row.kind],
  state: stateOnWire[row.state],
  startedAt: timeOf(row.started_at),
  endedAt: timeOf(row.ended_at),
  durationMs: row.duration_ms ?? 0,
  estimateMs: row.estimate_ms ?? 0,
  epoch: BigInt(row.epoch),
  message: row.message,
  operations: row.operations,
  changedLines: row.changed_lines,
  resourceCount: row.resource_count,
  principals: [...row.principals],
});

/** More would not be read by anybody, and might not fit into a message. */
const mostResources = 2_000;

/** Tells all that a commit of ours ended. */
export function commitMessage(router: string, entry: NewEntry, { number, endedAt }: EntryPlace): OutgoingMessage {
  const causes = entry.resources.flatMap((one) => one.causes);
  const row: CommitRow = {
    ...{ id: entry.id, router, number: String(number), kind: entry.kind, state: entry.state },
    ...{ started_at: entry.startedAt ?? endedAt, ended_at: endedAt },
    ...{ duration_ms: Math.round(entry.durationMs ?? 0), estimate_ms: entry.estimateMs ?? 0 },
    ...{ epoch: String(entry.epoch), message: entry.message, operations: entry.operations },
    ...{ changed_lines: entry.changes.length, resource_count: entry.resources.length },
    principals: [...new Set(causes.map((cause) => cause.principalName))].filter((name) => name !== ''),
  };
  return eventMessage(
    {
      stream: streams.events,
      subject: subjects.routerCommitted(router),
      type: 'berth.router.committed',
      source: 'berth/vyos-driver',
      about: router,
    },
    RouterCommittedSchema,
    {
      commit: commitOfRow(row),
      resourceIds: entry.resources.slice(0, mostResources).map(({ resourceId }) => resourceId),
    },
  );
}
