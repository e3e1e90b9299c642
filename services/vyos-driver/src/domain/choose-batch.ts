import type { CostModel } from './cost-model.ts';
import type { OperationCounts } from './plan.ts';

/** A resource whose change waits for the router. */
export interface WaitingChange {
  readonly resourceId: string;
  readonly ownerGroup: string;
  readonly counts: OperationCounts;
  readonly bodyBytes: number;
}

export function chooseBatch(_waiting: readonly WaitingChange[], _model: CostModel, _size: number): readonly string[] {
  throw new Error('not yet');
}

/** How long to wait for the callers just served to ask again, after a batch that took `durationMs`. Milliseconds. */
export const pauseAfterBatchMs = (durationMs: number): number => Math.min(250, Math.max(0, durationMs) * 0.1);

/** Whether to save before a batch that will take so long. */
export const shouldSaveFirst = (batchEstimateMs: number): boolean => batchEstimateMs > 5_000;

/** After how long without an answer to a request of this estimate the router is asked what became of it. Milliseconds. */
export const httpTimeoutMs = (requestEstimateMs: number): number => Math.max(60_000, 2 * requestEstimateMs);
