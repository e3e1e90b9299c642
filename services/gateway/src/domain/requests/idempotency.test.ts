import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson, fingerprintOf, parseIdempotencyKey } from './idempotency.ts';

const hex = (body: unknown, query: unknown = {}) => Buffer.from(fingerprintOf(body, query)).toString('hex');

test('the order of members does not matter, that of items does', () => {
  assert.equal(hex({ a: 1, b: { c: 2, d: 3 } }), hex({ b: { d: 3, c: 2 }, a: 1 }));
  assert.notEqual(hex({ a: [1, 2] }), hex({ a: [2, 1] }));
  assert.notEqual(hex({ a: 1 }), hex({ a: '1' }));
  assert.notEqual(hex({}, { a: '1' }), hex({ a: '1' }, {}));
  assert.equal(hex(undefined), hex(null));
});

test('canonical JSON means the same as what it was made of', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) =>
      assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value))),
    ),
  );
});

test('a key is 1 to 255 visible ASCII characters', () => {
  assert.equal(parseIdempotencyKey(undefined), undefined);
  for (const key of ['a', '!~', 'x'.repeat(255)]) assert.equal(parseIdempotencyKey(key), key);
  for (const key of ['', 'a b', 'ä', 'x'.repeat(256), 'a\tb'])
    assert.throws(() => parseIdempotencyKey(key), /Idempotency-Key/);
});
