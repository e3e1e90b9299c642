import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestGateway } from './support/gateway-under-test.ts';
import { identityId, playIdentities } from './support/played-identities.ts';

const admin = '/v1/admin/identity-providers';
const body = {
  name: 'corp',
  issuer: 'https://login.example',
  client_id: 'berth',
  redirect_uris: ['https://a.example/b'],
};

test('a provider is made with what was asked, its secret is never answered, and its version is its tag', async (t) => {
  const gateway = await startTestGateway(t, { auth: false });
  const { asked } = await playIdentities(gateway);
  const groups = { claim: 'groups', map: { a: 'operator', __b: 'viewer' } };
  const made = await gateway.call('POST', admin, {
    body: { ...body, client_secret: 'hush', groups, registration: { new_users: true } },
    headers: { 'idempotency-key': 'k' },
  });
  assert.equal(made.status, 201);
  assert.equal(made.headers.get('location'), `${admin}/corp`);
  assert.match(made.headers.get('etag') ?? '', /^"3-/);
  assert.ok(!JSON.stringify(made.body).includes('hush') && made.body.client_secret_set);
  assert.deepEqual(made.body.groups, groups);
  const { terms, context } = asked[0]?.message ?? {};
  assert.deepEqual([terms.clientSecret, terms.newUsers, terms.enabled, terms.preset], ['hush', true, true, 'custom']);
  assert.equal(context.idempotency.scope, `id-of-admin-1 POST ${admin}`);
  for (const wrong of [{ ...body, more: 1 }, { ...body, redirect_uris: [] }, { ...body, preset: 'other' }, {}]) {
    assert.equal((await gateway.call('POST', admin, { body: wrong })).status, 422, JSON.stringify(wrong));
  }
  assert.ok(!JSON.stringify(gateway.logged).includes('hush'));
});

test('a change names what changes, and the version that it is for', async (t) => {
  const gateway = await startTestGateway(t, { auth: false });
  const { asked } = await playIdentities(gateway);
  const change = { groups: null, client_secret: null, registration: { email_domains: ['x.example'] }, enabled: false };
  const changed = await gateway.call('PATCH', `${admin}/corp`, { body: change, headers: { 'if-match': '"2-abc"' } });
  assert.equal(changed.status, 200);
  const { message } = asked[0] ?? assert.fail('nothing was asked');
  assert.deepEqual(message.updateMask.paths.toSorted(), [
    ...['claim_groups', 'client_secret', 'email_domains', 'enabled', 'group_claim'],
  ]);
  assert.equal(message.context.ifVersion, 2n);
  for (const fixed of ['issuer', 'preset', 'endpoints', 'name']) {
    assert.equal((await gateway.call('PATCH', `${admin}/corp`, { body: { [fixed]: 'x' } })).status, 422, fixed);
  }
});

test('signing in needs no key, and whoever lost the answer begins again', async (t) => {
  const gateway = await startTestGateway(t, { auth: false });
  const { asked } = await playIdentities(gateway);
  const path = '/v1/auth/providers/corp';
  const start = { redirect_uri: 'https://a.example/b' };
  const begun = await gateway.call('POST', `${path}/start`, { apiKey: null, body: start });
  assert.deepEqual(begun.body, { authorization_url: 'https://login.example/a', attempt: 'secret', expires_in: 600 });
  assert.equal(begun.headers.get('cache-control'), 'no-store');
  const answer = { attempt: 'the-attempt', code: 'the-code', state: 's' };
  const session = await gateway.call('POST', `${path}/callback`, { apiKey: null, body: answer });
  assert.deepEqual(session.body, {
    ...{ access_token: 'access', token_type: 'Bearer', expires_in: 900 },
    ...{ refresh_token: 'refresh', refresh_expires_in: null },
  });
  const { context } = asked[1]?.message ?? {};
  assert.deepEqual([context.principal, context.clientAddress], [undefined, '127.0.0.1']);
  const again = await gateway.call('POST', `${path}/callback`, { apiKey: null, body: { ...answer, attempt: 'used' } });
  assert.deepEqual([again.status, again.body.code], [403, 'IDENTITY_ATTEMPT_INVALID']);
  const log = JSON.stringify(gateway.logged);
  for (const secret of ['the-attempt', 'the-code', 'refresh']) assert.ok(!log.includes(secret), secret);
});

test('one’s identities are for users who are signed in, providers for their admins', async (t) => {
  const gateway = await startTestGateway(t, { auth: false });
  const { asked } = await playIdentities(gateway);
  const own = '/v1/account/identities';
  for (const [method, path] of [
    ['GET', own],
    ['POST', `${own}/corp/start`],
    ['POST', `${own}/corp/callback`],
    ['DELETE', `${own}/${identityId}`],
  ] as const) {
    const withKey = await gateway.call(method, path, method === 'POST' ? { body: {} } : {});
    assert.deepEqual([withKey.status, withKey.body.code], [403, 'USER_REQUIRED'], `${method} ${path}`);
    assert.equal((await gateway.call(method, path, { apiKey: null })).status, 401);
  }
  for (const [method, path] of [
    ['GET', admin],
    ['POST', admin],
    ['GET', `${admin}/corp`],
    ['PATCH', `${admin}/corp`],
    ['DELETE', `${admin}/corp`],
  ] as const) {
    const answer = await gateway.call(method, path, { apiKey: 'operator-1', ...(method === 'POST' && { body }) });
    assert.deepEqual([answer.status, answer.body.code], [403, 'PERMISSION_DENIED'], `${method} ${path}`);
  }
  assert.equal(asked.length, 0);
  const { body: list } = await gateway.call('GET', own, { apiKey: 'user-1' });
  assert.equal(list.items[0].label, 'sam@x.example');
  assert.equal((await gateway.call('DELETE', `${own}/nonsense`, { apiKey: 'user-1' })).status, 404);
  assert.equal((await gateway.call('DELETE', `${own}/${identityId}`, { apiKey: 'user-1' })).status, 204);
  assert.equal(asked.at(-1)?.message.context.principal.userId, 'id-of-user-1');
});
