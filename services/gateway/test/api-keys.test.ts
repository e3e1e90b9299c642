import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  type ApiKeySchema,
  AuthService,
  type CommandContext,
  type CreateApiKeyRequest,
  Permission,
  type RotateApiKeyRequest,
  subjectOfMethod,
  type UpdateApiKeyRequest,
} from '@berth/contracts';
import { DomainError } from '@berth/errors';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { startTestGateway } from './support/gateway-under-test.ts';

const { method } = AuthService;
const path = '/v1/admin/api-keys';
const id = randomUUID();
const made = new Date('2026-01-01T12:00:00Z');
const aKey = (more: MessageInitShape<typeof ApiKeySchema> = {}): MessageInitShape<typeof ApiKeySchema> => ({
  id,
  name: 'ci',
  prefix: 'berth_abc',
  permission: Permission.OPERATOR,
  createdAt: timestampFromDate(made),
  ...more,
});
const shown = {
  id,
  name: 'ci',
  description: '',
  prefix: 'berth_abc',
  permission: 'operator',
  permissions: [],
  is_admin: false,
  user_id: null,
  group: null,
  allowed_networks: [],
  created_at: made.toISOString(),
  expires_at: null,
  last_used_at: null,
  previous_expires_at: null,
};

test('a key is made with what was asked, and its secret shown once', async (t) => {
  const gateway = await startTestGateway(t);
  let asked: CreateApiKeyRequest | undefined;
  let secret = 'berth_abc_secret';
  gateway.answer(method.createApiKey, (message) => {
    asked = message;
    return { apiKey: aKey(), secret };
  });
  const body = { name: 'ci', description: 'd', permission: 'viewer', expires_in_days: 1 };
  const first = await gateway.call('POST', path, { body, headers: { 'idempotency-key': 'k1' } });
  assert.equal(first.status, 201);
  assert.equal(first.headers.get('location'), `${path}/${id}`);
  assert.deepEqual(first.body, { ...shown, api_key: secret });
  assert.equal(asked?.permission, Permission.VIEWER);
  assert.equal(asked?.context?.idempotency?.scope, `id-of-admin-1 POST ${path}`);
  const expiresAt = asked?.expiresAt;
  assert.ok(expiresAt && Math.abs(timestampDate(expiresAt).getTime() - Date.now() - 86_400_000) < 60_000);

  secret = '';
  const replay = await gateway.call('POST', path, { body, headers: { 'idempotency-key': 'k1' } });
  assert.deepEqual(replay.body, shown);
  assert.equal(replay.headers.get('idempotency-replayed'), 'true');
});

