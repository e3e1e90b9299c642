import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigTree } from '../config-tree.ts';
import { dialect14 } from '../dialects/dialect-1-4.ts';
import { dialect15Confirming } from '../dialects/dialect-1-5.ts';
import { commitConfirmOf, confirmLeftMs } from './commit-confirm.ts';

const managed = (some: ConfigTree): ConfigTree => ({ system: { 'config-management': some } });
const reloading = managed({ 'commit-confirm': { action: 'reload' }, 'commit-revisions': '20' });
const wish = { minutes: 2 };

test('commits are confirmed where the router reloads and keeps revisions', () => {
  assert.deepEqual(commitConfirmOf(reloading, dialect15Confirming, wish), { state: 'active', reason: '', minutes: 2 });
});

const cases: readonly [string, ConfigTree, 'unavailable' | 'would_reboot', RegExp][] = [
  ['a router that says nothing would reboot', {}, 'would_reboot', /action reload/],
  [
    'so would one that is told to',
    managed({ 'commit-confirm': { action: 'reboot' }, 'commit-revisions': '20' }),
    'would_reboot',
    /reboot/,
  ],
  [
    'one without revisions has nothing to go back to',
    managed({ 'commit-confirm': { action: 'reload' } }),
    'unavailable',
    /commit-revisions/,
  ],
  [
    'nor has one that keeps none',
    managed({ 'commit-confirm': { action: 'reload' }, 'commit-revisions': '0' }),
    'unavailable',
    /commit-revisions/,
  ],
];
for (const [name, config, state, reason] of cases) {
  test(name, () => {
    const found = commitConfirmOf(config, dialect15Confirming, wish);
    assert.equal(found.state, state);
    assert.match(found.reason, reason);
    assert.equal(found.minutes, 0);
  });
}

test('it is off where the operator says so, and unavailable where the router cannot or does not', () => {
  assert.equal(commitConfirmOf(reloading, dialect15Confirming, { minutes: 0 }).state, 'off');
  assert.equal(commitConfirmOf(reloading, dialect14, wish).state, 'unavailable');
  assert.equal(commitConfirmOf(reloading, dialect15Confirming, wish, true).state, 'unavailable');
});

test('the time to confirm a commit counts from when it can have run no longer, with the minutes that were sent with it', () => {
  const minute = 60_000;
  assert.equal(confirmLeftMs({ minutes: 7, ageMs: 0, ranAtMostMs: minute }), 7 * minute);
  assert.equal(confirmLeftMs({ minutes: 7, ageMs: minute, ranAtMostMs: minute }), 7 * minute);
  assert.equal(confirmLeftMs({ minutes: 7, ageMs: 5 * minute, ranAtMostMs: minute }), 3 * minute);
  assert.equal(confirmLeftMs({ minutes: 7, ageMs: 60 * minute, ranAtMostMs: minute }), 0);
});
