import type { OperationCounts } from '../changes/plan.ts';
import { type CostModel, fixedMs, variableMs } from './cost-model.ts';

/** A resource whose change waits for the router. */
export interface WaitingChange {
  readonly resourceId: string;
  readonly ownerGroup: string;
  readonly counts: OperationCounts;
  /** Of its operations as JSON. */
  readonly bodyBytes: number;
}

/** How long commits may take. Milliseconds. */
export interface BatchLimits {
  /** The operations of a commit may always take so long. */
  readonly floorMs: number;
  /** A whole commit is estimated at most at so much: the router's proxy cuts at 600 s, and an estimate may be wrong by half. */
  readonly longestMs: number;
}

const usualLimits: BatchLimits = { floorMs: 10_000, longestMs: 300_000 };

/** A commit may take this part of what waits: else a storm that begins on a small configuration would need a commit for every few VMs. */
const shareOfBacklog = 2 / 3;
/** The router's proxy refuses 1 MB. The key and the envelope need some of it. */
const largestBodyBytes = 900_000;

/**
 * How long the operations of a commit may take whose fixed part is so long, with operations for `backlogMs` waiting. Nobody waits longer for
 * others' operations than for what any commit costs, or than two thirds of what is to be done anyway.
 */
export const roomMs = (fixed: number, backlogMs: number, { floorMs, longestMs }: BatchLimits = usualLimits): number =>
  Math.min(Math.max(floorMs, fixed, backlogMs * shareOfBacklog), longestMs - fixed);

/**
 * The resources whose changes go into the next commit, out of those that wait (the oldest first). Groups take turns, so that a group with
 * many changes does not keep another one out; within a group the older goes first. The oldest of all always goes, however large it is.
 * `total`: how many wait, when these are not all.
 */
export function chooseBatch(
  waiting: readonly WaitingChange[],
  model: CostModel,
  size: number,
  { total = waiting.length, limits = usualLimits }: { readonly total?: number; readonly limits?: BatchLimits } = {},
): readonly string[] {
  const seenMs = waiting.reduce((sum, { counts }) => sum + variableMs(model, counts), 0);
  const backlogMs = seenMs * (Math.max(total, waiting.length) / Math.max(1, waiting.length));
  const room = {
    milliseconds: roomMs(fixedMs(model, size), backlogMs, limits),
    bytes: largestBodyBytes,
  };
  const chosen: string[] = [];
  let queues = [...Map.groupBy(waiting, ({ ownerGroup }) => ownerGroup).values()].map((queue) => queue.values());
  while (queues.length > 0) {
    const remaining: typeof queues = [];
    for (const queue of queues) {
      const { value: next } = queue.next();
      if (next === undefined) continue;
      room.milliseconds -= variableMs(model, next.counts);
      room.bytes -= next.bodyBytes;
      // A group whose next change does not fit waits for the next batch, so that its order is kept.
      if (chosen.length > 0 && (room.milliseconds < 0 || room.bytes < 0)) {
        room.milliseconds += variableMs(model, next.counts);
        room.bytes += next.bodyBytes;
        continue;
      }
      chosen.push(next.resourceId);
      remaining.push(queue);
    }
    queues = remaining;
  }
  return chosen;
}

/** How long to wait, after a batch that took `durationMs`, for the callers just served to ask again. Milliseconds. */
export const pauseAfterBatchMs = (durationMs: number, mostMs = 250): number =>
  Math.min(mostMs, Math.max(0, durationMs) * 0.1);

/** Whether what is applied shall be saved before a batch that will take so long, rather than after it. */
export const shouldSaveFirst = (batchEstimateMs: number): boolean => batchEstimateMs > 5_000;

/** How long to wait for the answer to a request of this estimate before the router is asked what became of it. Milliseconds. */
export const httpTimeoutMs = (requestEstimateMs: number, leastMs: number): number =>
  Math.max(leastMs, 2 * requestEstimateMs);
