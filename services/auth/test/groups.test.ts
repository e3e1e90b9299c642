import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNamesOfApi } from './support/names-of-api.ts';
import { factsOf, holderOf, newUser, peopleClient, userFactOf } from './support/people.ts';
import { newWorld, withCode } from './support/world.ts';

async function groupFactOf(world: Awaited<ReturnType<typeof newWorld>>, name: string) {
  const facts = await factsOf(world.bus);
  return facts
    .map((fact) => (fact.case === 'group' && fact.value.name === name ? fact.value : undefined))
    .find(Boolean);
}

const blue = { name: 'blue', permissions: ['vms:*'], description: 'the second floor' };

test('a group is made, told, changed for everybody at once, and removed', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const people = peopleClient(world.bus);
  const limits = [{ endpointGroup: 'vms', windowSeconds: 3_600, requests: 100n }];
  const { group } = await people.createGroup({ ...blue, accessTokenSeconds: 0n, limits });
  assert.deepEqual(
    [group?.version, group?.accessTokenSeconds, group?.refreshTokenSeconds, group?.builtIn],
    [1n, 0n, undefined, false],
  );
  const fact = await groupFactOf(world, 'blue');
  assert.deepEqual([fact?.permissions, fact?.everywhere, fact?.limits.length], [['vms:*'], false, 1]);
  assert.deepEqual((await people.getGroup('blue')).group, group);
  const { group: changed } = await people.updateGroup({ name: 'blue', permissions: ['vms:read'], everywhere: true }, [
    'permissions',
    'everywhere',
  ]);
  assert.deepEqual([changed?.version, changed?.description, changed?.accessTokenSeconds], [2n, blue.description, 0n]);
  const told = await groupFactOf(world, 'blue');
  assert.deepEqual([told?.permissions, told?.everywhere], [['vms:read'], true]);
  await people.deleteGroup({ name: 'blue' });
  assert.equal((await groupFactOf(world, 'blue'))?.removed, true);
  await assert.rejects(people.getGroup('blue'), withCode('GROUP_NOT_FOUND'));
});

test('names are of letters, permissions of the list, and a version that is gone refuses the change', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const people = peopleClient(world.bus);
  const invalid = withCode('INVALID_REQUEST');
  for (const name of ['', 'Blue', '-blue', 'a'.repeat(41), 'blue.1'])
    await assert.rejects(people.createGroup({ name }), invalid);
  await assert.rejects(people.createGroup({ ...blue, permissions: ['vms:fly'] }), invalid);
  await assert.rejects(people.createGroup({ ...blue, refreshTokenSeconds: 3n }), invalid);
  await people.createGroup(blue);
  await assert.rejects(people.createGroup(blue), withCode('GROUP_NAME_TAKEN'));
  await assert.rejects(people.updateGroup({ name: 'blue' }, ['built_in']), invalid);
  const seen = { principal: holderOf('*'), ifVersion: 1n };
  await people.updateGroup({ name: 'blue', description: 'x' }, ['description'], seen);
  await assert.rejects(
    people.updateGroup({ name: 'blue', description: 'y' }, ['description'], seen),
    withCode('VERSION_MISMATCH'),
  );
});

test('the built-in groups stay, their permissions can be changed, and those of admins cannot', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const people = peopleClient(world.bus);
  assert.deepEqual(
    (await people.listGroups()).groups.map(({ name }) => name),
    ['admin', 'operator', 'viewer'],
  );
  for (const name of ['admin', 'operator', 'viewer']) {
    await assert.rejects(people.deleteGroup({ name, force: true }), withCode('GROUP_BUILT_IN'));
  }
  await people.updateGroup({ name: 'viewer', permissions: ['vms:read'] }, ['permissions']);
  assert.deepEqual((await groupFactOf(world, 'viewer'))?.permissions, ['vms:read']);
  await assert.rejects(
    people.updateGroup({ name: 'admin', permissions: ['vms:read'] }, ['permissions']),
    withCode('GROUP_BUILT_IN'),
  );
  await assert.rejects(
    people.updateGroup({ name: 'admin', everywhere: false }, ['everywhere']),
    withCode('GROUP_BUILT_IN'),
  );
  await people.updateGroup({ name: 'admin', description: 'chiefs', accessTokenSeconds: 0n }, [
    'description',
    'access_token_seconds',
  ]);
});

test('nobody makes or changes a group that gives more than they hold', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const people = peopleClient(world.bus);
  const helper = { principal: holderOf('groups:admin', 'vms:read') };
  const tooWide = withCode('PERMISSIONS_TOO_WIDE');
  await assert.rejects(people.createGroup(blue, {}, helper), tooWide);
  await assert.rejects(people.createGroup({ ...blue, permissions: ['*'] }, {}, helper), tooWide);
  await people.createGroup({ ...blue, permissions: ['vms:read', 'groups:admin'] }, {}, helper);
  await assert.rejects(people.updateGroup({ name: 'blue', permissions: ['vms:*'] }, ['permissions'], helper), tooWide);
  await assert.rejects(people.updateGroup({ name: 'operator', permissions: [] }, ['permissions'], helper), tooWide);
  await assert.rejects(people.updateGroup({ name: 'admin', description: 'x' }, ['description'], helper), tooWide);
  await people.updateGroup({ name: 'blue', permissions: ['vms:*'] }, ['permissions']);
  await assert.rejects(people.deleteGroup({ name: 'blue' }, helper), tooWide);
});