test('is_admin is another word for the permission; nothing given is operator; contradictions are 422', async (t) => {
  const gateway = await startTestGateway(t);
  let permission: Permission | undefined;
  gateway.answer(method.createApiKey, (message) => {
    permission = message.permission;
    return { apiKey: aKey(), secret: 'x' };
  });
  const cases: [Record<string, unknown>, Permission][] = [
    [{}, Permission.OPERATOR],
    [{ is_admin: true }, Permission.ADMIN],
    [{ is_admin: false }, Permission.OPERATOR],
    [{ is_admin: false, permission: 'viewer' }, Permission.VIEWER],
  ];
  for (const [body, expected] of cases) {
    assert.equal((await gateway.call('POST', path, { body })).status, 201);
    assert.equal(permission, expected, JSON.stringify(body));
  }
  const refused: [Record<string, unknown>, string][] = [
    [{ is_admin: true, permission: 'viewer' }, 'is_admin'],
    [{ is_admin: false, permission: 'admin' }, 'is_admin'],
    [{ permission: 'root' }, 'permission'],
    [{ expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
    [{ expires_at: 'soon' }, 'expires_at'],
    [{ expires_at: '2999-01-01T00:00:00Z', expires_in_days: 3 }, 'expires_at'],
    [{ expires_in_days: 0 }, 'expires_in_days'],
    [{ name: 'a\u0000' }, 'name'],
    [{ name: 'x'.repeat(101) }, 'name'],
    [{ owner: 'me' }, 'owner'],
  ];
  for (const [body, field] of refused) {
    const answer = await gateway.call('POST', path, { body });
    assert.equal(answer.status, 422, JSON.stringify(body));
    assert.ok(
      answer.body.errors.some((error: { field: string }) => error.field === field),
      JSON.stringify(answer.body),
    );
  }
});

test('keys are listed page by page and got by id, without secrets', async (t) => {
  const gateway = await startTestGateway(t);
  gateway.answer(method.listApiKeys, ({ pageSize, pageToken }) => {
    assert.deepEqual([pageSize, pageToken], [2, 'abc']);
    return { apiKeys: [aKey()], nextPageToken: 'def' };
  });
  gateway.answer(method.getApiKey, ({ id: wanted }) => {
    if (wanted !== id) throw new DomainError('not_found', 'API_KEY_NOT_FOUND', 'There is no such API key.');
    return { apiKey: aKey({ permission: Permission.ADMIN, expiresAt: timestampFromDate(made) }) };
  });
  const list = await gateway.call('GET', `${path}?limit=2&cursor=abc`);
  assert.deepEqual(list.body, { items: [shown], next_cursor: 'def' });
  const one = await gateway.call('GET', `${path}/${id.toUpperCase()}`);
  assert.deepEqual(one.body, { ...shown, permission: 'admin', is_admin: true, expires_at: made.toISOString() });
  for (const unknown of [randomUUID(), 'abc'])
    assert.equal((await gateway.call('GET', `${path}/${unknown}`)).status, 404);
});

test('PATCH and PUT change what is given and nothing else', async (t) => {
  const gateway = await startTestGateway(t);
  let asked: UpdateApiKeyRequest | undefined;
  gateway.answer(method.updateApiKey, (message) => {
    asked = message;
    return { apiKey: aKey({ name: message.apiKey?.name ?? '' }) };
  });
  const answer = await gateway.call('PATCH', `${path}/${id}`, { body: { name: 'new', expires_at: null } });
  assert.equal(answer.status, 200);
  assert.equal(answer.body.name, 'new');
  assert.deepEqual(asked?.updateMask?.paths, ['name', 'expires_at']);
  assert.equal(asked?.apiKey?.expiresAt, undefined);
  await gateway.call('PUT', `${path}/${id}`, { body: { is_admin: true, description: '' } });
  assert.deepEqual(asked?.updateMask?.paths, ['description', 'permission']);
  assert.equal(asked?.apiKey?.permission, Permission.ADMIN);
  assert.equal((await gateway.call('PATCH', `${path}/${id}`, { body: {} })).status, 422);
});

test('a key that is ended over this gateway opens nothing from then on, without any notice', async (t) => {
  const gateway = await startTestGateway(t, { auth: false });
  let ended = false;
  gateway.answer(method.verifyApiKey, ({ apiKey }) => {
    if (apiKey === 'short-lived' && ended) throw new DomainError('unauthenticated', 'API_KEY_INVALID', 'Not valid.');
    return { principal: { id: apiKey === 'short-lived' ? id : 'other', kind: 'api_key', permissions: ['*'] } };
  });
  gateway.answer(method.listApiKeys, () => ({ apiKeys: [] }));
  gateway.answer(method.deleteApiKey, () => {
    ended = true;
    return {};
  });
  await gateway.bus.connection.flush();
  assert.equal((await gateway.call('GET', path, { apiKey: 'short-lived' })).status, 200);
  assert.equal((await gateway.call('DELETE', `${path}/${id}`)).status, 204);
  assert.equal((await gateway.call('GET', path, { apiKey: 'short-lived' })).status, 401);
});

test('a key is ended with 204, and what auth refuses is passed on', async (t) => {
  const gateway = await startTestGateway(t);
  let refuse = false;
  gateway.answer(method.deleteApiKey, () => {
    if (refuse) throw new DomainError('conflict', 'LAST_ADMIN_KEY', 'This is the last admin key.');
    return {};
  });
  const answer = await gateway.call('DELETE', `${path}/${id}`);
  assert.equal(answer.status, 204);
  assert.equal(answer.body, undefined);
  refuse = true;
  assert.equal((await gateway.call('DELETE', `${path}/${id}`)).body.code, 'LAST_ADMIN_KEY');
});

test('a rotation takes its overlap from the body, an hour without one', async (t) => {
  const gateway = await startTestGateway(t);
  let asked: RotateApiKeyRequest | undefined;
  gateway.answer(method.rotateApiKey, (message) => {
    asked = message;
    return { apiKey: aKey(), secret: 'berth_new' };
  });
  const answer = await gateway.call('POST', `${path}/${id}/rotate`);
  assert.equal(answer.status, 200);
  assert.equal(answer.body.api_key, 'berth_new');
  assert.equal(asked?.overlapSeconds, 3_600);
  await gateway.call('POST', `${path}/${id}/rotate`, { body: { overlap_seconds: 0 } });
  assert.equal(asked?.overlapSeconds, 0);
});

test('every change carries its Idempotency-Key, and a replayed rotation says so and shows no secret', async (t) => {
  const gateway = await startTestGateway(t);
  const asked: (CommandContext | undefined)[] = [];
  const noted = <T>(answer: T) => {
    return ({ context }: { context?: CommandContext | undefined }) => {
      asked.push(context);
      return answer;
    };
  };
  gateway.answer(method.rotateApiKey, noted({ apiKey: aKey(), secret: '' }));
  gateway.answer(method.updateApiKey, noted({ apiKey: aKey() }));
  gateway.answer(method.deleteApiKey, noted({}));
  const headers = { 'idempotency-key': 'k-1' };
  const replay = await gateway.call('POST', `${path}/${id}/rotate`, { body: { overlap_seconds: 5 }, headers });
  assert.deepEqual([replay.status, replay.headers.get('idempotency-replayed')], [200, 'true']);
  assert.deepEqual(replay.body, shown);
  await gateway.call('PATCH', `${path}/${id}`, { body: { name: 'x' }, headers });
  await gateway.call('DELETE', `${path}/${id}`, { headers });
  assert.deepEqual(
    asked.map((context) => [context?.idempotency?.scope, context?.idempotency?.key]),
    [`POST ${path}/${id}/rotate`, `PATCH ${path}/${id}`, `DELETE ${path}/${id}`].map((scope) => [
      `id-of-admin-1 ${scope}`,
      'k-1',
    ]),
  );
  const fingerprints = new Set(asked.map((context) => String(context?.idempotency?.fingerprint)));
  assert.equal(fingerprints.size, 3);
  for (const key of ['a b', 'x'.repeat(256)])
    assert.equal((await gateway.call('DELETE', `${path}/${id}`, { headers: { 'idempotency-key': key } })).status, 422);
  assert.equal(asked.length, 3);
});

test('a key that was used for another request is 422', async (t) => {
  const gateway = await startTestGateway(t);
  gateway.answer(method.createApiKey, () => {
    throw new DomainError('unprocessable', 'IDEMPOTENCY_KEY_REUSED', 'It was used before.');
  });
  const answer = await gateway.call('POST', path, { body: {}, headers: { 'idempotency-key': 'k' } });
  assert.deepEqual([answer.status, answer.body.code], [422, 'IDEMPOTENCY_KEY_REUSED']);
});

test('silence about a change is followed by the same command again, then by 504', async (t) => {
  const gateway = await startTestGateway(t);
  let heard = 0;
  gateway.bus.connection.subscribe(subjectOfMethod(gateway.prefix, method.createApiKey), {
    callback: () => void heard++,
  });
  await gateway.bus.connection.flush();
  const answer = await gateway.call('POST', path, { body: {} });
  assert.equal(answer.status, 504);
  assert.equal(answer.body.code, 'OUTCOME_UNKNOWN');
  assert.equal(heard, 2);
});

test('a key gets its own permissions, group and networks, and what contradicts itself is refused', async (t) => {
  const gateway = await startTestGateway(t);
  let asked: CreateApiKeyRequest | undefined;
  let changed: UpdateApiKeyRequest | undefined;
  gateway.answer(method.createApiKey, (message) => {
    asked = message;
    return { apiKey: aKey(), secret: 'x' };
  });
  gateway.answer(method.updateApiKey, (message) => {
    changed = message;
    return { apiKey: aKey() };
  });
  const body = { permissions: ['vms:*'], group: 'blue', allowed_networks: ['192.0.2.0/24'] };
  assert.equal((await gateway.call('POST', path, { body })).status, 201);
  assert.deepEqual(
    [asked?.permission, asked?.permissions, asked?.group, asked?.allowedNetworks, asked?.own],
    [Permission.CUSTOM, ['vms:*'], 'blue', ['192.0.2.0/24'], false],
  );
  assert.equal(
    (await gateway.call('PATCH', `${path}/${id}`, { body: { group: null, allowed_networks: [] } })).status,
    200,
  );
  assert.deepEqual([changed?.updateMask?.paths, changed?.apiKey?.group], [['group', 'allowed_networks'], '']);
  for (const refused of [
    { permissions: [] },
    { permissions: ['vms:*'], permission: 'viewer' },
    { permissions: ['*'], is_admin: true },
    { permission: 'owner' },
    { permission: 'custom' },
  ])
    assert.equal((await gateway.call('POST', path, { body: refused })).status, 422, JSON.stringify(refused));
});

test('users have keys of their own at /v1/account/api-keys; API keys have none', async (t) => {
  const gateway = await startTestGateway(t, { auth: false });
  const asked: unknown[] = [];
  gateway.answer(method.verifyApiKey, ({ apiKey }) => ({
    principal: { id: 'u1', userId: 'u1', kind: apiKey === 'a-user' ? 'user' : 'api_key', permissions: ['*'] },
  }));
  gateway.answer(method.createApiKey, ({ own, permission }) => {
    asked.push([own, permission]);
    return { apiKey: aKey({ permission: Permission.OWNER, permissions: ['*'], userId: 'u1' }), secret: 'x' };
  });
  gateway.answer(method.listApiKeys, ({ own, userId }) => {
    asked.push([own, userId]);
    return { apiKeys: [] };
  });
  gateway.answer(method.getApiKey, ({ own }) => {
    asked.push(own);
    return { apiKey: aKey() };
  });
  gateway.answer(method.deleteApiKey, ({ own }) => {
    asked.push(own);
    return {};
  });
  await gateway.bus.connection.flush();
  const mine = '/v1/account/api-keys';
  const made_ = await gateway.call('POST', mine, { apiKey: 'a-user', body: {} });
  assert.deepEqual([made_.status, made_.body.permission, made_.body.user_id], [201, 'owner', 'u1']);
  assert.equal(made_.headers.get('location'), `${mine}/${id}`);
  await gateway.call('GET', mine, { apiKey: 'a-user' });
  await gateway.call('GET', `${mine}/${id}`, { apiKey: 'a-user' });
  await gateway.call('DELETE', `${mine}/${id}`, { apiKey: 'a-user' });
  assert.deepEqual(asked, [[true, Permission.OWNER], [true, ''], true, true]);
  assert.equal((await gateway.call('GET', `${mine}?user_id=u2`, { apiKey: 'a-user' })).status, 422);
  const refused = await gateway.call('GET', mine, { apiKey: 'a-key' });
  assert.deepEqual([refused.status, refused.body.code], [403, 'USER_REQUIRED']);
});

test('a key that may be used from some networks is unknown from elsewhere', async (t) => {
  const gateway = await startTestGateway(t, { auth: false });
  gateway.answer(method.verifyApiKey, ({ apiKey }) => ({
    principal: { id: apiKey, kind: 'api_key', permissions: ['*'] },
    allowedNetworks: apiKey === 'here' ? ['127.0.0.0/8', '::1/128'] : ['192.0.2.0/24'],
  }));
  gateway.answer(method.listApiKeys, () => ({ apiKeys: [] }));
  await gateway.bus.connection.flush();
  assert.equal((await gateway.call('GET', path, { apiKey: 'here' })).status, 200);
  const elsewhere = await gateway.call('GET', path, { apiKey: 'elsewhere' });
  assert.deepEqual([elsewhere.status, elsewhere.body.code], [401, 'API_KEY_INVALID']);
});
