import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { chooseBatch, httpTimeoutMs, pauseAfterBatchMs, shouldSaveFirst, type WaitingChange } from './choose-batch.ts';
import { type CostModel, estimateMs, fixedMs, initialCostModel, variableMs } from './cost-model.ts';

/** 1 s for each commit, 10 ms for each configured object, 100 ms for each set, 50 ms for each delete. */
const model: CostModel = { weights: [1_000, 10, 100, 100, 50], recent: [] };

const change = (resourceId: string, ownerGroup = 'ops', natSets = 10, bodyBytes = 1_000): WaitingChange => ({
  resourceId,
  ownerGroup,
  counts: { natSets, mappingSets: 0, deletes: 0 },
  bodyBytes,
});

const many = (count: number, ownerGroup: string, natSets = 10) =>
  Array.from({ length: count }, (_, at) => change(`${ownerGroup}-${at}`, ownerGroup, natSets));

test('everything that waits goes together while it is cheap', () => {
  assert.deepEqual(chooseBatch(many(10, 'a', 9), model, 0).length, 10);
  assert.deepEqual(chooseBatch([], model, 0), []);
});

test('the operations may take ten seconds, or as long as any commit takes on a full router', () => {
  assert.equal(chooseBatch(many(500, 'a'), model, 0).length, 10);
  assert.equal(chooseBatch(many(500, 'a'), model, 3_900).length, 40);
});

test('no batch is estimated at more than 300 s, unless it is one change', () => {
  assert.equal(chooseBatch(many(500, 'a'), model, 19_900).length, 100);
  assert.deepEqual(chooseBatch([change('huge', 'a', 9_000), change('small', 'b', 1)], model, 0), ['huge']);
  assert.deepEqual(chooseBatch(many(5, 'a'), model, 90_000), ['a-0']);
});

test('a body stays well below a megabyte', () => {
  const waiting = Array.from({ length: 20 }, (_, at) => change(`${at}`, 'a', 1, 100_000));
  assert.equal(chooseBatch(waiting, model, 0).length, 9);
});

test('groups take turns: a storm of one group keeps nobody else out', () => {
  const chosen = chooseBatch([...many(400, 'storm'), ...many(3, 'quiet'), ...many(1, 'other')], model, 0);
  assert.deepEqual(chosen.slice(0, 5), ['storm-0', 'quiet-0', 'other-0', 'storm-1', 'quiet-1']);
  assert.equal(chosen.length, 10);
  assert.equal(chosen.filter((id) => id.startsWith('quiet')).length, 3);
});

test('a change that does not fit keeps its place in its group and leaves the room to other groups', () => {
  const waiting = [
    change('a-0', 'a', 50),
    change('a-1', 'a', 80),
    change('a-2', 'a', 1),
    change('b-0', 'b', 20),
    change('b-1', 'b', 20),
  ];
  assert.deepEqual(chooseBatch(waiting, model, 0), ['a-0', 'b-0', 'b-1']);
});

test('every batch keeps its limits, holds the oldest change and nothing twice', () => {
  const changes = fc.array(
    fc.record({
      group: fc.constantFrom('a', 'b', 'c'),
      natSets: fc.oneof(fc.nat(20), fc.nat(4_000)),
      bodyBytes: fc.oneof(fc.nat(2_000), fc.nat(600_000)),
    }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(changes, fc.nat(5_000), (some, size) => {
      const waiting = some.map(({ group, natSets, bodyBytes }, at) => change(`${at}`, group, natSets, bodyBytes));
      const chosen = chooseBatch(waiting, model, size);
      const taken = waiting.filter(({ resourceId }) => chosen.includes(resourceId));
      assert.equal(new Set(chosen).size, chosen.length);
      assert.equal(taken.length, chosen.length);
      assert.equal(chosen[0], waiting[0]?.resourceId);
      if (chosen.length < 2) return;
      const natSets = taken.reduce((sum, { counts }) => sum + counts.natSets, 0);
      const counts = { natSets, mappingSets: 0, deletes: 0 };
      assert.ok(variableMs(model, counts) <= Math.max(10_000, fixedMs(model, size)) + 1e-6);
      assert.ok(estimateMs(model, counts, size) <= 300_000 + 1e-6);
      assert.ok(taken.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0) < 1_000_000);
    }),
  );
});

test('when everything that waits fits, everything is taken, in one batch', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 30 }), (groups) => {
      const waiting = groups.map((group, at) => change(`${at}`, group, 1));
      assert.equal(chooseBatch(waiting, initialCostModel, 0).length, waiting.length);
    }),
  );
});

test('ten thousand waiting changes are chosen from in a moment', () => {
  const waiting = Array.from({ length: 10_000 }, (_, at) => change(`${at}`, `group-${at % 100}`, 0));
  const start = performance.now();
  chooseBatch(waiting, model, 0);
  assert.ok(performance.now() - start < 500);
});

test('the times around a batch', () => {
  assert.equal(pauseAfterBatchMs(1_000), 100);
  assert.equal(pauseAfterBatchMs(60_000), 250);
  assert.equal(pauseAfterBatchMs(0), 0);
  assert.ok(shouldSaveFirst(5_001) && !shouldSaveFirst(5_000));
  assert.equal(httpTimeoutMs(1_000, 60_000), 60_000);
  assert.equal(httpTimeoutMs(100_000, 60_000), 200_000);
});
