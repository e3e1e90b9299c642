import type { OperationCounts } from '../changes/plan.ts';

/** What is known of a router's speed: how its last commits went, and the weights that tell them best. Plain JSON, to be stored as it is. */
export interface CostModel {
  /** Milliseconds, never negative: of any commit, per configured rule or mapping, per NAT set, per mapping set, per delete. */
  readonly weights: readonly number[];
  /** The newest commits, oldest first: what the weights were multiplied with, and at the end how long it took. */
  readonly recent: readonly (readonly number[])[];
}

/** What is learnt from one commit. `size`: how many rules and mappings are configured, whoever's they are. */
export interface ObservedCommit {
  readonly counts: OperationCounts;
  readonly size: number;
  readonly durationMs: number;
}

/** So many commits are remembered; each counts for 7 % less than the one after it. */
const memory = 48;
const fading = 0.93;

/** What one VyOS 1.5 on a small machine was seen to need (2 shared cores). */
const expected: readonly number[] = [1_400, 45, 105, 70, 30];

export const initialCostModel: CostModel = { weights: expected, recent: [] };

/** What a commit costs whatever it changes. Milliseconds. */
export const fixedMs = (model: CostModel, size: number): number => dot(model.weights, features(noOperations, size, 1));

/** What the operations of a commit cost. Milliseconds; the sum over parts is the cost of the whole. */
export const variableMs = (model: CostModel, counts: OperationCounts): number =>
  dot(model.weights, features(counts, 0, 0));

/** How long a commit of these operations takes. Milliseconds. */
export const estimateMs = (model: CostModel, counts: OperationCounts, size: number): number =>
  fixedMs(model, size) + variableMs(model, counts);

/**
 * The model after one more commit. The weights are fitted to the commits that are remembered: none below zero, one that was held up by
 * something counts little (Huber), and what was never seen is taken to be as fast as the rest.
 */
export function learn(model: CostModel, { counts, size, durationMs }: ObservedCommit): CostModel {
  if (!Number.isFinite(durationMs) || durationMs < 0) return model;
  const recent = [...model.recent, [...features(counts, size, 1), durationMs]].slice(-memory);
  return { weights: fit(recent), recent };
}

const noOperations: OperationCounts = { natSets: 0, mappingSets: 0, deletes: 0 };

const features = (
  { natSets, mappingSets, deletes }: OperationCounts,
  size: number,
  commits: 0 | 1,
): readonly number[] => [commits, size, natSets, mappingSets, deletes];

const dot = (weights: readonly number[], values: readonly number[]): number =>
  weights.reduce((sum, weight, at) => sum + weight * (values[at] ?? 0), 0);

interface Row {
  readonly values: readonly number[];
  readonly duration: number;
  /** What a difference is measured by: repeats of one commit differ by about a tenth. */
  readonly noise: number;
  readonly age: number;
}

function fit(recent: readonly (readonly number[])[]): readonly number[] {
  const speed = medianOf(recent.slice(-9).map((row) => (row[expected.length] ?? 0) / dot(expected, row)));
  const prior = expected.map((weight) => weight * speed);
  const rows = recent.map(
    (row, at): Row => ({
      values: row,
      duration: row[expected.length] ?? 0,
      noise: 10 + 0.1 * dot(prior, row),
      age: fading ** (recent.length - 1 - at),
    }),
  );
  let weights: readonly number[] = prior;
  for (let round = 0; round < 12; round += 1) weights = sweep(rows, weights, prior);
  return weights;
}

/** One round of coordinate descent on the squared differences, those beyond two times the noise counting in proportion only. */
function sweep(rows: readonly Row[], before: readonly number[], prior: readonly number[]): readonly number[] {
  const trusts = rows.map(({ values, duration, noise, age }) => {
    const surprise = Math.abs(duration - dot(before, values)) / noise;
    return ((surprise > 2 ? 2 / surprise : 1) * age) / noise ** 2;
  });
  const weights = [...before];
  for (let step = 0; step < 8; step += 1) {
    for (const at of weights.keys()) weights[at] = bestWeight(at, rows, trusts, weights, prior);
  }
  return weights;
}

/** The best value of one weight while the others stay. It is held to what is expected of it as by one commit that differs by all of it. */
function bestWeight(
  at: number,
  rows: readonly Row[],
  trusts: readonly number[],
  weights: readonly number[],
  prior: readonly number[],
): number {
  const own = weights[at] ?? 0;
  const held = 1 / Math.max(1e-3, prior[at] ?? 0) ** 2;
  let above = held * (prior[at] ?? 0);
  let below = held;
  for (const [index, { values, duration }] of rows.entries()) {
    const value = values[at] ?? 0;
    if (value === 0) continue;
    const trust = trusts[index] ?? 0;
    above += trust * value * (duration - dot(weights, values) + own * value);
    below += trust * value * value;
  }
  return Math.max(0, above / below);
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 1;
}
