import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExpiry } from './key-expiry.ts';

const now = new Date('2026-01-01T00:00:00Z');

test('a key ends at a moment in the future, after some days, or never', () => {
  assert.deepEqual(parseExpiry({ expires_at: '2026-02-01T00:00:00+01:00' }, now), new Date('2026-01-31T23:00:00Z'));
  assert.deepEqual(parseExpiry({ expires_in_days: 2 }, now), new Date('2026-01-03T00:00:00Z'));
  assert.equal(parseExpiry({ expires_at: null, expires_in_days: null }, now), undefined);
});

test('the past, and two ways at once, are refused', () => {
  assert.throws(() => parseExpiry({ expires_at: '2026-01-01T00:00:00Z' }, now), /future/);
  assert.throws(() => parseExpiry({ expires_at: '2027-01-01T00:00:00Z', expires_in_days: 1 }, now), /together/);
});
