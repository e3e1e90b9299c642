import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metadataMaxBytes, metadataMaxDepth, parseMetadata } from './metadata.ts';

function nested(levels: number): object {
  let value: object = {};
  for (let level = 1; level < levels; level++) value = { inner: value };
  return value;
}

test('metadata may be as deep and as large as the bounds, and no more', () => {
  assert.doesNotThrow(() => parseMetadata(nested(metadataMaxDepth)));
  assert.throws(() => parseMetadata(nested(metadataMaxDepth + 1)), /levels/);
  assert.throws(() => parseMetadata(nested(100_000)), /levels/);
  const frame = JSON.stringify({ text: '' }).length;
  assert.doesNotThrow(() => parseMetadata({ text: 'x'.repeat(metadataMaxBytes - frame) }));
  assert.throws(() => parseMetadata({ text: 'ü'.repeat(metadataMaxBytes / 2) }), /bytes/);
});

test('what a database could not give back unchanged is refused', () => {
  assert.throws(() => parseMetadata(JSON.parse('{"a":1e999}')), /too large/);
  assert.throws(() => parseMetadata({ a: ['\0'] }), /U\+0000/);
  assert.throws(() => parseMetadata({ '\0': 1 }), /U\+0000/);
  assert.throws(() => parseMetadata({ a: '\ud800' }), /well-formed/);
});
