import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenBuckets } from './token-buckets.ts';

test('as many requests as may pass in a second pass at once, then one at a time as the bucket fills', () => {
  const buckets = new TokenBuckets({ perSecond: 4, maxKeys: 10 });
  const passed = Array.from({ length: 6 }, () => buckets.take('a', 0).allowed);
  assert.deepEqual(passed, [true, true, true, true, false, false]);
  assert.equal(buckets.take('a', 0).retryAfterMs, 250);
  assert.equal(buckets.take('a', 249).allowed, false);
  assert.equal(buckets.take('a', 250).allowed, true);
  assert.equal(buckets.take('a', 250).allowed, false);
  assert.deepEqual(buckets.take('a', 60_000), { allowed: true, remaining: 3, retryAfterMs: 0 });
});

test('callers are counted apart, and at most so many are remembered', () => {
  const buckets = new TokenBuckets({ perSecond: 1, maxKeys: 2 });
  for (const key of ['a', 'b']) assert.equal(buckets.take(key, 0).allowed, true);
  assert.equal(buckets.take('a', 0).allowed, false);
  assert.equal(buckets.take('c', 0).allowed, true); // pushes out b
  assert.equal(buckets.take('a', 0).allowed, false);
  assert.equal(buckets.take('b', 0).allowed, true);
});
