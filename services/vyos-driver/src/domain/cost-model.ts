import type { OperationCounts } from './plan.ts';

/** What is known of a router's speed. Plain JSON, to be stored as it is. */
export interface CostModel {
  /** Milliseconds: of any commit, per configured rule or mapping, per NAT set, per mapping set, per delete. Never negative. */
  readonly weights: readonly number[];
  /** How sure each weight is: a 5 × 5 covariance, row by row. */
  readonly covariance: readonly number[];
}

export const initialCostModel: CostModel = { weights: [1_400, 45, 105, 70, 30], covariance: [] };

/** What a commit costs whatever it changes, when `size` rules and mappings are configured. Milliseconds. */
export function fixedMs(_model: CostModel, _size: number): number {
  throw new Error('not yet');
}

/** What the operations of a commit cost. Milliseconds; the sum over parts is the cost of the whole. */
export function variableMs(_model: CostModel, _counts: OperationCounts): number {
  throw new Error('not yet');
}

/** How long a commit of these operations takes. Milliseconds. */
export const estimateMs = (model: CostModel, counts: OperationCounts, size: number): number =>
  fixedMs(model, size) + variableMs(model, counts);

/** The model after a commit that took `durationMs`. */
export function learn(
  _model: CostModel,
  _observed: { readonly counts: OperationCounts; readonly size: number; readonly durationMs: number },
): CostModel {
  throw new Error('not yet');
}
