import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { canBeMachineId, parseVmName } from './vm-name.ts';

test('names of 1 to 63 letters, digits, dots and hyphens are taken as they are', () => {
  for (const name of ['a', 'Z9', 'web-01', 'a.b.c', 'a'.repeat(63), '0'.repeat(32)])
    assert.equal(parseVmName(name), name);
});

test('names with anything else, or with a dot or hyphen at an end, are refused', () => {
  for (const name of ['', 'a_b', 'abc.', '-abc', 'a b', 'ä', 'a\n', 'a/b', 'a'.repeat(64)]) {
    assert.throws(() => parseVmName(name), /letters, digits/, name);
    assert.equal(canBeMachineId(name), false, name);
  }
});

test('a name that looks like a UUID is refused in any case, but may be a machine id', () => {
  fc.assert(
    fc.property(fc.uuid(), fc.boolean(), (uuid, upper) => {
      const text = upper ? uuid.toUpperCase() : uuid;
      assert.throws(() => parseVmName(text), /UUID/);
      assert.equal(canBeMachineId(text), true);
    }),
  );
  assert.throws(() => parseVmName(randomUUID()));
});