test('a group with members is removed only with force; they are told, and another home group takes its place', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const people = peopleClient(world.bus);
  await people.createGroup(blue);
  const anna = await newUser(people, 'anna', 'blue', 'viewer');
  const ben = await newUser(people, 'ben', 'blue');
  await assert.rejects(people.deleteGroup({ name: 'blue' }), withCode('GROUP_HAS_MEMBERS'));
  await people.deleteGroup({ name: 'blue', force: true });
  for (const [user, groups] of [
    [anna, ['viewer']],
    [ben, []],
  ] as const) {
    const fact = await userFactOf(world.bus, user.id);
    assert.deepEqual([fact?.groups, fact?.permissionsVersion], [groups, 2]);
    assert.deepEqual((await people.getUser(user.id)).user?.groups, groups);
  }
  await assert.rejects(people.createGroup(blue), withCode('GROUP_NAME_USED_BEFORE'));
  await people.createGroup(blue, { takeOver: true });
});

test('members come, go and are listed; coming twice is the same as once; a home group is named', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const people = peopleClient(world.bus);
  await people.createGroup(blue);
  const anna = await newUser(people, 'anna', 'viewer');
  await newUser(people, 'ben', 'viewer');
  for (let round = 0; round < 2; round++) await people.addMember({ name: 'blue', userId: anna.id });
  assert.deepEqual((await userFactOf(world.bus, anna.id))?.permissionsVersion, 2);
  const { member } = await people.addMember({ name: 'blue', userId: anna.id, home: true });
  assert.deepEqual([member?.name, member?.home], ['anna', true]);
  assert.deepEqual((await people.getUser(anna.id)).user?.groups, ['blue', 'viewer']);
  const first = await people.members({ name: 'viewer', pageSize: 1 });
  const second = await people.members({ name: 'viewer', pageSize: 1, pageToken: first.nextPageToken });
  assert.deepEqual(
    [...first.members, ...second.members].map(({ name }) => name),
    ['anna', 'ben'],
  );
  for (let round = 0; round < 2; round++) await people.removeMember({ name: 'viewer', userId: anna.id });
  assert.deepEqual((await userFactOf(world.bus, anna.id))?.groups, ['blue']);
  await assert.rejects(people.members({ name: 'none' }), withCode('GROUP_NOT_FOUND'));
  await assert.rejects(people.addMember({ name: 'none', userId: anna.id }), withCode('GROUP_NOT_FOUND'));
  await assert.rejects(people.addMember({ name: 'blue', userId: 'nobody' }), withCode('USER_NOT_FOUND'));
});

test('while a group is removed, nobody becomes a member of it unseen', async (t) => {
  const world = await newWorld(t);
  await Promise.all([world.replica(), world.replica()]);
  const people = peopleClient(world.bus);
  const anna = await newUser(people, 'anna');
  for (let round = 0; round < 5; round++) {
    await people.createGroup(blue, { takeOver: true });
    const [removed, added] = await Promise.allSettled([
      people.deleteGroup({ name: 'blue' }),
      people.addMember({ name: 'blue', userId: anna.id }),
    ]);
    const isThere = removed.status === 'rejected';
    assert.equal(added.status === 'fulfilled', isThere, 'either the group is gone, or it has the member');
    assert.deepEqual((await people.getUser(anna.id)).user?.groups, isThere ? ['blue'] : []);
    if (isThere) await people.deleteGroup({ name: 'blue', force: true });
  }
});

test('every change is in the audit log with before and after, and is published', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const people = peopleClient(world.bus);
  await people.createGroup(blue);
  await people.updateGroup({ name: 'blue', permissions: ['vms:read'] }, ['permissions']);
  const anna = await newUser(people, 'anna', 'blue');
  await people.ban({ id: anna.id, reason: 'spam' });
  await people.deleteGroup({ name: 'blue', force: true });
  const database = await world.database();
  const entries = await database.query<{ action: string; before: unknown; after: unknown; actor_name: string }>(
    "SELECT action, before, after, actor_name FROM audit_entries WHERE resource_type <> 'api_key' ORDER BY arrival",
  );
  const expected = ['group.created', 'group.changed', 'user.created', 'user.banned', 'group.deleted'];
  assert.deepEqual(
    entries.map(({ action }) => action),
    expected,
  );
  assertNamesOfApi(entries);
  const [, changed] = entries;
  const permissionsOf = (state: unknown) => (state as { permissions: string[] }).permissions;
  assert.deepEqual([permissionsOf(changed?.before), permissionsOf(changed?.after)], [['vms:*'], ['vms:read']]);
  assert.ok(entries.every(({ actor_name }) => actor_name === 'test'));
  const sent = await database.query<{ subject: string }>('SELECT subject FROM outbox ORDER BY 1');
  const subjects = sent.map(({ subject }) => subject);
  for (const what of expected)
    assert.ok(
      subjects.some((subject) => subject.includes(`events.access.${what}.`)),
      what,
    );
});
