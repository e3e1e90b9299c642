import { type CostModel, fixedMs, variableMs } from './cost-model.ts';
import type { OperationCounts } from './plan.ts';

/** A resource whose change waits for the router. */
export interface WaitingChange {
  readonly resourceId: string;
  readonly ownerGroup: string;
  readonly counts: OperationCounts;
  /** Of its operations as JSON. */
  readonly bodyBytes: number;
}

/** Nobody waits longer for others' operations than for what any commit costs, except up to this. */
const variableFloorMs = 10_000;
/** The router's proxy cuts at 600 s; an estimate may be wrong by half. */
const longestEstimateMs = 300_000;
/** The router's proxy refuses 1 MB. The key and the envelope need some of it. */
const largestBodyBytes = 900_000;

/** How long the operations of a commit may take whose fixed part is so long. Milliseconds. */
export const roomMs = (fixed: number): number => Math.min(Math.max(variableFloorMs, fixed), longestEstimateMs - fixed);

/**
 * The resources whose changes go into the next commit, out of those that wait (the oldest first). Groups take turns, so that a group with
 * many changes does not keep another one out; within a group the older goes first. The oldest of all always goes, however large it is.
 */
export function chooseBatch(waiting: readonly WaitingChange[], model: CostModel, size: number): readonly string[] {
  const fixed = fixedMs(model, size);
  const room = {
    milliseconds: roomMs(fixed),
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
export const pauseAfterBatchMs = (durationMs: number): number => Math.min(250, Math.max(0, durationMs) * 0.1);

/** Whether what is applied shall be saved before a batch that will take so long, rather than after it. */
export const shouldSaveFirst = (batchEstimateMs: number): boolean => batchEstimateMs > 5_000;

/** How long to wait for the answer to a request of this estimate before the router is asked what became of it. Milliseconds. */
export const httpTimeoutMs = (requestEstimateMs: number, leastMs: number): number =>
  Math.max(leastMs, 2 * requestEstimateMs);
