import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newestRelease } from './newest-release.ts';

test('the newest release is the one with the highest number, not the last in the alphabet', () => {
  assert.equal(newestRelease(['v1.9.0', 'v1.10.0', 'v1.2.30']), 'v1.10.0');
});

test('pre-releases and other tags are no releases', () => {
  assert.equal(newestRelease(['', 'vnext', 'v2.0.0-rc.1', 'v1.0.0']), 'v1.0.0');
  assert.equal(newestRelease(['']), undefined);
});
