import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  AuthService,
  type CreateApiKeyRequest,
  type CreateApiKeyRequestSchema,
  Permission,
  type UpdateApiKeyRequestSchema,
} from '@berth/contracts';
import { request } from '@berth/messaging';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { assertNamesOfApi } from './support/names-of-api.ts';
import { admin, client, idOf, newWorld, principal, type World, withCode } from './support/world.ts';

const { method } = AuthService;
const timeoutMs = 10_000;

type NewKey = Pick<
  Exclude<MessageInitShape<typeof CreateApiKeyRequestSchema>, CreateApiKeyRequest>,
  'name' | 'permission' | 'permissions' | 'group'
>;

/** A user in the database, and his keys as the gateway asks for them once he has signed in. */
async function aUser(world: World, name: string, groups: Readonly<Record<string, readonly string[]>>) {
  const database = await world.database();
  for (const [group, permissions] of Object.entries(groups)) {
    await database.execute('INSERT INTO groups (name, permissions) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
      group,
      permissions,
    ]);
  }
  const [home] = Object.keys(groups);
  const [row] = await database.query<{ id: string }>(
    'INSERT INTO users (name, home_group) VALUES ($1, $2) RETURNING id',
    [name, home ?? null],
  );
  const id = row?.id ?? '';
  await database.execute('INSERT INTO memberships (user_id, group_name) SELECT $1, unnest($2::text[])', [
    id,
    Object.keys(groups),
  ]);
  const [[first = '', permissions = []] = [], ...others] = Object.entries(groups);
  const who = {
    ...{ id, kind: 'user', name, userId: id, group: first, permissions: [...permissions] },
    grants: others.map(([group, more]) => ({ group, permissions: [...more] })),
  };
  const context = { principal: who };
  return {
    id,
    who,
    create: (terms: NewKey = {}, more = {}) =>
      request(world.bus, method.createApiKey, { own: true, ...terms, context: { ...context, ...more } }, { timeoutMs }),
    list: () => request(world.bus, method.listApiKeys, { own: true, principal: who }, { timeoutMs }),
    get: (key: string) => request(world.bus, method.getApiKey, { own: true, principal: who, id: key }, { timeoutMs }),
    update: (apiKey: NonNullable<MessageInitShape<typeof UpdateApiKeyRequestSchema>['apiKey']>, paths: string[]) =>
      request(world.bus, method.updateApiKey, { own: true, context, apiKey, updateMask: { paths } }, { timeoutMs }),
    rotate: (key: string) => request(world.bus, method.rotateApiKey, { own: true, context, id: key }, { timeoutMs }),
    remove: (key: string) => request(world.bus, method.deleteApiKey, { own: true, context, id: key }, { timeoutMs }),
  };
}

test('a key carries all groups of its owner, whatever it is limited to; a global one its own: limits go by them', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const anna = await aUser(world, 'anna', { blue: ['vms:*'], viewer: [] });
  const keys = client(world.bus);
  const groupsOf = async (secret: string) => (await keys.verify(secret)).principal?.groups;
  const whole = await anna.create();
  const reading = await anna.create({ permission: Permission.CUSTOM, permissions: ['vms:read'], group: 'blue' });
  assert.deepEqual(await groupsOf(whole.secret), ['blue', 'viewer']);
  assert.deepEqual(await groupsOf(reading.secret), ['blue', 'viewer']);
  const global = await keys.create({ group: 'blue', permission: Permission.OPERATOR });
  assert.deepEqual(await groupsOf(global.secret), ['blue']);
  assert.deepEqual(await groupsOf((await keys.create({ permission: Permission.VIEWER })).secret), []);
});

test('the key of a user may what the owner may at that moment, and ends with him', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const database = await world.database();
  const anna = await aUser(world, 'anna', { blue: ['vms:*'], green: ['vms:read'] });
  const { apiKey, secret } = await anna.create();
  assert.deepEqual([apiKey?.permission, apiKey?.permissions, apiKey?.userId], [Permission.OWNER, ['*'], anna.id]);
  const holder = async () => {
    const { principal: one } = await client(world.bus).verify(secret);
    return (
      one && {
        group: one.group,
        permissions: one.permissions,
        grants: one.grants.map(({ group, permissions }) => [group, permissions]),
      }
    );
  };
  const { principal: who } = await client(world.bus).verify(secret);
  assert.deepEqual([who?.kind, who?.userId, who?.id], ['api_key', anna.id, apiKey?.id]);
  assert.deepEqual(await holder(), { group: 'blue', permissions: ['vms:*'], grants: [['green', ['vms:read']]] });

  await database.execute("UPDATE groups SET permissions = '{vms:read}' WHERE name = 'blue'");
  await database.execute("DELETE FROM memberships WHERE group_name = 'green'");
  assert.deepEqual(await holder(), { group: 'blue', permissions: ['vms:read'], grants: [] });

  await database.execute("UPDATE users SET banned_until = now() + interval '1 hour', ban_reason = 'x' WHERE id = $1", [
    anna.id,
  ]);
  await assert.rejects(client(world.bus).verify(secret), withCode('API_KEY_INVALID'));
  await database.execute("UPDATE users SET banned_until = now() - interval '1 second' WHERE id = $1", [anna.id]);
  await holder();
  await database.execute('DELETE FROM users WHERE id = $1', [anna.id]);
  await assert.rejects(client(world.bus).verify(secret), withCode('API_KEY_INVALID'));
});

