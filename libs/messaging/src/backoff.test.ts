import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMs } from './backoff.ts';

const at = (attempt: number, random = 0) => backoffMs(attempt, { firstMs: 100, mostMs: 1_000, random: () => random });

test('pauses double up to the longest', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 100].map((attempt) => at(attempt)),
    [100, 200, 400, 800, 1_000, 1_000],
  );
});

test('up to a quarter is taken off by chance, so that replicas do not come back together', () => {
  assert.deepEqual([at(1, 0.5), at(1, 1)], [88, 75]);
});
