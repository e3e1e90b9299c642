import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  grantsOf,
  groupsWhere,
  isMaker,
  narrowed,
  type Permitted,
  permits,
  permitsEverywhere,
  permitsFor,
  permitsForAll,
  standing,
  standingAmong,
} from './permissions.ts';

const writer = ['vms:*', 'pools:*'];
const reader = ['vms:read', 'pools:read'];

/** Writes in a, reads in b. */
const member: Permitted = { permissions: writer, group: 'a', grants: [{ group: 'b', permissions: reader }] };
/** The same, and reads everywhere. */
const auditor: Permitted = { ...member, grants: [...(member.grants ?? []), { group: '', permissions: reader }] };
const admin: Permitted = { permissions: ['*'] };
const nobody: Permitted = { permissions: [] };

test('what may be done with a thing depends on whose it is: others’ are hidden, not forbidden', () => {
  const write = (who: Permitted, group: string) => standing(who, { group, verb: 'vms:write', reading: 'vms:read' });
  const table = [
    //           a            b            c            nobody’s
    [member, ['permitted', 'forbidden', 'hidden', 'hidden']],
    [auditor, ['permitted', 'forbidden', 'forbidden', 'forbidden']],
    [admin, ['permitted', 'permitted', 'permitted', 'permitted']],
    [nobody, ['hidden', 'hidden', 'hidden', 'hidden']],
  ] as const;
  for (const [who, expected] of table) {
    assert.deepEqual(
      ['a', 'b', 'c', ''].map((group) => write(who, group)),
      expected,
    );
  }
});

test('who made a thing sees it whatever its group, and no more than that', () => {
  const own = { group: 'c', reading: 'operations:read', isOwn: true } as const;
  assert.equal(standing(member, { ...own, verb: 'operations:read' }), 'permitted');
  assert.equal(standing(member, { ...own, verb: 'vms:write' }), 'forbidden');
  const made = { principalId: 'key-1', userId: 'ann' };
  assert.ok(isMaker({ id: 'key-1', userId: '' }, made));
  assert.ok(isMaker({ id: 'key-2', userId: 'ann' }, made));
  assert.ok(!isMaker({ id: 'key-2', userId: 'bob' }, made));
  assert.ok(!isMaker({ id: '', userId: '' }, { principalId: '', userId: '' }), 'nobody has made nothing');
});

test('what is for several groups is seen by each of them, and changed by who may in all', () => {
  const write = (who: Permitted, ...groups: string[]) =>
    standingAmong(who, { groups, verb: 'pools:write', reading: 'pools:read' });
  const table = [
    //          of a         of a and b   of b         of c      for all
    [member, ['permitted', 'forbidden', 'forbidden', 'hidden', 'forbidden']],
    [auditor, ['permitted', 'forbidden', 'forbidden', 'forbidden', 'forbidden']],
    [admin, ['permitted', 'permitted', 'permitted', 'permitted', 'permitted']],
    [nobody, ['hidden', 'hidden', 'hidden', 'hidden', 'hidden']],
  ] as const;
  for (const [who, expected] of table)
    assert.deepEqual([write(who, 'a'), write(who, 'a', 'b'), write(who, 'b'), write(who, 'c'), write(who)], expected);
  assert.ok(!permitsForAll(member, 'pools:write', []), 'no group named means everybody');
});

test('lists are of the groups in which the verb is held, or of all', () => {
  assert.deepEqual(groupsWhere(member, 'vms:read'), ['a', 'b']);
  assert.deepEqual(groupsWhere(member, 'vms:write'), ['a']);
  assert.equal(groupsWhere(auditor, 'vms:read'), 'all');
  assert.deepEqual(groupsWhere(nobody, 'vms:read'), []);
});

test('what belongs to no group takes a permission everywhere, even where everything is held within one', () => {
  const ruler: Permitted = { permissions: ['*'], group: 'a' };
  for (const verb of ['routers:admin', 'api-keys:admin', 'users:admin', 'audit:read', 'signing-keys:admin'] as const) {
    assert.ok(!permits(ruler, verb), verb);
    assert.ok(!permitsFor(ruler, verb, 'a'), verb);
    assert.deepEqual(groupsWhere(ruler, verb), [], verb);
    assert.ok(permitsEverywhere(admin, verb), verb);
  }
  assert.ok(permits(ruler, 'routers:read'), 'of the lines of its own VMs');
});

test('the permissions of several groups add up, each with its own things', () => {
  const groups = [
    { name: 'viewer', permissions: ['vms:read'], everywhere: true },
    { name: 'a', permissions: ['vms:write'], everywhere: false },
    { name: 'b', permissions: ['pools:read'], everywhere: false },
  ];
  const rights = grantsOf(groups);
  assert.equal(rights.group, 'a', 'the first that owns things is the home');
  assert.ok(permitsFor(rights, 'vms:read', 'c') && permitsFor(rights, 'vms:write', 'a'));
  assert.ok(!permitsFor(rights, 'vms:write', 'b') && !permitsFor(rights, 'pools:read', 'a'));
  assert.deepEqual(grantsOf([]), { permissions: [], group: '', grants: [] });
});

test('a key never may more than its owner, whatever it was given', () => {
  const all = narrowed(member, { permissions: ['*'] });
  assert.ok(permitsFor(all, 'vms:write', 'a') && !permitsFor(all, 'vms:write', 'b') && !permits(all, 'routers:read'));
  const reading = narrowed(member, { permissions: ['vms:read'] });
  assert.deepEqual(groupsWhere(reading, 'vms:read'), ['a', 'b']);
  assert.ok(!permits(reading, 'vms:write'));
  const within = narrowed(admin, { permissions: ['vms:*'], group: 'c' });
  assert.deepEqual(groupsWhere(within, 'vms:write'), ['c']);
  assert.ok(!permits(narrowed(member, { permissions: ['*'], group: 'c' }), 'vms:read'), 'a group of which it is not');
});
