import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OwnedPaths } from './owned-paths.ts';

test('a released path stays its resource’s until the commit that released it is saved', () => {
  const owned = new OwnedPaths([{ key: 'a', resourceId: 'one' }]);
  owned.release([{ key: 'a', contents: [] }], 5n);
  owned.forgetSaved(4n);
  assert.equal(owned.ownerOf('a'), 'one');
  assert.equal(owned.size, 0);
  owned.forgetSaved(5n);
  assert.equal(owned.ownerOf('a'), undefined);
});

test('a released path that another resource claims is that one’s, and no save takes it away', () => {
  const owned = new OwnedPaths([{ key: 'a', resourceId: 'one', released: { at: 1n, contents: [] } }]);
  owned.claim('two', ['a']);
  owned.forgetSaved(9n);
  assert.equal(owned.ownerOf('a'), 'two');
  assert.deepEqual([...owned.keysOf('one')], []);
  assert.deepEqual([...owned.keysOf('two')], ['a']);
});

test('a forgotten path is nobody’s', () => {
  const owned = new OwnedPaths([]);
  owned.claim('one', ['a', 'b']);
  owned.forget(['a', 'never']);
  assert.deepEqual([...owned.keys()], ['b']);
  assert.equal(owned.size, 1);
});

test('a released path where something stands again stays ours through a save', () => {
  const owned = new OwnedPaths([{ key: 'a', resourceId: 'one', released: { at: 1n, contents: [] } }]);
  owned.takeBack(['a', 'never']);
  owned.forgetSaved(9n);
  assert.equal(owned.ownerOf('a'), 'one');
  assert.equal(owned.ownerOf('never'), undefined);
});

test('at a released path only what we had there is ours', () => {
  const owned = new OwnedPaths([{ key: 'a', resourceId: 'one' }]);
  assert.ok(owned.isOurs('a', { description: 'whatever' }));
  owned.release([{ key: 'a', contents: [{ description: 'old' }, { description: 'new' }] }], 1n);
  assert.ok(owned.isOurs('a', { description: 'old' }));
  assert.ok(!owned.isOurs('a', { description: 'theirs' }));
});

test('at a released path what leads to the host that ours led to is ours, whatever somebody has made of it', () => {
  const rule = { translation: { address: '10.0.0.7', port: '22' }, protocol: 'tcp' };
  const owned = new OwnedPaths([{ key: 'a', resourceId: 'one', released: { at: 1n, contents: [rule] } }]);
  assert.ok(owned.isOurs('a', { ...rule, log: {}, description: 'by hand' }));
  assert.ok(!owned.isOurs('a', { ...rule, translation: { address: '10.0.0.8', port: '22' } }));
  const mapping = { mac: '52:54:00:00:00:01', 'ip-address': '10.0.0.7' };
  owned.release([{ key: 'a', contents: [mapping] }], 1n);
  assert.ok(owned.isOurs('a', { mac: '52:54:00:00:00:01' }));
  assert.ok(!owned.isOurs('a', { mac: '52:54:00:00:00:02', 'ip-address': '10.0.0.8' }));
});

test('what we had at a released path is ours as an upgrade has written it, too', () => {
  const owned = new OwnedPaths([{ key: 'a', resourceId: 'one', released: { at: 1n, contents: [{ old: 'x' }] } }]);
  const migrated = () => new Map([['a', { new: 'x' }]]);
  assert.ok(owned.isOurs('a', { new: 'x' }, migrated));
  assert.ok(!owned.isOurs('a', { old: 'x' }, migrated));
});

test('a renamed path stays its resource’s under the new name alone', () => {
  const owned = new OwnedPaths([{ key: 'a_b', resourceId: 'one', released: { at: 1n, contents: [] } }]);
  owned.rename([{ resourceId: 'one', from: 'a_b', to: 'a-b' }]);
  assert.equal(owned.ownerOf('a_b'), undefined);
  assert.equal(owned.ownerOf('a-b'), 'one');
  assert.ok(!owned.isReleased('a-b'));
  assert.equal(owned.size, 1);
});
