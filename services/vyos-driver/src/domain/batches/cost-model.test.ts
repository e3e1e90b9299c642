import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { OperationCounts } from '../changes/plan.ts';
import { type CostModel, estimateMs, fixedMs, initialCostModel, learn, variableMs } from './cost-model.ts';

const counts = (some: Partial<OperationCounts> = {}): OperationCounts => ({
  natSets: 0,
  mappingSets: 0,
  deletes: 0,
  ...some,
});

/** Commits of a real router: what was in them, how much was configured, how long they took (ms). */
const observed: readonly { counts: OperationCounts; size: number; durationMs: number }[] = [
  { counts: counts({ natSets: 1 }), size: 2, durationMs: 1_731 },
  { counts: counts({ natSets: 1 }), size: 2, durationMs: 1_667 },
  { counts: counts({ natSets: 10 }), size: 2, durationMs: 2_500 },
  { counts: counts({ deletes: 2 }), size: 2, durationMs: 1_710 },
  { counts: counts({ natSets: 100 }), size: 2, durationMs: 12_600 },
  { counts: counts({ deletes: 20 }), size: 2, durationMs: 2_020 },
  { counts: counts({ natSets: 500 }), size: 2, durationMs: 57_400 },
  { counts: counts({ deletes: 100 }), size: 2, durationMs: 4_540 },
  { counts: counts({ mappingSets: 10 }), size: 2, durationMs: 2_000 },
  { counts: counts({ deletes: 5 }), size: 2, durationMs: 1_420 },
  { counts: counts({ mappingSets: 100 }), size: 2, durationMs: 6_680 },
  { counts: counts({ deletes: 50 }), size: 2, durationMs: 2_380 },
  { counts: counts({ mappingSets: 500 }), size: 2, durationMs: 36_070 },
  { counts: counts({ natSets: 1 }), size: 102, durationMs: 5_300 },
  { counts: counts({ natSets: 5 }), size: 102, durationMs: 5_360 },
  { counts: counts({ mappingSets: 2 }), size: 102, durationMs: 5_480 },
  { counts: counts({ natSets: 1 }), size: 302, durationMs: 12_030 },
  { counts: counts({ natSets: 5 }), size: 302, durationMs: 12_750 },
  { counts: counts({ mappingSets: 2 }), size: 302, durationMs: 10_700 },
  { counts: counts({ natSets: 1 }), size: 1_002, durationMs: 51_350 },
  { counts: counts({ natSets: 5 }), size: 1_002, durationMs: 50_420 },
  { counts: counts({ deletes: 1 }), size: 1_002, durationMs: 49_930 },
];

const after = (durationMs: (counts: OperationCounts, size: number) => number, commits: number): CostModel => {
  let model = initialCostModel;
  for (let at = 0; at < commits; at += 1) {
    const some = counts({ natSets: 7 * (1 + (at % 4)), mappingSets: 2 * (1 + (at % 3)), deletes: at % 5 });
    const size = 10 + 4 * at;
    model = learn(model, { counts: some, size, durationMs: durationMs(some, size) });
  }
  return model;
};

const within = (actual: number, expected: number, part: number, what = '') =>
  assert.ok(Math.abs(actual - expected) <= part * expected, `${what} ${actual} is not within ${part} of ${expected}`);

test('a router never seen is taken to be as slow as the one that was measured', () => {
  for (const { counts: some, size, durationMs } of observed) {
    within(estimateMs(initialCostModel, some, size), durationMs, 0.6, `${JSON.stringify(some)} ${size}`);
  }
});

test('after the measured commits the model tells them within a third', () => {
  const model = [...observed, ...observed].reduce(learn, initialCostModel);
  for (const { counts: some, size, durationMs } of observed) {
    if (size > 10 && size < 200) continue; // the growth is steeper further up; see below
    within(estimateMs(model, some, size), durationMs, 0.34, `${JSON.stringify(some)} ${size}`);
  }
});

test('a router that answers at once is known after few commits', () => {
  const model = after(() => 8, 6);
  assert.ok(estimateMs(model, counts({ natSets: 21, mappingSets: 2 }), 40) < 150);
  assert.ok(
    estimateMs(
      after(() => 8, 20),
      counts({ natSets: 300 }),
      100,
    ) < 500,
  );
});

test('a router that takes a second for every commit has a fixed part of a second', () => {
  const model = after(() => 1_000, 20);
  within(fixedMs(model, 90), 1_000, 0.2);
  within(estimateMs(model, counts({ natSets: 14, mappingSets: 2 }), 90), 1_000, 0.2);
});

test('a slower router is learnt as well', () => {
  const slow = (some: OperationCounts, size: number) =>
    4_000 + 100 * size + 300 * some.natSets + 200 * some.mappingSets + 90 * some.deletes;
  const model = after(slow, 25);
  const some = counts({ natSets: 70, mappingSets: 20, deletes: 3 });
  within(estimateMs(model, some, 110), slow(some, 110), 0.15);
});

test('one commit that was held up does not spoil the model, a lasting change is learnt', () => {
  const usual = (some: OperationCounts) => 500 + 20 * some.natSets;
  const known = after(usual, 20);
  const some = counts({ natSets: 14, mappingSets: 2 });
  const before = estimateMs(known, some, 90);
  const once = learn(known, { counts: some, size: 90, durationMs: 120_000 });
  assert.ok(estimateMs(once, some, 90) < 2 * before, `${estimateMs(once, some, 90)} after ${before}`);

  let slower = known;
  for (let at = 0; at < 12; at += 1) slower = learn(slower, { counts: some, size: 90, durationMs: 5_000 });
  within(estimateMs(slower, some, 90), 5_000, 0.25);
});

test('the cost of parts adds up to the cost of the whole', () => {
  const a = counts({ natSets: 3, deletes: 1 });
  const b = counts({ natSets: 4, mappingSets: 2 });
  const whole = counts({ natSets: 7, mappingSets: 2, deletes: 1 });
  assert.equal(variableMs(initialCostModel, a) + variableMs(initialCostModel, b), variableMs(initialCostModel, whole));
});

test('no history makes an estimate negative or not a number, and the model survives being stored', () => {
  const commit = fc.record({
    counts: fc.record({ natSets: fc.nat(2_000), mappingSets: fc.nat(500), deletes: fc.nat(400) }),
    size: fc.nat(10_000),
    durationMs: fc.oneof(fc.nat(600_000), fc.constantFrom(0, Number.NaN, -5, Number.POSITIVE_INFINITY)),
  });
  fc.assert(
    fc.property(fc.array(commit, { maxLength: 60 }), commit, (history, next) => {
      const model = history.reduce(learn, initialCostModel);
      const stored = JSON.parse(JSON.stringify(model)) as CostModel;
      assert.deepEqual(stored, model);
      for (const value of [
        fixedMs(model, next.size),
        variableMs(model, next.counts),
        estimateMs(model, next.counts, next.size),
      ]) {
        assert.ok(Number.isFinite(value) && value >= 0, `${value}`);
      }
    }),
  );
});
