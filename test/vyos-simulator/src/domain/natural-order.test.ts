import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareNaturally } from './natural-order.ts';

const sorted = (...names: string[]) => [...names].sort(compareNaturally);

test('numbers are ordered by value, with or without a name in front', () => {
  assert.deepEqual(sorted('100', '9', '20', '5'), ['5', '9', '20', '100']);
  assert.deepEqual(sorted('vm10', 'vm9', 'vm-1'), ['vm-1', 'vm9', 'vm10']);
});

test('names are ordered as the router lists them', () => {
  assert.deepEqual(sorted('vm2', 'vm1', 'vm.1.example', 'sb', 'printer', 'VM1'), [
    'VM1',
    'printer',
    'sb',
    'vm.1.example',
    'vm1',
    'vm2',
  ]);
});

test('"007" and "7" are two names in a fixed order', () => {
  assert.deepEqual(sorted('7', '007', '8'), ['007', '7', '8']);
});

test('the order does not depend on where one starts', () => {
  const name = fc.stringMatching(/^[ab019.-]{1,6}$/);
  fc.assert(
    fc.property(name, name, name, (a, b, c) => {
      assert.equal(Math.sign(compareNaturally(a, b)) + Math.sign(compareNaturally(b, a)), 0);
      if (compareNaturally(a, b) <= 0 && compareNaturally(b, c) <= 0) assert.ok(compareNaturally(a, c) <= 0);
    }),
  );
});
