import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RefusalCounts } from './refusal-counts.ts';

test('twenty refusals of a caller a minute are told one by one, the others are counted', () => {
  const counts = new RefusalCounts(0);
  const told = Array.from({ length: 25 }, () => counts.note('192.0.2.1'));
  assert.deepEqual([told.filter(Boolean).length, told.indexOf(false)], [20, 20]);
  assert.ok(counts.note('192.0.2.2'));
  assert.deepEqual(counts.take(59_999), []);
  assert.deepEqual(counts.take(60_000), [{ caller: '192.0.2.1', count: 5 }]);
  assert.ok(counts.note('192.0.2.1'));
  assert.deepEqual(counts.take(200_000), []);
});

test('callers without end share one count', () => {
  const counts = new RefusalCounts(0);
  for (let index = 0; index < 10_100; index++) counts.note(`caller-${index}`);
  assert.deepEqual(counts.take(0, true), [{ caller: 'others', count: 80 }]);
});
