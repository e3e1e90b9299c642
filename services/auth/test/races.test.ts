import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Permission } from '@berth/contracts';
import { admin, client, idOf, newWorld, secondsFromNow, settingsKey, withCode } from './support/world.ts';

const idempotent = (key: string, body: string) => ({
  principal: admin,
  operationId: randomUUID(),
  idempotency: { scope: 'me POST /v1/admin/api-keys', key, fingerprint: new TextEncoder().encode(body) },
});

test('a repeated Idempotency-Key answers the same key without its secret, and makes no second one', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const api = client(world.bus);
  const first = await api.create({ name: 'ci', expiresAt: secondsFromNow(60) }, idempotent('k', 'body'));
  const second = await api.create({ name: 'ci', expiresAt: secondsFromNow(60) }, idempotent('k', 'body'));
  assert.notEqual(first.secret, '');
  assert.equal(second.secret, '');
  assert.deepEqual(second.apiKey, first.apiKey);
  await assert.rejects(api.create({ name: 'other' }, idempotent('k', 'other')), withCode('IDEMPOTENCY_KEY_REUSED'));
  assert.equal((await api.list()).apiKeys.length, 2);
});

test('of many creations at once with one Idempotency-Key, over two replicas, one makes the key', async (t) => {
  const world = await newWorld(t);
  await Promise.all([world.replica(), world.replica()]);
  const api = client(world.bus);
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => api.create({ name: 'raced' }, idempotent('race', 'body'))),
  );
  assert.equal(answers.filter(({ secret }) => secret !== '').length, 1);
  assert.equal(new Set(answers.map(idOf)).size, 1);
  assert.equal((await api.list()).apiKeys.length, 2);
});

test('a command that is repeated with its operation id is carried out once', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const api = client(world.bus);
  const context = { principal: admin, operationId: randomUUID() };
  const [one, two] = [await api.create({}, context), await api.create({}, context)];
  assert.equal(idOf(one), idOf(two));
  assert.equal(two.secret, '');
});

test('repeated rotations and deletions do nothing twice', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const api = client(world.bus);
  const id = idOf(await api.create());
  const rotated = await api.rotate(id, 60, idempotent('rotate', ''));
  const replay = await api.rotate(id, 60, idempotent('rotate', ''));
  assert.equal(replay.secret, '');
  await api.verify(rotated.secret);
  await api.remove(id, idempotent('delete', ''));
  await api.remove(id, idempotent('delete', ''));
  await assert.rejects(api.remove(id), withCode('API_KEY_NOT_FOUND'));
});

test('an Idempotency-Key that comes with another request is refused, whatever the command', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const api = client(world.bus);
  const [id, other] = [idOf(await api.create()), idOf(await api.create())];
  const { secret } = await api.rotate(id, 60, idempotent('k', 'rotate'));
  const reused = withCode('IDEMPOTENCY_KEY_REUSED');
  await assert.rejects(api.rotate(id, 0, idempotent('k', 'rotate at once')), reused);
  await assert.rejects(api.update({ id, name: 'x' }, ['name'], idempotent('k', 'update')), reused);
  await assert.rejects(api.remove(other, idempotent('k', 'delete')), reused);
  await api.verify(secret);
  assert.equal((await api.get(id)).apiKey?.name, '');
  await api.get(other);
});

test('of many rotations at once with one Idempotency-Key, over two replicas, one makes the secret', async (t) => {
  const world = await newWorld(t);
  await Promise.all([world.replica(), world.replica()]);
  const api = client(world.bus);
  const first = await api.create();
  const rotate = () => api.rotate(idOf(first), 3_600, idempotent('race', 'rotate'));
  const answers = await Promise.all(Array.from({ length: 20 }, rotate));
  const secrets = answers.map(({ secret }) => secret).filter((secret) => secret !== '');
  assert.equal(secrets.length, 1);
  for (const secret of [first.secret, ...secrets]) await api.verify(secret); // a second rotation would have ended the first
});

test('a failed command leaves its Idempotency-Key free', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const api = client(world.bus);
  await assert.rejects(
    api.create({ expiresAt: secondsFromNow(-5) }, idempotent('retry', 'a')),
    withCode('API_KEY_INPUT_INVALID'),
  );
  const { secret } = await api.create({}, idempotent('retry', 'b'));
  assert.notEqual(secret, '');
});

test('an Idempotency-Key is free again after 24 hours', async (t) => {
  const world = await newWorld(t);
  await world.replica();
  const api = client(world.bus);
  await api.create({}, idempotent('old', 'a'));
  const database = await world.database();
  await database.execute("UPDATE given_answers SET claimed_at = claimed_at - interval '24 hours'");
  const { secret } = await api.create({}, idempotent('old', 'b'));
  assert.notEqual(secret, '');
});

test('the last admin key can be neither deleted, demoted nor given an end', async (t) => {
  const world = await newWorld(t);
  await (await world.replica())();
  await world.replica();
  const api = client(world.bus);
  const settings = (await api.verify(settingsKey)).principal?.id ?? '';
  await assert.rejects(api.remove(settings), withCode('LAST_ADMIN_KEY'));
  const id = idOf(await api.create({ permission: Permission.ADMIN }));
  await api.remove(settings);
  await assert.rejects(api.remove(id), withCode('LAST_ADMIN_KEY'));
  await assert.rejects(api.update({ id, permission: Permission.VIEWER }, ['permission']), withCode('LAST_ADMIN_KEY'));
  await assert.rejects(api.update({ id, expiresAt: secondsFromNow(60) }, ['expires_at']), withCode('LAST_ADMIN_KEY'));
  await api.update({ id, name: 'chief' }, ['name']);
});

test('two admin keys that are deleted at the same moment, on two replicas: one stays', async (t) => {
  const world = await newWorld(t);
  await Promise.all([world.replica(), world.replica()]);
  const api = client(world.bus);
  const settings = (await api.verify(settingsKey)).principal?.id ?? '';
  let standing = settings;
  for (let round = 0; round < 5; round++) {
    const rival = idOf(await api.create({ permission: Permission.ADMIN }));
    const ends = await Promise.allSettled([
      api.remove(standing),
      round % 2 === 0 ? api.remove(rival) : api.update({ id: rival, permission: Permission.VIEWER }, ['permission']),
    ]);
    assert.deepEqual(ends.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    const left = (await api.list()).apiKeys.filter(({ permission }) => permission === Permission.ADMIN);
    assert.equal(left.length, 1);
    standing = left[0]?.id ?? '';
  }
});
