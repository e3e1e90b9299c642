import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forEver } from '../users/user.ts';
import { endOf, knownUntil, laterEnd, lifetimesOf } from './session.ts';

const settings = { accessSeconds: 900, refreshSeconds: 2_592_000 };
const says = (accessTokenSeconds: number | null, refreshTokenSeconds: number | null) => ({
  ...{ accessTokenSeconds, refreshTokenSeconds },
});

test('tokens live as long as the user says, else as the most generous group, else as the settings', () => {
  const groups = [says(60, null), says(3_600, null)];
  assert.deepEqual(lifetimesOf(says(null, null), [], settings), settings);
  assert.deepEqual(lifetimesOf(says(null, null), groups, settings), { ...settings, accessSeconds: 3_600 });
  assert.deepEqual(lifetimesOf(says(30, 0), groups, settings), { accessSeconds: 30, refreshSeconds: 0 });
  assert.equal(
    lifetimesOf(says(null, null), [...groups, says(0, 60)], settings).accessSeconds,
    0,
    'for ever is longest',
  );
});

test('what never ends stays known for ever, and the rest for longer than tokens last', () => {
  const now = new Date('2026-01-01T00:00:00Z');
  assert.equal(endOf(now, 0), undefined);
  assert.equal(laterEnd(now, undefined), forEver);
  assert.equal(knownUntil(laterEnd(now, undefined)), undefined);
  const end = endOf(now, 900);
  assert.deepEqual(laterEnd(now, end), end);
  assert.ok((knownUntil(laterEnd(now, end)) ?? now) > (end ?? now));
});
