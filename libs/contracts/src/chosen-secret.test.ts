import assert from 'node:assert/strict';
import { test } from 'node:test';
import { weaknessOfSecret } from './chosen-secret.ts';

test('what is short, well known, repeated or in a row is named with the reason, and never shown', () => {
  const weak: readonly (readonly [string, RegExp])[] = [
    ['changeme', /"changeme"/],
    ['Change_Me', /"changeme"/],
    ['x7Fq2-pW', /shorter than 12/],
    ['abababababababab', /repeats/],
    ['your-router-api-key', /words that examples have/],
    ['placeholder-token-1', /words that examples have/],
    ['abcdefghijklmnop', /in a row/],
    ['9876543210987654', /in a row/],
  ];
  for (const [text, reason] of weak) {
    const weakness = weaknessOfSecret(text, 12) ?? '';
    assert.match(weakness, reason, text);
    if (text !== 'changeme') assert.ok(!weakness.includes(text));
  }
});

test('random texts pass, also where they hold a known word', () => {
  for (const text of ['q7Ulb20vPmRz', 'api-key-Xq7Ulb20vPmRz', 'correct horse battery staple']) {
    assert.equal(weaknessOfSecret(text, 12), undefined, text);
  }
});
