import assert from 'node:assert/strict';
import { test } from 'node:test';
import { userIdOf } from './user-id.ts';

test('ids of users are UUIDs in any case, or whole numbers; anything else is nobody', () => {
  assert.equal(userIdOf('5D1F4F0E-9D0B-4B53-8B0E-3D4F1C2B7A90'), '5d1f4f0e-9d0b-4b53-8b0e-3d4f1c2b7a90');
  assert.equal(userIdOf('42'), '42');
  for (const text of ['', '0', '042', '-1', '1e3', 'anna', '12345678901234567890', '5d1f4f0e']) {
    assert.throws(() => userIdOf(text), { code: 'USER_NOT_FOUND' }, text);
  }
});
