import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalJson } from './audit-chain.ts';

test('the same value is the same text, in whatever order its names were written', () => {
  const one = { b: [1, { d: null, c: 'é"\n' }], a: 1e21, '€': -0, '\u{1F600}': true, '\ufb33': false };
  const other = Object.fromEntries(Object.entries(one).reverse());
  assert.equal(canonicalJson(one), canonicalJson(other));
  // The order of RFC 8785: by UTF-16 code units, so the emoji (a surrogate pair) comes before U+FB33.
  assert.equal(
    canonicalJson(one),
    '{"a":1e+21,"b":[1,{"c":"é\\"\\n","d":null}],"€":0,"\u{1F600}":true,"\ufb33":false}',
  );
});

test('a text that is read back gives the same text', () => {
  const text = canonicalJson({ z: [[], {}, ''], y: 0.1, x: undefined });
  assert.equal(text, '{"y":0.1,"z":[[],{},""]}');
  assert.equal(canonicalJson(JSON.parse(text)), text);
});