test('nobody gives a key more than he has', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const anna = await aUser(world, 'anna', { blue: ['vms:*'], green: ['pools:read'] });
  await aUser(world, 'bob', { red: ['*'] });
  const tooWide = withCode('PERMISSIONS_TOO_WIDE');
  for (const terms of [
    { permissions: ['*'] },
    { permissions: ['pools:write'] },
    { permissions: ['vms:read', 'pools:*'] },
    { permission: Permission.OPERATOR },
    { permission: Permission.ADMIN },
    { permissions: ['pools:read'], group: 'blue' },
    { group: 'red' },
  ])
    await assert.rejects(anna.create(terms), tooWide, JSON.stringify(terms));
  const narrow = await anna.create({ permissions: ['vms:read'], group: 'blue' });
  await assert.rejects(
    anna.update({ id: idOf(narrow), permissions: ['*'], permission: Permission.CUSTOM }, ['permission']),
    tooWide,
  );
  const { principal: who } = await client(world.bus).verify(narrow.secret);
  assert.deepEqual([who?.group, who?.permissions, who?.grants], ['blue', ['vms:read'], []]);

  const keeper = { ...principal('viewer'), permissions: ['api-keys:admin', 'vms:read'] };
  const create = (terms: object) =>
    request(world.bus, method.createApiKey, { context: { principal: keeper }, ...terms }, { timeoutMs });
  await create({ permissions: ['vms:read'] });
  for (const terms of [{ permission: Permission.ADMIN }, { permission: Permission.VIEWER }, { permissions: ['vms:*'] }])
    await assert.rejects(create(terms), tooWide);
  const whole = await client(world.bus).create({ permission: Permission.ADMIN });
  await assert.rejects(
    client(world.bus, { principal: keeper }).rotate(idOf(whole), 0),
    tooWide,
    'its secret would be his',
  );
  const longer = { id: idOf(whole), expiresAt: timestampFromDate(new Date('2999-01-01')) };
  await assert.rejects(client(world.bus, { principal: keeper }).update(longer, ['expires_at']), tooWide);
  const wider = { id: idOf(whole), allowedNetworks: ['0.0.0.0/0'] };
  await assert.rejects(client(world.bus, { principal: keeper }).update(wider, ['allowed_networks']), tooWide);
  const blueAdmin = { ...admin, group: 'blue' };
  await assert.rejects(client(world.bus, { principal: blueAdmin }).create(), withCode('PERMISSION_DENIED'));
});

test('a user sees his own keys alone; an administrator sees all, and deletes those of users but does not take them over', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const anna = await aUser(world, 'anna', { blue: ['*'] });
  const bob = await aUser(world, 'bob', { blue: ['*'] });
  const annas = idOf(await anna.create({ name: 'annas' }));
  const bobs = idOf(await bob.create({ name: 'bobs' }));
  const global = idOf(await client(world.bus).create({ name: 'global' }));
  assert.deepEqual(
    (await anna.list()).apiKeys.map(({ name }) => name),
    ['annas'],
  );
  for (const other of [bobs, global]) {
    await assert.rejects(anna.get(other), withCode('API_KEY_NOT_FOUND'));
    await assert.rejects(anna.rotate(other), withCode('API_KEY_NOT_FOUND'));
    await assert.rejects(anna.remove(other), withCode('API_KEY_NOT_FOUND'));
    await assert.rejects(anna.update({ id: other, name: 'x' }, ['name']), withCode('API_KEY_NOT_FOUND'));
  }
  const ofBob = await request(world.bus, method.listApiKeys, { principal: admin, userId: bob.id }, { timeoutMs });
  assert.deepEqual(
    ofBob.apiKeys.map(({ id }) => id),
    [bobs],
  );
  const api = client(world.bus);
  await assert.rejects(api.rotate(bobs, 0), withCode('API_KEY_OF_USER'));
  await assert.rejects(api.update({ id: bobs, name: 'x' }, ['name']), withCode('API_KEY_OF_USER'));
  await api.remove(bobs);
  assert.deepEqual((await bob.list()).apiKeys, []);
  const rotated = await anna.rotate(annas);
  await api.verify(rotated.secret);
  const asKey = { own: true, context: { principal: { ...anna.who, kind: 'api_key' } } };
  await assert.rejects(request(world.bus, method.createApiKey, asKey, { timeoutMs }), withCode('USER_REQUIRED'));
});

