import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AccessService, AuthService, Permission, permissionsOf } from '@berth/contracts';
import { request } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { admin, client, idOf, newWorld, principal, secondsFromNow, settingsKey, withCode } from './support/world.ts';

test('a new key opens what its permission says, and its secret is nowhere in the database or the log', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const api = client(world.bus);
  for (const [permission, level] of [
    [Permission.UNSPECIFIED, 'operator'],
    [Permission.VIEWER, 'viewer'],
    [Permission.OPERATOR, 'operator'],
    [Permission.ADMIN, 'admin'],
  ] as const) {
    const { apiKey, secret } = await api.create({ name: 'deploy', permission });
    assert.match(secret, /^berth_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}$/);
    assert.equal(secret.split('_')[1], apiKey?.prefix);
    const answer = await api.verify(secret);
    const { $typeName, ...holder } = answer.principal ?? assert.fail('nobody');
    assert.deepEqual(holder, {
      id: apiKey?.id,
      kind: 'api_key',
      name: 'deploy',
      permissions: [...permissionsOf[level]],
      group: '',
      grants: [],
      userId: '',
      sessionId: '',
      groups: [],
    });
    const database = await world.database();
    const rows = JSON.stringify(await database.query('SELECT * FROM api_keys, given_answers'));
    assert.ok(!rows.includes(secret) && !world.logged().includes(secret));
  }
});

test('unknown, mistyped, expired, deleted and absurd keys get one and the same answer', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const api = client(world.bus);
  const { secret } = await api.create();
  const expiring = await api.create({ expiresAt: secondsFromNow(2) });
  const deleted = await api.create();
  await api.remove(idOf(deleted));
  const mistyped = secret.slice(0, -1) + (secret.endsWith('a') ? 'b' : 'a');
  await api.verify(expiring.secret);
  await eventually(() =>
    api.verify(expiring.secret).then(
      () => false,
      () => true,
    ),
  );
  const texts = new Set<string>();
  for (const key of [mistyped, expiring.secret, deleted.secret, '', 'x', 'k'.repeat(10_000), "' OR 1=1 --", '\u0000']) {
    await assert.rejects(api.verify(key), (error) => {
      assert.ok(error instanceof Error && 'code' in error && 'kind' in error);
      texts.add(`${error.kind} ${error.code} ${error.message}`);
      return true;
    });
  }
  assert.deepEqual([...texts], ['unauthenticated API_KEY_INVALID The API key is not valid.']);
});

test('every command refuses a principal without the permission, or none', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const { apiKey } = await client(world.bus).create();
  const id = apiKey?.id ?? '';
  for (const who of [principal('viewer'), principal('operator'), undefined]) {
    const api = client(world.bus, who && { principal: who });
    const context = who ? { principal: who } : {};
    const code = who ? 'PERMISSION_DENIED' : 'PRINCIPAL_MISSING';
    const options = { timeoutMs: 20_000 };
    const attempts = [
      api.create({}, context),
      api.update({ id, name: 'x' }, ['name'], context),
      api.remove(id, context),
      api.rotate(id, 0, context),
      request(world.bus, AuthService.method.getApiKey, { ...context, id }, options),
      request(world.bus, AuthService.method.listApiKeys, { ...context }, options),
    ];
    for (const attempt of attempts) await assert.rejects(attempt, withCode(code));
  }
  assert.equal((await client(world.bus).get(id)).apiKey?.name, '');
});

test('after a rotation both secrets open the key until the overlap ends, and a further rotation ends the oldest', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const api = client(world.bus);
  const first = await api.create();
  const second = await api.rotate(idOf(first), 2);
  assert.equal(second.apiKey?.prefix, first.apiKey?.prefix);
  assert.ok(second.apiKey?.previousExpiresAt);
  const answer = await api.verify(first.secret);
  assert.deepEqual(answer.expiresAt, second.apiKey?.previousExpiresAt, 'a cache must not keep the old one longer');
  assert.equal((await api.verify(second.secret)).expiresAt, undefined);
  await eventually(() =>
    api.verify(first.secret).then(
      () => false,
      () => true,
    ),
  );
  assert.equal((await api.get(idOf(first))).apiKey?.previousExpiresAt, undefined);
  const third = await api.rotate(idOf(first), 3_600);
  const fourth = await api.rotate(idOf(first), 0);
  for (const old of [first, second, third]) await assert.rejects(api.verify(old.secret), withCode('API_KEY_INVALID'));
  await api.verify(fourth.secret);
});

