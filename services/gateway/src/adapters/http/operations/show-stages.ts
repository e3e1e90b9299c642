import { type ChangePlace, ChangeStanding, type Operation, OperationKind, OperationState } from '@berth/contracts';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { showTime } from '../show-time.ts';
import type { OperationDocument, StageDocument } from './operation-schemas.ts';

type Progress = Pick<OperationDocument, 'stages' | 'progress' | 'position' | 'eta_seconds'>;

const ended: ReadonlySet<OperationState> = new Set([
  OperationState.SUCCEEDED,
  OperationState.FAILED,
  OperationState.CANCELLED,
]);

const lastStages: Partial<Record<OperationState, StageDocument['stage']>> = {
  [OperationState.SUCCEEDED]: 'applied',
  [OperationState.FAILED]: 'failed',
  [OperationState.CANCELLED]: 'cancelled',
};

/** How far an operation is: what the allocator tells of it, and the driver (`place`), if that has answered. */
export function showProgress(operation: Operation, place: ChangePlace | undefined, now = Date.now()): Progress {
  const eta = etaSecondsOf(operation, place);
  return {
    stages: stagesOf(operation, place),
    progress: progressOf(operation, eta, now),
    position: place?.standing === ChangeStanding.WAITING && place.position > 0 ? place.position : null,
    ...(eta === undefined ? {} : { eta_seconds: eta }),
  };
}

function stagesOf(operation: Operation, place: ChangePlace | undefined): StageDocument[] {
  const { createdAt, sentAt, waitingBehind, state, updatedAt } = operation;
  const last = lastStages[state];
  const saved = place?.savedAt;
  return [
    ...stage('accepted', createdAt),
    ...(waitingBehind > 0 ? [{ stage: 'waiting' as const, at: showTime(createdAt), behind: waitingBehind }] : []),
    ...stage('values_reserved', sentAt),
    ...stage('queued', place?.receivedAt ?? sentAt),
    ...(place?.batchStartedAt
      ? [{ stage: 'in_commit' as const, at: showTime(place.batchStartedAt), commit_id: place.batchId }]
      : []),
    ...(last === undefined
      ? []
      : stage(last, state === OperationState.SUCCEEDED ? (place?.settledAt ?? updatedAt) : updatedAt)),
    ...(state === OperationState.SUCCEEDED ? stage('saved', saved) : []),
  ];
}

const stage = (name: StageDocument['stage'], at: Timestamp | undefined): StageDocument[] =>
  at === undefined ? [] : [{ stage: name, at: showTime(at) }];

function etaSecondsOf(operation: Operation, place: ChangePlace | undefined): number | undefined {
  if (ended.has(operation.state) || place?.etaMs === undefined) return undefined;
  return Math.max(1, Math.ceil(place.etaMs / 1_000));
}

/** Of a bulk, how many of its items have ended; of others, how much of the time has gone. Null where nobody knows, and of what was cancelled. */
function progressOf(operation: Operation, eta: number | undefined, now: number): number | null {
  if (operation.state === OperationState.CANCELLED) return null;
  if (ended.has(operation.state)) return 1;
  if (operation.kind === OperationKind.BULK) {
    return operation.items === 0 ? 0 : rounded(operation.itemsEnded / operation.items);
  }
  if (eta === undefined) return null;
  const goneMs = Math.max(0, now - (operation.createdAt ? timestampMs(operation.createdAt) : now));
  return Math.min(0.99, rounded(goneMs / (goneMs + eta * 1_000)));
}

const rounded = (share: number): number => Math.round(share * 100) / 100;
