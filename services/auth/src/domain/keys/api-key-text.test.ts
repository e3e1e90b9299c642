import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canBeKey, hashOfKey, isMistyped, newKeyText, newPrefix, prefixOf } from './api-key-text.ts';
import { weaknessOf } from './given-key.ts';

test('a key shows its prefix, and no two keys are alike', () => {
  const keys = Array.from({ length: 500 }, () => newKeyText('Ab3dEf9h'));
  assert.equal(new Set(keys).size, keys.length);
  for (const key of keys) {
    assert.match(key, /^berth_Ab3dEf9h_[0-9A-Za-z]{49}$/);
    assert.equal(prefixOf(key), 'Ab3dEf9h');
  }
});

test('a key with one character wrong, or two exchanged, is known for mistyped', () => {
  const key = newKeyText(newPrefix());
  for (let at = 6; at < key.length; at++) {
    if (key[at] === '_') continue;
    const wrong = key.slice(0, at) + (key[at] === 'x' ? 'y' : 'x') + key.slice(at + 1);
    assert.ok(isMistyped(wrong) && !canBeKey(wrong) && prefixOf(wrong) === undefined, `position ${at}`);
    const exchanged = key.slice(0, at - 1) + key[at] + key[at - 1] + key.slice(at + 1);
    assert.ok(exchanged === key || prefixOf(exchanged) === undefined, `exchange at ${at}`);
  }
});

test('texts of any other form may be keys, but not empty or very long ones', () => {
  assert.ok(canBeKey('some key of an operator'));
  assert.ok(canBeKey('berth_short'));
  assert.ok(!canBeKey(''));
  assert.ok(!canBeKey('x'.repeat(513)));
});

test('the hash is SHA-256 of the whole key', () => {
  assert.equal(hashOfKey('abc').toString('hex'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});

test('keys that an operator must not choose are named with the reason', () => {
  assert.match(weaknessOf('changeme') ?? '', /changeme/);
  assert.match(weaknessOf('CHANGEME') ?? '', /changeme/);
  assert.match(weaknessOf('fifteen-letters') ?? '', /shorter than 16/);
  assert.match(weaknessOf('aaaaaaaaaaaaaaaaaaaaaaaa') ?? '', /repeats/);
  for (const example of [
    'changeme-changeme',
    'CHANGE_ME_CHANGE_ME',
    'your-api-key-here',
    'berth-admin-key-2026',
    'replace-me-with-key',
  ]) {
    assert.match(weaknessOf(example) ?? '', /words that examples have/, example);
  }
  for (const row of ['1234567890123456', '0123456789abcdef', 'abcdefghijklmnopqrstuvwxyz']) {
    assert.match(weaknessOf(row) ?? '', /in a row/, row);
  }
  assert.equal(weaknessOf('sixteen-letters!'), undefined);
  assert.equal(weaknessOf('api-key-Xq7Ulb20vPmRz'), undefined);
  assert.equal(weaknessOf(newKeyText(newPrefix())), undefined);
});