test('the terms of a key change, one by one, and act on the next verification', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const api = client(world.bus);
  const { apiKey, secret } = await api.create({ name: 'old', permission: Permission.VIEWER });
  const id = apiKey?.id ?? '';
  const expiresAt = secondsFromNow(3_600);
  const changed = await api.update(
    { id, name: 'new', description: 'unmasked', permission: Permission.OPERATOR, expiresAt },
    ['name', 'permission', 'expires_at'],
  );
  assert.equal(changed.apiKey?.description, '');
  const { principal: holder, expiresAt: until } = await api.verify(secret);
  assert.deepEqual([holder?.name, holder?.permissions], ['new', [...permissionsOf.operator]]);
  assert.equal(until?.seconds, expiresAt.seconds);
  const lasting = await api.update({ id }, ['expires_at']);
  assert.equal(lasting.apiKey?.expiresAt, undefined);
});

test('wrong terms are refused field by field', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const api = client(world.bus);
  const wrong = api.create({ name: `a\nb${'c'.repeat(200)}`, expiresAt: secondsFromNow(-10) });
  await assert.rejects(wrong, (error) => {
    assert.ok(error instanceof Error && 'details' in error);
    const { fields } = error.details as { fields: { field: string }[] };
    assert.deepEqual(
      fields.map(({ field }) => field),
      ['name', 'name', 'expires_at'],
    );
    return true;
  });
  const id = idOf(await api.create());
  await assert.rejects(api.update({ id }, ['prefix']), withCode('API_KEY_INPUT_INVALID'));
  await assert.rejects(api.rotate(id, 90 * 86_400), withCode('API_KEY_INPUT_INVALID'));
  await assert.rejects(api.list({ pageToken: 'bm9uc2Vuc2U' }), withCode('PAGE_TOKEN_INVALID'));
  for (const unknown of ['nonsense', '00000000-0000-4000-8000-00000000ffff']) {
    await assert.rejects(api.get(unknown), withCode('API_KEY_NOT_FOUND'));
    await assert.rejects(api.remove(unknown), withCode('API_KEY_NOT_FOUND'));
  }
});

test('keys of the settings take a name from people and nothing else', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const api = client(world.bus);
  const id = (await api.verify(settingsKey)).principal?.id ?? '';
  await assert.rejects(api.rotate(id, 0), withCode('API_KEY_FROM_SETTINGS'));
  await assert.rejects(
    api.update({ id, permission: Permission.VIEWER }, ['permission']),
    withCode('API_KEY_FROM_SETTINGS'),
  );
  await api.update({ id, name: 'old deploy scripts' }, ['name']);
  await world.replica();
  assert.equal((await api.get(id)).apiKey?.name, 'old deploy scripts');
});

test('the pages of a list hold every key once, in the order they were made, while others are made', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const api = client(world.bus);
  const made: string[] = [];
  for (let i = 0; i < 7; i++) made.push(idOf(await api.create({ name: `k${i}` })));
  const seen: string[] = [];
  let pageToken = '';
  do {
    const page = await api.list({ pageSize: 3, pageToken });
    seen.push(...page.apiKeys.map(({ id }) => id));
    pageToken = page.nextPageToken;
    if (seen.length === 3) await api.remove(seen[2] ?? '');
  } while (pageToken !== '');
  assert.deepEqual(seen.slice(1), made, 'the first is the key of the settings');
});

test('each change is told, so that caches forget the key', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const api = client(world.bus);
  const id = idOf(await api.create());
  let known = 0n;
  for (const change of [
    () => {},
    () => api.update({ id, name: 'x' }, ['name']),
    () => api.rotate(id, 60),
    () => api.remove(id),
  ]) {
    await change();
    const { facts, position } = await request(
      world.bus,
      AccessService.method.getAccessFacts,
      { after: known },
      { timeoutMs: 10_000 },
    );
    const told = facts.filter(({ fact }) => fact.case === 'apiKey' && fact.value.id === id);
    assert.equal(told.length, 1);
    known = position;
  }
});

test('the minute of the last use is kept, by whichever replica saw it', async (t) => {
  const world = await newWorld(t);
  const stops = [await world.replica(), await world.replica()];
  const api = client(world.bus);
  const created = await api.create();
  assert.equal(created.apiKey?.lastUsedAt, undefined);
  for (let i = 0; i < 20; i++) await api.verify(created.secret);
  await Promise.all(stops.map((stop) => stop())); // the last notes are written at stop
  await world.replica();
  const { apiKey } = await api.get(idOf(created));
  const used = apiKey?.lastUsedAt && timestampDate(apiKey.lastUsedAt);
  assert.ok(used && Math.abs(Date.now() - used.getTime()) < 120_000);
  assert.equal(used.getTime() % 60_000, 0);
});

test('a command that comes after its deadline does nothing', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const api = client(world.bus);
  const late = api.create({ name: 'late' }, { principal: admin, deadline: secondsFromNow(-1) });
  await assert.rejects(late, withCode('DEADLINE_PASSED'));
  await api.create({ name: 'in time' }, { principal: admin, deadline: secondsFromNow(30) });
  const names = (await api.list()).apiKeys.map(({ name }) => name);
  assert.deepEqual(names, ['from VYOS_API_KEYS', 'in time']);
});
