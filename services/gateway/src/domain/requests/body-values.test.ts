import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyMaxDepth, bodyMaxValues, unusableIn } from './body-values.ts';

function nested(levels: number): object {
  let value: object = {};
  for (let level = 1; level < levels; level++) value = { in: value };
  return value;
}

test('text with U+0000 is found wherever it is, names included', () => {
  const message = 'must not contain the character U+0000';
  assert.deepEqual(unusableIn({ a: { b: ['x', { c: 'y\0' }] } }), { field: 'a.b[1].c', message });
  assert.deepEqual(unusableIn({ a: { 'b\0': 1 } }), { field: 'a.b', message });
  assert.deepEqual(unusableIn(['\0']), { field: '[0]', message });
  assert.equal(unusableIn({ a: ['\\u0000', 5, null] }), undefined);
});

test('a body may be as deep as the bound and no deeper', () => {
  assert.equal(unusableIn(nested(bodyMaxDepth)), undefined);
  assert.match(unusableIn(nested(bodyMaxDepth + 1))?.message ?? '', /levels deep/);
  assert.equal(unusableIn({ metadata: nested(100_000) })?.field, `metadata${'.in'.repeat(bodyMaxDepth - 1)}`);
});

test('a body holds a bounded number of values, wherever they are', () => {
  const half = Array(bodyMaxValues / 2).fill(7);
  assert.equal(unusableIn({ a: half.slice(2), b: half }), undefined);
  assert.match(unusableIn({ a: half, b: half })?.message ?? '', /more than 50000 values/);
  const names = Object.fromEntries(Array.from({ length: bodyMaxValues + 1 }, (_, index) => [`n${index}`, 1]));
  assert.equal(unusableIn(names)?.field, 'body');
});
