import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { redact } from './redact.ts';

test('the request that a validation error echoes is left out', () => {
  const text = `{'type': 'missing', 'loc': ('body', 'op'), 'msg': 'Field required', 'input': {'path': ['nat'], 'key': 'thekey'}, 'url': 'https://errors.pydantic.dev/2.13/v/missing'}`;
  assert.equal(
    redact(text, []),
    `{'type': 'missing', 'loc': ('body', 'op'), 'msg': 'Field required', 'input': (left out)`,
  );
});

test('the key in an echoed request is left out wherever the text continues, known as a secret or not', () => {
  const echoes = [
    `{'type': 'missing', 'loc': ('body', 'ConfigureModel', 'op'), 'msg': 'Field required', 'input': {'commands': [], 'key': 'thekey'}}`,
    `{"type": "missing", "loc": ["body", "op"], "msg": "Field required", "input": {"key": "thekey", "op": "confirm"}}`,
    `[{'input': {'key': 'thekey'}, 'ctx': {}}, {'input': {'key': 'thekey'}}]`,
  ];
  for (const text of echoes) assert.ok(!redact(text, []).includes('thekey'), text);
});

test('a secret is removed in every form in which it may come back', () => {
  const secret = `a&b<c>"d'\\e`;
  for (const form of [
    secret,
    JSON.stringify(secret),
    'a&amp;b&lt;c&gt;"d\'\\e',
    `'a&b<c>"d\\'\\\\e'`,
    encodeURIComponent(secret),
  ]) {
    assert.ok(!redact(`before ${form} after`, [secret]).includes('b<c'), form);
    assert.match(redact(`before ${form} after`, [secret]), /^before .?\*\*\*.? after$/, form);
  }
});

test('an empty secret changes nothing', () => {
  assert.equal(redact('abc', ['']), 'abc');
});

test('no text comes out longer than 2,000 characters, nor with a secret in it', () => {
  const secrets = fc.string({ minLength: 4, maxLength: 40 }).filter((secret) => !/[*…]/.test(secret));
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 1500 }), { maxLength: 4 }), secrets, (parts, secret) => {
      const clean = redact(parts.join(secret), [secret]);
      assert.ok(clean.length <= 2_000);
      assert.ok(!clean.includes(secret));
    }),
  );
});