test('a user has at most as many keys as the settings say, however many are asked for at once over two replicas', async (t) => {
  const world = await newWorld(t);
  await Promise.all([world.replica(), world.replica()]);
  const anna = await aUser(world, 'anna', { blue: ['*'] });
  const ends = await Promise.allSettled(Array.from({ length: 12 }, () => anna.create()));
  const refused = ends.filter((end) => end.status === 'rejected').map(({ reason }) => reason.code);
  assert.deepEqual([ends.length - refused.length, [...new Set(refused)]], [3, ['API_KEYS_TOO_MANY']]);
  const [first] = (await anna.list()).apiKeys;
  await anna.remove(first?.id ?? '');
  await anna.create();
});

test('a key that is limited to a group or to networks says so, and ends with the group', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  await aUser(world, 'anna', { blue: ['vms:*'] });
  const create = (terms: object) =>
    request(world.bus, method.createApiKey, { context: { principal: admin }, ...terms }, { timeoutMs });
  const { secret, apiKey } = await create({
    permission: Permission.ADMIN,
    group: 'blue',
    allowedNetworks: ['2001:DB8::1', '192.0.2.0/24', '192.0.2.0/24'],
  });
  assert.deepEqual([apiKey?.group, apiKey?.allowedNetworks], ['blue', ['2001:db8::1/128', '192.0.2.0/24']]);
  const answer = await client(world.bus).verify(secret);
  assert.deepEqual([answer.principal?.group, answer.principal?.permissions], ['blue', ['*']]);
  assert.deepEqual(answer.allowedNetworks, ['2001:db8::1/128', '192.0.2.0/24']);
  await assert.rejects(create({ group: 'nobody' }), withCode('GROUP_NOT_FOUND'));
  for (const wrong of ['192.0.2.0/33', '192.0.2.256', 'everywhere', '10.0.0.0/', 'fe80::1%eth0/64', '10.0.0.0/-1'])
    await assert.rejects(create({ allowedNetworks: [wrong] }), withCode('API_KEY_INPUT_INVALID'), wrong);
  await assert.rejects(create({ permissions: ['vms:fly'] }), withCode('API_KEY_INPUT_INVALID'));
  await assert.rejects(create({ permission: Permission.OWNER }), withCode('API_KEY_INPUT_INVALID'));
  await (await world.database()).execute("DELETE FROM groups WHERE name = 'blue'");
  await assert.rejects(client(world.bus).verify(secret), withCode('API_KEY_INVALID'));
});

test('every change is a fact, an audit entry and an event, in the same transaction and without secrets', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const database = await world.database();
  const anna = await aUser(world, 'anna', { blue: ['vms:*'] });
  const made = await anna.create({ name: 'ci' }, { clientAddress: '192.0.2.9', requestId: 'r1' });
  const id = idOf(made);
  await anna.update({ id, name: 'ci 2' }, ['name']);
  await anna.update({ id, name: 'ci 2' }, ['name']); // changes nothing
  const rotated = await anna.rotate(id);
  const positionOf = async () =>
    (
      await database.query<{ position: string }>(
        "SELECT position FROM access_facts WHERE kind = 'api-key' AND subject = $1",
        [id],
      )
    )[0]?.position;
  const before = await positionOf();
  await anna.remove(id);
  assert.ok(Number(await positionOf()) > Number(before));
  const entries = await database.query<{
    action: string;
    actor_id: string;
    client_address: string;
    before: object | null;
    after: { name: string; user_id: string } | null;
  }>('SELECT * FROM audit_entries WHERE resource_id = $1 ORDER BY arrival', [id]);
  assert.deepEqual(
    entries.map(({ action, actor_id, before: was, after: is }) => [action, actor_id, was !== null, is?.name]),
    [
      ['api_key.created', anna.id, false, 'ci'],
      ['api_key.changed', anna.id, true, 'ci 2'],
      ['api_key.rotated', anna.id, true, 'ci 2'],
      ['api_key.deleted', anna.id, true, undefined],
    ],
  );
  assertNamesOfApi(entries);
  assert.equal(entries[0]?.client_address, '192.0.2.9');
  const sent = await database.query<{ subject: string }>(
    "SELECT subject FROM outbox WHERE subject LIKE '%' || $1 ORDER BY subject",
    [id],
  );
  const whats = sent.map(({ subject }) => subject.split('.').slice(2, 4).join('.'));
  assert.deepEqual(whats, ['api_key.changed', 'api_key.created', 'api_key.deleted', 'api_key.rotated']);
  const everything = JSON.stringify([
    await database.query('SELECT * FROM audit_entries, access_facts'),
    await database.query('SELECT * FROM outbox'),
    await database.query('SELECT * FROM given_answers'),
  ]);
  for (const { secret } of [made, rotated]) assert.ok(!everything.includes(secret) && !world.logged().includes(secret));
});

test('a repeated creation gives the same key without its secret', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const anna = await aUser(world, 'anna', { blue: ['*'] });
  const context = { operationId: randomUUID() };
  const [one, two] = [await anna.create({}, context), await anna.create({}, context)];
  assert.deepEqual([two.secret, idOf(two)], ['', idOf(one)]);
  assert.deepEqual(two.apiKey, one.apiKey);
});
